"""What the mesh is doing, as numbers and reasons. Pure: a view of the scheduler's state.

The dashboard, ``pixmesh status`` and tests read snapshots; nothing here changes anything. The
reasons themselves are ``reasons``' and ``bottleneck``'s.
"""

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b

from msgspec import structs

from .bottleneck import limited_by
from .messages import FolderItem, MemberId, Phase
from .nodes import Node
from .placement import drain_word
from .reasons import why_idle, why_waiting
from .scheduler import Scheduler
from .tasks import Attempt, Batch, Owner, Task
from .views import BatchView, FolderView, NodeView, PictureView, Snapshot

NOWHERE: Mapping[MemberId, str] = {}


def snapshot(
    scheduler: Scheduler,
    now: float,
    *,
    broker: str,
    version: str,
    malformed: int = 0,
    refused: int = 0,
    addresses: Mapping[MemberId, str] = NOWHERE,
) -> Snapshot:
    """Return what the mesh is doing now; ``addresses`` are where its members are."""
    batches = [batch for owner in scheduler.owners.values() for batch in owner.batches.values()]
    nodes = list(scheduler.nodes.values())
    aside = list(scheduler.tasks.aside)
    return Snapshot(
        schema=1,
        broker=broker,
        version=version,
        uptime=now - scheduler.started,
        nodes=tuple(_node_view(node, batches, now, addresses.get(node.id, "")) for node in nodes),
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
        lost=scheduler.chronicle.missing,
        happened=scheduler.chronicle.lines,
    )


def folder_id(owner: MemberId, folder: FolderItem) -> str:
    """Return what names a watched folder in orders: one at a time has it."""
    named = f"{owner.hex()}\0{folder.source}\0{folder.out}"
    return blake2b(named.encode(), digest_size=4).hexdigest()


def _folder_view(owner: Owner, folder: FolderItem) -> FolderView:
    return FolderView(
        owner=owner.hello.name, id=folder_id(owner.id, folder), **structs.asdict(folder)
    )


def _pictures(scheduler: Scheduler, now: float) -> Iterable[PictureView]:
    for task, one in scheduler.tasks.quarantine.pictures.items():
        yield PictureView(task.hex(), one.name, one.recipe, one.reason, now - one.since)


def _node_view(node: Node, batches: list[Batch], now: float, address: str) -> NodeView:
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
        id=node.id.hex(),
        host=node.hello.host,
        address=address,
        numeric=node.hello.numeric,
        memory=node.budget,
        fetching=node.fetching,
        now=_worked_on(node.active.values()),
        p95=_slow_end(node.took),
        moves_in=max(0.0, node.lease.deadline() - now),
        last_error=node.last_error,
    )


STATES = ("late", "quarantined", "draining", "drained", "warming", "working", "idle")
"""All that a node may be; a word each."""


def _state_word(node: Node, now: float) -> str:
    if node.lease.suspect(now):
        return "late"
    if node.quarantined:
        return "quarantined"
    if node.draining or node.paused:
        return drain_word(node)
    if node.ready == 0:
        return "warming"
    if node.active:
        return "working"
    return "warming" if node.warming else "idle"


def _worked_on(active: Iterable[Attempt]) -> str:
    """Return what the picture is called that is worked on longest; one whose pixels are there."""
    oldest = min(active, key=lambda one: (one.phase is Phase.FETCHING, one.given), default=None)
    return oldest.task.name if oldest is not None else ""


def _slow_end(took: Collection[float]) -> float:
    """Return what 95 of 100 tasks took no longer than."""
    return sorted(took)[int(0.95 * (len(took) - 1))] if took else 0.0


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
        id=f"{batch.owner.id.hex()}-{batch.number}",
    )
