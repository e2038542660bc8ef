"""What the mesh is doing, as numbers and reasons. Pure: a view of the scheduler's state.

The dashboard, ``pixmesh status`` and tests read snapshots; nothing here changes anything.
"""

from collections.abc import Iterable

from msgspec import structs

from .messages import FolderItem
from .nodes import Node
from .placement import can_run, in_service, suits, why_nothing_new
from .scheduler import Scheduler
from .tasks import Batch, Owner, Task
from .views import BatchView, FolderView, NodeView, PictureView, Snapshot


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
    aside = list(scheduler.tasks.aside)
    return Snapshot(
        schema=1,
        broker=broker,
        version=version,
        uptime=now - scheduler.started,
        nodes=tuple(_node_view(node, batches, now) for node in nodes),
        batches=tuple(
            _batch_view(batch, nodes, [task for task in aside if task.batch is batch])
            for batch in batches
            if batch.open
        ),
        owners=len(scheduler.owners),
        limited_by=limited_by(nodes, batches, now),
        malformed=malformed,
        refused=refused,
        quarantined=tuple(_pictures(scheduler, now)),
        folders=tuple(
            _folder_view(owner, folder)
            for owner in scheduler.owners.values()
            for folder in owner.folders
        ),
    )


def _folder_view(owner: Owner, folder: FolderItem) -> FolderView:
    return FolderView(owner=owner.hello.name, **structs.asdict(folder))


# ---- why ------------------------------------------------------------------------------


def why_waiting(batch: Batch, nodes: list[Node], aside: Iterable[Task] = ()) -> str:
    """Return why no task of a batch can be placed, or nothing.

    ``aside`` are those of its tasks that wait for a node of their own.
    """
    if batch.placed or not (batch.queue or batch.aside):
        return ""
    waiting = [*aside, *batch.queue.values()]
    return why_not_placed(waiting[0], nodes) if waiting else ""


def why_not_placed(task: Task, nodes: list[Node]) -> str:
    """Return why no node takes a task, or nothing. Judged by totals, not by what is free."""
    if not nodes:
        return "no node is connected"
    able = [node for node in nodes if can_run(node, task.batch)]
    if not able:
        missing = min((task.batch.needs - node.has for node in nodes), key=len)
        return f"no node has {', '.join(sorted(missing))}"
    if not any(suits(node, task) for node in able):
        largest = max(able, key=lambda node: node.hello.memory)
        return (
            f"fits nowhere: it needs {_gigabytes(task.item.memory)}, "
            f"{largest.hello.name} has most with {_gigabytes(largest.hello.memory)}"
        )
    serving = [node for node in able if in_service(node)]
    if not serving:
        return _everyone(able)
    if all(why_nothing_new(node) for node in serving):
        return _everyone(serving)
    return ""


def _everyone(nodes: list[Node]) -> str:
    """Say of nodes that take nothing new why they do not."""
    first = nodes[0]
    more = f", nor do {len(nodes) - 1} more" if len(nodes) > 1 else ""
    return f"{first.hello.name} takes nothing new ({why_nothing_new(first)}){more}"


def why_idle(node: Node, batches: list[Batch], now: float) -> str:
    """Return why a node does less than it could, or nothing."""
    if node.lease.suspect(now):
        return f"silent for {now - node.lease.heard:.1f} s"
    if reason := why_nothing_new(node):
        return reason
    if node.alone is not None or node.kept_for is not None:
        return _why_kept(node)
    waiting = [batch for batch in batches if batch.queue]
    if node.active or not waiting:
        return ""
    missing = [batch.needs - node.has for batch in waiting]
    if all(missing):
        return f"lacks {', '.join(sorted(missing[0]))}"
    return ""


def _why_kept(node: Node) -> str:
    if node.alone is not None:
        return f"runs {_name(node.alone.task)} alone: it may have cost a slot or a node"
    return f"kept for {_name(node.kept_for)}, which needs it to itself" if node.kept_for else ""


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


# ---- views ----------------------------------------------------------------------------


def _pictures(scheduler: Scheduler, now: float) -> Iterable[PictureView]:
    for task, one in scheduler.tasks.quarantine.pictures.items():
        yield PictureView(task.hex(), one.name, one.recipe, one.reason, now - one.since)


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
    if node.quarantined:
        return "quarantined"
    if node.draining or node.paused:
        return "draining"
    if node.ready == 0:
        return "warming"
    return "working" if node.active else "idle"


def _batch_view(batch: Batch, nodes: list[Node], aside: list[Task]) -> BatchView:
    return BatchView(
        owner=batch.owner.hello.name,
        label=batch.label,
        recipe=batch.work.recipe,
        waiting=len(batch.queue) + batch.aside + batch.awaited,
        running=batch.placed,
        done=batch.done,
        failed=batch.failed,
        reason=why_waiting(batch, nodes, aside),
        suspects=sum(task.suspect for task in aside),
    )


def _name(task: Task) -> str:
    return task.item.name or task.id.hex()[:12]


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
