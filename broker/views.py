"""What a mesh shows: the shapes of answers, without anything that makes them."""

from msgspec import Struct

from .messages import Count, Load, Name, RecipeText, Seconds


class NodeView(Struct, frozen=True):
    """A node at a moment. ``state`` is one word; ``reason`` says why it does not work.

    ``now`` is the picture that it has worked on longest, ``fetching`` how many wait for their
    pixels, ``p95`` the seconds that all but the slowest of its last tasks took. ``moves_in``
    is in how many seconds what it has goes elsewhere, if it stays silent.
    """

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
    id: str = ""
    host: str = ""
    address: str = ""
    numeric: str = ""
    memory: int = 0
    fetching: int = 0
    now: str = ""
    p95: float = 0.0
    moves_in: float = 0.0
    last_error: str = ""


class LostView(Struct, frozen=True):
    """A node that is gone without having said so; ``at`` is the broker's uptime then.

    ``moved`` tasks went elsewhere.
    """

    name: str
    slots: int
    at: float
    why: str
    moved: int


class BatchView(Struct, frozen=True):
    """A batch at a moment: whose, what, how far, and why it waits if it does.

    ``suspects`` of those that wait do so for a node of their own.
    """

    owner: str
    label: str
    recipe: str
    waiting: int
    running: int
    done: int
    failed: int
    reason: str
    suspects: int = 0
    id: str = ""


class FolderView(Struct, frozen=True):
    """A watched folder at a moment: whose, from where to where, how many files are how far.

    ``paused`` says why nothing goes on, where nothing does. ``id`` names it in orders.
    """

    owner: str
    source: str
    out: str
    settling: int
    waiting: int
    running: int
    written: int
    failed: int
    paused: str
    id: str = ""


class PictureView(Struct, frozen=True):
    """A picture set aside; ``id`` is its job's, in hex, and ``age`` in seconds."""

    id: str
    name: str
    recipe: str
    reason: str
    age: float


class MemberView(Struct, frozen=True):
    """A machine that was let in, whether it is connected or not."""

    name: str
    roles: tuple[str, ...]
    fingerprint: str
    by: str


class WaitingView(Struct, frozen=True):
    """A machine that asks to be let in; its own screen shows the same fingerprint."""

    name: str
    fingerprint: str
    address: str


class Happened(Struct, frozen=True):
    """Something that people may want to have seen; ``at`` is the broker's uptime then.

    ``what`` is one word, ``who`` the node, picture or machine that it is about. Numbers count up.
    """

    number: int
    at: float
    what: str
    who: str
    text: str


class Snapshot(Struct, frozen=True):
    """The whole mesh at a moment; ``uptime`` and beats are seconds.

    ``members`` are the machines that joined, ``waiting`` those that ask to; ``wall`` is the
    broker's wall clock, for whoever compares clocks, ``relay`` the port that pixels go through
    over the network.
    """

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
    quarantined: tuple[PictureView, ...] = ()
    members: tuple[MemberView, ...] = ()
    waiting: tuple[WaitingView, ...] = ()
    wall: float = 0.0
    relay: int = 0
    folders: tuple[FolderView, ...] = ()
    lost: tuple[LostView, ...] = ()
    happened: tuple[Happened, ...] = ()


class Thumbnail(Struct, frozen=True):
    """A picture made small, as a JPEG; the rest is the picture's own, ``size`` in bytes."""

    width: Count
    height: Count
    size: Count
    jpeg: bytes


class Preview(Struct, frozen=True):
    """The picture that a node has finished last, before and after; ``age`` is in seconds."""

    name: Name
    recipe: RecipeText
    before: Thumbnail
    after: Thumbnail
    seconds: Seconds
    age: Seconds = 0.0


class Looked(Struct, frozen=True):
    """What a node shows to who looks; None while it has shown nothing, or is not here."""

    node: str
    preview: Preview | None


class Try(Struct, frozen=True):
    """An attempt that brought no outcome: where, and what became of it."""

    node: str
    code: str
    reason: str
    alone: bool


class NowView(Struct, frozen=True):
    """An attempt under way: where, for how long, and how long it was predicted to take."""

    node: str
    phase: str
    seconds: float
    predicted: float
    alone: bool


class Story(Struct, frozen=True):
    """What the broker knows of a task; ``id`` is its job's, in hex."""

    id: str
    name: str
    recipe: str
    owner: str
    place: str
    reason: str
    tries: tuple[Try, ...]
    now: tuple[NowView, ...] = ()


class Joined(Struct, frozen=True):
    """What a machine is told that joined: what it is called here, and what it may do."""

    name: str
    roles: tuple[str, ...]
    broker: str


class TicketView(Struct, frozen=True):
    """A ticket that is out: how often it was used, and for how many seconds it is good."""

    id: str
    roles: tuple[str, ...]
    uses: int
    used: int
    seconds: float
    revoked: bool = False


class NewTicket(Struct, frozen=True):
    """A ticket as it is pasted, and what it is."""

    text: str
    view: TicketView
