"""What would have to be more for the whole to go faster. Pure.

In this order: somebody to work, somebody who can, pixels for slots that idle, slots; and where
slots idle for want of work, a disk that takes results too slowly.
"""

from .messages import Load
from .nodes import Node
from .placement import can_run, takes_new
from .reasons import why_not_placed, why_waiting
from .tasks import Batch, Owner

LASTING = 3.0
"""Seconds for which something idles before it is called a limit: shorter is a moment's chance."""


def limited_by(nodes: list[Node], batches: list[Batch], now: float) -> str:
    """Return what limits the whole, or nothing."""
    waiting = [batch for batch in batches if batch.queue]
    live = [node for node in nodes if not node.lease.suspect(now)]
    if waiting and not live:
        return "nodes: none is connected"
    stuck = [reason for batch in waiting if (reason := why_waiting(batch, live))]
    if stuck and len(stuck) == len(waiting):
        return stuck[0]
    if link := _slow_link(live, batches, now):
        return link
    able = [node for node in live if _could_take(node, waiting)]
    if waiting and not able:
        return why_not_placed(next(iter(waiting[0].queue.values())), live)
    if able and all(len(node.active) >= node.ready for node in able):
        return "slots" if waiting else ""
    return _slow_disk(batches, now)


def _could_take(node: Node, waiting: list[Batch]) -> bool:
    """Whether slots of the node would help: it takes new tasks, and can do some that wait."""
    able = not waiting or any(can_run(node, batch) for batch in waiting)
    return able and takes_new(node)


def _slow_link(live: list[Node], batches: list[Batch], now: float) -> str:
    """Return the link that pixels come by too slowly for slots that idle."""
    starved = [node for node in live if _lasts(node.starved, now)]
    if not starved:
        return ""
    owners = {batch.owner.hello.name for batch in batches if batch.placed}
    hosts = {node.hello.host for node in starved}
    if len(starved) == len(live) > 1 and len(owners) == 1 and len(hosts) > 1:
        return f"network out of {owners.pop()}"
    slowest = min(starved, key=lambda node: node.load.net_in)
    return f"network into {slowest.hello.name} ({_rate(slowest.load)})"


def _slow_disk(batches: list[Batch], now: float) -> str:
    for owner in {id(batch.owner): batch.owner for batch in batches}.values():
        if _is_behind(owner, now):
            return f"disk of {owner.hello.name}"
    return ""


def _is_behind(owner: Owner, now: float) -> bool:
    return _lasts(owner.behind, now)


def _lasts(since: float | None, now: float) -> bool:
    return since is not None and now - since >= LASTING


def _rate(load: Load) -> str:
    return f"{load.net_in / 1e6:.1f} MB/s"
