"""The mesh as a dashboard knows it: the last snapshot, its history, and whether it is true now.

    (nothing) --whole--> live --change--> live --away--> away --whole--> live

Away, the figures stay as they are and grow old. Pure: ``now`` is the caller's monotonic clock.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from ...broker.changes import Change, Whole, apply
from ...broker.views import BatchView, FolderView, Happened, NodeView, Snapshot
from ...node.net.following import SILENCE, Away, Shown, Told
from ..pace import Counts, Pace

SAMPLES = 60
SAMPLE_EVERY = 1.0
LINES = 1000


@dataclass(slots=True, eq=False)
class NodeHistory:
    """What is remembered of a node: where it stands among the others, and its last minute.

    ``net`` is what comes and goes, in bytes a second.
    """

    place: int
    cpu: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    net: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    pace: Pace = field(default_factory=Pace)


@dataclass(slots=True, eq=False)
class MeshView:
    """What is known. ``why_away`` is empty while the broker tells something."""

    snapshot: Snapshot | None = None
    why_away: str = ""
    told_at: float = float("-inf")
    nodes: dict[str, NodeHistory] = field(default_factory=dict)
    images: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    lines: deque[Happened] = field(default_factory=lambda: deque(maxlen=LINES))
    previews: dict[str, Shown] = field(default_factory=dict)
    _paces: dict[str, Pace] = field(default_factory=dict)
    _sampled: float = float("-inf")

    def take(self, told: Told, now: float) -> None:
        """Take in what is told."""
        match told:
            case Whole(snapshot=snapshot):
                self._begin(snapshot)
                self._seen(snapshot, now)
            case Change() if self.snapshot is not None:
                self._seen(apply(self.snapshot, told), now)
                self.lines.extend(told.happened)
            case Away(why=why):
                self.why_away = why
                self.previews = {}
            case Shown(node=node):
                self.previews = {node: told}
            case _:
                pass  # a change of what was never told whole

    def age(self, now: float) -> float:
        """Return how old the figures are, in seconds."""
        return max(0.0, now - self.told_at)

    def away(self, now: float) -> str:
        """Return why the figures are not true any more; nothing while they are."""
        if self.why_away or self.snapshot is None or self.age(now) <= SILENCE + SAMPLE_EVERY:
            return self.why_away
        return f"nothing was told for {self.age(now):.0f} s"

    def rate(self, key: str) -> float:
        """Return the images a second of a folder or a batch."""
        pace = self._paces.get(key)
        return max(0.0, pace.images) if pace is not None else 0.0

    def node_rate(self, name: str) -> float:
        """Return a node's images a second."""
        known = self.nodes.get(name)
        return max(0.0, known.pace.images) if known is not None else 0.0

    @property
    def images_a_second(self) -> float:
        """The images a second of all nodes."""
        nodes = self.snapshot.nodes if self.snapshot is not None else ()
        return sum(self.node_rate(node.name) for node in nodes)

    def _begin(self, snapshot: Snapshot) -> None:
        """A broker tells all: where it is another one, its counts begin anew, and its lines."""
        before = self.snapshot
        if before is not None and snapshot.uptime < before.uptime:
            self._paces.clear()
            for known in self.nodes.values():
                known.pace = Pace()
            self._sampled = float("-inf")
        if not self._goes_on(snapshot.happened):
            self.lines.clear()
        last = self.lines[-1].number if self.lines else 0
        self.lines.extend(one for one in snapshot.happened if one.number > last)

    def _goes_on(self, told: Sequence[Happened]) -> bool:
        """Whether these are lines of the broker that told the last ones: it counts them."""
        if not self.lines:
            return True
        known = {one.number: one for one in self.lines}
        same = all(known.get(one.number, one) == one for one in told)
        return same and bool(told) and told[-1].number >= self.lines[-1].number

    def _seen(self, snapshot: Snapshot, now: float) -> None:
        self.snapshot, self.told_at, self.why_away = snapshot, now, ""
        for name in [*map(_name, snapshot.nodes), *map(_name, snapshot.lost)]:
            if name not in self.nodes:
                self.nodes[name] = NodeHistory(len(self.nodes))
        at = snapshot.uptime
        for node in snapshot.nodes:
            self.nodes[node.name].pace.look(_counts(node.done + node.failed), at)
        ends = _ends(snapshot.batches, snapshot.folders)
        self._paces = {key: self._paces.get(key) or Pace() for key in ends}
        for key, ended in ends.items():
            self._paces[key].look(_counts(ended), at)
        if at - self._sampled >= SAMPLE_EVERY:
            self._sampled = at
            self._sample(snapshot.nodes)

    def _sample(self, nodes: Sequence[NodeView]) -> None:
        for node in nodes:
            self.nodes[node.name].cpu.append(node.load.cpu)
            self.nodes[node.name].net.append(node.load.net_in + node.load.net_out)
        self.images.append(self.images_a_second)


_name = attrgetter("name")


def _counts(ended: int) -> Counts:
    return Counts(total=0, done=ended)


def _ends(batches: Sequence[BatchView], folders: Sequence[FolderView]) -> dict[str, int]:
    ends = {batch.id: batch.done + batch.failed for batch in batches}
    return ends | {folder.id: folder.written + folder.failed for folder in folders}
