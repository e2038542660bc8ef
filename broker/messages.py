"""What members say to each other: one frozen, typed message for each kind.

PROTOCOL.md tells when each is sent and what it promises. This module knows shapes only:
no sockets, no clock, no policy. Items that travel by the thousand are arrays on the
wire; everything else is a map with names.
"""

from enum import IntEnum
from typing import Annotated, NewType

from msgspec import Meta, Struct

MemberId = NewType("MemberId", bytes)
TaskId = NewType("TaskId", bytes)
AttemptId = NewType("AttemptId", int)

INLINE_BYTES = 32 * 1024
CHUNK_BYTES = 256 * 1024
MOST_RATE = 1e12
MOST_SECONDS = 1e9
MOST_MODELS = 256
WEIGHTS_COME = "weights come"
"""How the reason begins for which a batch waits that needs no patience: a node fetches them."""

WEIGHTS_OF = "model "
"""What a node has and a batch needs beside operations: the weights of the model that follows."""

FORMAT_OF = "format "
"""What stands before the name of a format among the operations that a node has, or must have."""

MOST_REFERENCES = 8
REFERENCE_BYTES = 64 * 1024 * 1024
"""How many bytes all references of a batch may have together."""

MOST_FOLDERS = 64
PATH_LETTERS = 300

Id8 = Annotated[bytes, Meta(min_length=8, max_length=8)]
Id16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
Word = Annotated[str, Meta(max_length=64)]
Name = Annotated[str, Meta(max_length=256)]
Path = Annotated[str, Meta(max_length=PATH_LETTERS)]
Line = Annotated[str, Meta(max_length=1000)]
RecipeText = Annotated[str, Meta(max_length=4000)]
Count = Annotated[int, Meta(ge=0, le=2**48)]
Seconds = Annotated[float, Meta(ge=0.0, le=MOST_SECONDS)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Rate = Annotated[float, Meta(ge=0.0, le=MOST_RATE)]
Attempt64 = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Kind(IntEnum):
    """The byte that names a message's kind on the wire."""

    HELLO = 1
    WELCOME = 2
    STATE = 3
    SUBMIT = 4
    WINDOW = 5
    ASSIGN = 6
    DROP = 7
    NOTE = 8
    RESULT = 9
    GET = 10
    CHUNK = 11
    SETTLED = 12
    ASK = 13
    TELL = 14
    ERROR = 15
    BYE = 16


class Phase(IntEnum):
    """How far a held attempt has come on its node."""

    FETCHING = 0
    READY = 1
    RUNNING = 2
    ENDED = 3


class End(IntEnum):
    """How an attempt ended on its node."""

    DONE = 0
    FAILED = 1
    CRASHED = 2
    RETURNED = 3


class Load(Struct, frozen=True):
    """What a machine is busy with, by psutil. Shares are 0..1, rates are bytes a second."""

    cpu: Share = 0.0
    cpu_others: Share = 0.0
    memory: Share = 0.0
    net_in: Rate = 0.0
    net_out: Rate = 0.0
    disk_read: Rate = 0.0
    disk_write: Rate = 0.0


class HeldItem(Struct, frozen=True, array_like=True):
    """An attempt that a node holds."""

    attempt: Attempt64
    phase: Phase


class HeldTask(Struct, frozen=True, array_like=True):
    """An attempt that a node holds, for a broker that may know nothing of it.

    ``seconds`` is what it was predicted to take there, ``memory`` the bytes it needs. It
    will have no end where it was ``dropped`` while it ran.
    """

    attempt: Attempt64
    phase: Phase
    task: Id16
    owner: Id8
    seconds: Seconds
    memory: Count
    dropped: bool = False


class TaskItem(Struct, frozen=True, array_like=True):
    """One task as its owner submits it.

    ``seconds`` is the declared cost on the reference core, ``memory`` the bytes that a
    slot needs, ``inline`` the pixels themselves where they are few. ``name`` is for
    people; ``last`` is the node last seen working on it, from an owner that asks again.
    """

    id: Id16
    token: Id16
    size: Count
    digest: Digest
    seconds: Seconds
    memory: Count
    inline: Annotated[bytes, Meta(max_length=INLINE_BYTES)] | None = None
    name: Name = ""
    last: Id8 | None = None


class AssignItem(Struct, frozen=True, array_like=True):
    """One attempt for a node. ``work`` points into the message's list of works."""

    attempt: Attempt64
    work: Count
    task: TaskItem
    seconds: Seconds


class ReferenceItem(Struct, frozen=True, array_like=True):
    """A picture that a batch's tasks take beside their own: it is fetched by its ``token``."""

    token: Id16
    digest: Digest
    size: Annotated[int, Meta(ge=1, le=REFERENCE_BYTES)]


References = Annotated[tuple[ReferenceItem, ...], Meta(max_length=MOST_REFERENCES)]


class Work(Struct, frozen=True, array_like=True):
    """What many attempts share: whose they are, the recipe, the output, what it takes besides."""

    owner: Id8
    recipe: RecipeText
    output: Line
    references: References = ()


class EndItem(Struct, frozen=True, array_like=True):
    """How one attempt ended.

    ``code`` and ``reason`` are set for every end but DONE; ``inline`` holds the result
    where it is small. ``node`` and ``attempts`` are filled in by the broker.
    """

    attempt: Attempt64
    task: Id16
    owner: Id8
    end: End
    seconds: Seconds = 0.0
    size: Count = 0
    digest: Digest | None = None
    format: Word = ""
    code: Word = ""
    reason: Line = ""
    inline: Annotated[bytes, Meta(max_length=INLINE_BYTES)] | None = None
    node: Word = ""
    holder: Id8 | None = None
    attempts: Count = 1


class Hello(Struct, frozen=True):
    """Who a member is, bound to its key, and what it already holds."""

    role: Word
    name: Word
    key: Key
    boot: Id8
    lowest: int
    highest: int
    host: Word = ""
    numeric: Line = ""
    slots: Annotated[int, Meta(ge=0, le=4096)] = 0
    memory: Count = 0
    has: tuple[Word, ...] = ()
    held: tuple[HeldTask, ...] = ()
    max_load: Share = 1.0


class Welcome(Struct, frozen=True):
    """The broker takes a member in; durations are seconds.

    ``relay`` is the relay's port; 0 means the relay beside the local door. ``name`` is what
    the member is called here.
    """

    member: Id8
    version: int
    boot: Id8
    relay: Annotated[int, Meta(ge=0, le=65535)]
    beat: Seconds
    lease: Seconds
    name: Word = ""


BY_A_PERSON = "by a person"
"""How the reason begins for which a folder is paused when a person asked for it."""


class FolderItem(Struct, frozen=True):
    """How many files of a watched folder are how far. ``paused`` says why nothing goes on."""

    source: Path
    out: Path
    settling: Count = 0
    waiting: Count = 0
    running: Count = 0
    written: Count = 0
    failed: Count = 0
    paused: Path = ""


class LoadedItem(Struct, frozen=True, array_like=True):
    """A model for which a node has a process, and the bytes of memory that are this one's."""

    model: Word
    memory: Count


class State(Struct, frozen=True):
    """The heartbeat. From a node: load, last ASSIGN seen, attempts held.

    From an owner: the folders that it watches, if it does, and how many results came that it
    has not written yet.

    ``memory`` is what its tasks may reserve now, if that is less than HELLO said. ``number``
    counts a node's heartbeats: one that comes after a later one says nothing. ``models`` are
    those whose weights a node has, ``pulling`` says which others it fetches, and how far,
    ``unfetched`` which it could not, and why. ``cold`` are those of ``models`` that it would have
    to load first, ``warming`` is one that it loads now, ``unloaded`` says which it could not load,
    and why, ``loaded`` which take memory that is no task's.
    """

    seen: Count = 0
    held: tuple[HeldItem, ...] = ()
    load: Load | None = None
    ready: Count = 0
    memory: Count | None = None
    number: Count = 0
    folders: Annotated[tuple[FolderItem, ...], Meta(max_length=MOST_FOLDERS)] = ()
    unwritten: Count = 0
    models: Annotated[tuple[Word, ...], Meta(max_length=MOST_MODELS)] = ()
    pulling: Line = ""
    unfetched: Line = ""
    cold: Annotated[tuple[Word, ...], Meta(max_length=MOST_MODELS)] = ()
    warming: Line = ""
    unloaded: Line = ""
    loaded: Annotated[tuple[LoadedItem, ...], Meta(max_length=MOST_MODELS)] = ()


class Submit(Struct, frozen=True):
    """Tasks of one batch, an idempotent upsert. ``restart`` begins the numbering anew."""

    seq: Count
    batch: Count
    recipe: RecipeText
    output: Line
    tasks: tuple[TaskItem, ...]
    needs: tuple[Word, ...] = ()
    priority: Annotated[int, Meta(ge=-100, le=100)] = 0
    label: Line = ""
    restart: bool = False
    references: References = ()


class Window(Struct, frozen=True):
    """SUBMITs were taken up to ``seen``; at most ``tasks`` may be outstanding.

    So may ``bytes`` of inline pixels. ``held`` counts the owner's tasks that the broker
    knows and that are not settled.
    """

    seen: Count
    tasks: Count
    held: Count
    bytes: Count


class Assign(Struct, frozen=True):
    """Attempts for a node, numbered."""

    seq: Count
    works: tuple[Work, ...]
    attempts: tuple[AssignItem, ...]


class Drop(Struct, frozen=True):
    """Forget these: attempts, to a node; tasks, from an owner."""

    attempts: tuple[Attempt64, ...] = ()
    tasks: tuple[Id16, ...] = ()
    unstarted: bool = False


class Note(Struct, frozen=True):
    """What an owner should know of its work: a stable code and a text for people.

    With code ``placed``, ``node`` works on ``tasks``.
    """

    code: Word
    text: Line = ""
    batch: Count = 0
    node: Id8 | None = None
    tasks: tuple[Id16, ...] = ()


class Result(Struct, frozen=True):
    """How attempts ended; sent again until SETTLED."""

    ends: tuple[EndItem, ...]


class Settled(Struct, frozen=True):
    """The owner has these attempts' results: forget them."""

    attempts: tuple[Attempt64, ...]


class Get(Struct, frozen=True):
    """Send ``credit`` chunks from ``offset``: a task's pixels, or an attempt's result."""

    token: Id16
    offset: Count
    credit: Annotated[int, Meta(ge=1, le=16)]
    attempt: Attempt64 = 0


class Chunk(Struct, frozen=True):
    """A piece of a transfer; its bytes are the message's second frame."""

    token: Id16
    offset: Count
    attempt: Attempt64 = 0


class TicketTerms(Struct, frozen=True):
    """What a new ticket is to be good for: how often, for how long, and which roles."""

    uses: Count = 1
    seconds: Seconds = 3600.0
    roles: tuple[Word, ...] = ()


class Ask(Struct, frozen=True):
    """A question or an order, answered by TELL. ``about`` names a node, a task, a ticket.

    ``key`` is whom a ticket or a machine lets in, ``terms`` those of a new ticket, ``holder`` who
    has what is to be fetched.
    """

    what: Word
    about: Name = ""
    key: Key | None = None
    terms: TicketTerms | None = None
    holder: Id8 | None = None


class Tell(Struct, frozen=True):
    """The answer, in numbered pages where it is long; ``body`` is msgpack."""

    what: Word
    page: Count
    pages: Count
    body: bytes


class Error(Struct, frozen=True):
    """Something was refused: a stable code, what happened, and what to do."""

    code: Word
    text: Line
    remedy: Line = ""
    token: Id16 | None = None
    attempt: Attempt64 = 0


class Bye(Struct, frozen=True):
    """The sender leaves; ``draining`` means it first finishes what it holds."""

    draining: bool = False


Message = (
    Hello
    | Welcome
    | State
    | Submit
    | Window
    | Assign
    | Drop
    | Note
    | Result
    | Get
    | Chunk
    | Settled
    | Ask
    | Tell
    | Error
    | Bye
)

TYPES: dict[Kind, type[Message]] = {
    Kind.HELLO: Hello,
    Kind.WELCOME: Welcome,
    Kind.STATE: State,
    Kind.SUBMIT: Submit,
    Kind.WINDOW: Window,
    Kind.ASSIGN: Assign,
    Kind.DROP: Drop,
    Kind.NOTE: Note,
    Kind.RESULT: Result,
    Kind.GET: Get,
    Kind.CHUNK: Chunk,
    Kind.SETTLED: Settled,
    Kind.ASK: Ask,
    Kind.TELL: Tell,
    Kind.ERROR: Error,
    Kind.BYE: Bye,
}
KINDS: dict[type[Message], Kind] = {shape: kind for kind, shape in TYPES.items()}
