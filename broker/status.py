"""What the mesh is doing, as numbers and reasons. Pure: a view of the scheduler's state.

The dashboard, ``pixmesh status`` and tests read snapshots; nothing here changes anything.
"""

from msgspec import Struct

from .messages import Load
from .placement import can_run
from .scheduler import Scheduler
from .tasks import Batch, Node


class NodeView(Struct, frozen=True):
    """A node at a moment. ``state`` is one word; ``reason`` says why it does not work."""

    name: str
    state: str
    slots: int
    busy: int
    held: int
    load: Load
    done: int
    failed: int
    beat: float
    reason: str


class BatchView(Struct, frozen=True):
    """A batch at a moment: whose, what, how far, and why it waits if it does."""

    owner: str
    label: str
    recipe: str
    waiting: int
    running: int
    done: int
    failed: int
    reason: str


class Snapshot(Struct, frozen=True):
    """The whole mesh at a moment; ``uptime`` and beats are seconds."""

    schema: int
    broker: str
    version: str
    uptime: float
    nodes: tuple[NodeView, ...]
    batches: tuple[BatchView, ...]
    owners: int
    limited_by: str
    malformed: int = 0
    refused: int = 0


def snapshot(
    scheduler: Scheduler,
    now: float,
    *,
    broker: str,
    version: str,
    malformed: int = 0,
    refused: int = 0,
) -> Snapshot:
    """Return what the mesh is doing now."""
    batches = [batch for owner in scheduler.owners.values() for batch in owner.batches.values()]
    nodes = list(scheduler.nodes.values())
    return Snapshot(
        schema=1,
        broker=broker,
        version=version,
        uptime=now - scheduler.started,
        nodes=tuple(_node_view(node, batches, now) for node in nodes),
        batches=tuple(_batch_view(batch, nodes) for batch in batches if _matters(batch)),
        owners=len(scheduler.owners),
        limited_by=limited_by(nodes, batches, now),
        malformed=malformed,
        refused=refused,
    )


def why_waiting(batch: Batch, nodes: list[Node]) -> str:
    """Return why no task of a batch can be placed, or nothing."""
    if not batch.queue:
        return ""
    if not nodes:
        return "no node is connected"
    if any(can_run(node, batch) for node in nodes):
        return ""
    missing = min((batch.needs - node.has for node in nodes), key=len)
    return f"no node has {', '.join(sorted(missing))}"


def why_idle(node: Node, batches: list[Batch], now: float) -> str:
    """Return why a node does less than it could, or nothing."""
    if node.lease.suspect(now):
        return f"silent for {now - node.lease.heard:.1f} s"
    if node.draining:
        return "draining"
    if node.ready == 0:
        return "its slots are starting"
    waiting = [batch for batch in batches if batch.queue]
    if node.active or not waiting:
        return ""
    missing = [batch.needs - node.has for batch in waiting]
    if all(missing):
        return f"lacks {', '.join(sorted(missing[0]))}"
    return ""


def limited_by(nodes: list[Node], batches: list[Batch], now: float) -> str:
    """Return what would have to be more for the whole to go faster, or nothing."""
    waiting = [batch for batch in batches if batch.queue]
    if not waiting:
        return ""
    live = [node for node in nodes if not node.lease.suspect(now)]
    if not live:
        return "nodes: none is connected"
    stuck = [reason for batch in waiting if (reason := why_waiting(batch, live))]
    if len(stuck) == len(waiting):
        return stuck[0]
    if all(len(node.active) >= node.ready for node in live):
        return "slots"
    return ""


def _matters(batch: Batch) -> bool:
    return bool(batch.queue or batch.placed or batch.open)


def _node_view(node: Node, batches: list[Batch], now: float) -> NodeView:
    return NodeView(
        name=node.hello.name,
        state=_state_word(node, now),
        slots=node.hello.slots,
        busy=min(len(node.active), node.ready),
        held=len(node.active),
        load=node.load,
        done=node.done,
        failed=node.failed,
        beat=now - node.lease.heard,
        reason=why_idle(node, batches, now),
    )


def _state_word(node: Node, now: float) -> str:
    if node.lease.suspect(now):
        return "late"
    if node.draining:
        return "draining"
    if node.ready == 0:
        return "warming"
    return "working" if node.active else "idle"


def _batch_view(batch: Batch, nodes: list[Node]) -> BatchView:
    return BatchView(
        owner=batch.owner.hello.name,
        label=batch.label,
        recipe=batch.work.recipe,
        waiting=len(batch.queue),
        running=batch.placed,
        done=batch.done,
        failed=batch.failed,
        reason=why_waiting(batch, nodes),
    )
