"""Real meshes for tests: every member a process that the command line starts.

Owns starting them in the test's own state folder, waiting until they say that they are
ready, looking at them from outside, and ending them by their ids.
"""

import contextlib
import random
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from pixmesh.broker.views import NodeView, Snapshot
from pixmesh.node.net.reach import ask_status, order, running_broker
from pixmesh.node.net.way import Way
from pixmesh.node.spool import spool_folder
from pixmesh.node.state import StateFolder

from ..unit.tui.command import environment
from .eventually import eventually

PATIENCE = 60.0
ENDING_PATIENCE = 15.0
QUIET_PORTS = (20_000, 32_000)
COMMAND = (sys.executable, "-P", "-m", "pixmesh.tui.cli")


@dataclass(slots=True, eq=False)
class Member:
    """One process of a mesh; what it says is in files, so that it never waits for a reader."""

    words: tuple[str, ...]
    process: subprocess.Popen[bytes]
    out: Path
    err: Path
    killed: bool = False

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def ended(self) -> bool:
        """Whether it is gone."""
        return self.process.poll() is not None

    def said(self) -> str:
        """Return what it has said to people so far."""
        return self.err.read_text(encoding="utf-8")

    def data(self) -> str:
        """Return what it has printed as data so far."""
        return self.out.read_text(encoding="utf-8")

    def code(self, patience: float = PATIENCE) -> int:
        """Wait until it ends and return its exit code."""
        return self.process.wait(patience)

    def kill(self) -> None:
        """End it as a power cut would, and wait until it is gone."""
        self.killed = True
        self.process.kill()
        self.process.wait(PATIENCE)

    def tell(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def children(self) -> list[psutil.Process]:
        """Return every process that it started, and theirs."""
        return psutil.Process(self.pid).children(recursive=True)

    def model_process(self) -> psutil.Process | None:
        """Return the process in which a node loads a model, if there is one."""
        for child in self.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if "pixmesh.node.model_process" in child.cmdline():
                    return child
        return None

    def memory(self) -> int:
        """Return the bytes that it has resident."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def running(self) -> list[int]:
        """Return the attempts that a node's slots run at this moment, by their cells."""
        return attempts_of(psutil.Process(self.pid))


def attempts_of(agent: psutil.Process) -> list[int]:
    """Return the attempts that an agent's slots run, by the cells in its spool folder."""
    locks = [Path(one.path) for one in agent.open_files() if one.path.endswith(".lock")]
    cells = [cell for lock in locks for cell in lock.with_suffix("").glob("cell-*")]
    return [attempt for cell in cells if (attempt := _attempt_in(cell))]


def _attempt_in(cell: Path) -> int:
    with contextlib.suppress(FileNotFoundError, struct.error):
        return int(struct.unpack("<Q", cell.read_bytes())[0])
    return 0


@dataclass(slots=True, eq=False)
class RealMesh:
    """The members of one test; ``folder`` is where commands run."""

    folder: Path
    members: list[Member] = field(default_factory=list)

    def command(self, *words: str) -> list[str]:
        """Return what starts the command with these words."""
        return [*COMMAND, *words]

    def environment(self) -> dict[str, str]:
        """Return what members find in their environment."""
        return environment()

    def start(self, *words: str, lines: str = "") -> Member:
        """Start a command and return at once.

        ``lines`` of Python run first, in the same process: they spoil it for a test.
        """
        command = self.command(*words)
        if lines:
            main = f"{lines}\nimport sys\nfrom pixmesh.tui.cli import main\nsys.exit(main())"
            command = [sys.executable, "-P", "-c", main, *words]
        stem = self.folder / f"member-{len(self.members)}"
        out, err = stem.with_suffix(".out"), stem.with_suffix(".err")
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
        member = Member(words, process, out, err)
        self.members.append(member)
        return member

    def broker(self, port: int = 0) -> Member:
        """Start the broker; return when members may come."""
        return self.ready(self.start("broker", "--port", str(port)), "pixmesh broker at ")

    def node(self, name: str, slots: int = 2, *words: str) -> Member:
        """Start a node; return when its slots are up."""
        return self.ready(self.node_starting(name, slots, *words), f"pixmesh node {name}: ")

    def node_starting(self, name: str, slots: int = 2, *words: str) -> Member:
        """Start a node and return at once."""
        return self.start("node", "--name", name, "--slots", str(slots), *words)

    def nodes(self, *names: str, slots: int = 2, more: Sequence[str] = ()) -> list[Member]:
        """Start nodes side by side; return when all are up."""
        started = [self.node_starting(name, slots, *more) for name in names]
        for name, node in zip(names, started, strict=True):
            self.ready(node, f"pixmesh node {name}: ")
        return started

    def ready(self, member: Member, word: str) -> Member:
        """Wait until a member says or prints this word; return the member."""

        def ready() -> bool:
            return member.ended or word in member.said() or word in member.data()

        eventually(ready, PATIENCE, f"no {word!r}")
        assert not member.ended, member.said()
        return member

    def state(self) -> StateFolder:
        """Return the folder where members keep keys, sockets and ledgers."""
        return StateFolder.open(self.environment())

    def status(self) -> Snapshot:
        """Ask the broker what the mesh is doing. Raises while there is none."""
        return ask_status(self.way())

    def order(self, what: str, about: str) -> None:
        """Tell the broker to do something, as ``pixmesh nodes`` does."""
        order(self.way(), what, about)

    def way(self) -> Way:
        """Return the way to the broker that runs here."""
        way = running_broker(self.state())
        assert way is not None, "no broker runs"
        return way

    def node_view(self, name: str) -> NodeView | None:
        """Return what the broker believes of a node; None where it knows none."""
        return next((node for node in self.status().nodes if node.name == name), None)

    def end(self) -> None:
        """End what still runs. Sweep after the killed."""
        stubborn = end_members(self.members)
        self.sweep()
        assert not stubborn, [member.said() for member in stubborn]

    def sweep(self) -> None:
        """Remove the spools of members that were killed, if any was."""
        if any(member.killed for member in self.members):
            sweep()


def end_members(members: Sequence[Member]) -> list[Member]:
    """End what still runs, brokers last: who leaves is heard. Return who had to be killed."""
    brokers = [member for member in members if member.words[:1] in {("broker",), ("up",)}]
    others = [member for member in members if member not in brokers]
    return [member for member in [*reversed(others), *brokers] if not _ended(member)]


def _ended(member: Member) -> bool:
    if member.ended:
        return True
    for number in (signal.SIGCONT, signal.SIGTERM):
        member.tell(number)
    try:
        member.process.wait(ENDING_PATIENCE)
    except subprocess.TimeoutExpired:
        member.kill()
        return False
    return True


def free_ports() -> int:
    """Return a port that is free, as is the next one.

    It is below those that systems give to who asks for any: until it is taken, no other test
    or connection gets it by chance.
    """
    while True:
        port = random.randrange(*QUIET_PORTS, 2)
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", port))
            two.bind(("127.0.0.1", port + 1))
            return port


def sweep(base: Path | None = None) -> None:
    """Do what every start of a process does: remove the spools of dead ones."""
    with spool_folder(base):
        pass
