"""An owner's session tells with its heartbeat how far it is, and passes on what it is told."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from pixmesh.broker import leases, wire
from pixmesh.broker.keys import KeyPair
from pixmesh.broker.messages import (
    MOST_FOLDERS,
    PATH_LETTERS,
    End,
    EndItem,
    FolderItem,
    Hello,
    MemberId,
    Message,
    Note,
    Result,
    State,
    Submit,
    TaskItem,
    Welcome,
    Window,
)
from pixmesh.node.net.address import Address
from pixmesh.node.net.connection import Connection
from pixmesh.node.owner.job import Outcome
from pixmesh.node.owner.job import Result as Done
from pixmesh.node.owner.session import Session
from pixmesh.ops.digest import digest_of
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.fakes.owner import make_job

WELCOME = Welcome(MemberId(b"me......"), 1, b"bootboot", 0, leases.BEAT, leases.LEASE)
PATIENCE_MS = 10_000

pytestmark = [pytest.mark.skipif(not zmq.has("ipc"), reason="no ipc:// here")]


class Stage:
    """A session, its clock, and the broker's socket that it talks to."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], folder: Path, spool: Path) -> None:
        self.now = 0.0
        self.route = b""
        address, key = Address(folder=folder), KeyPair.fresh()
        self.control = context.socket(zmq.ROUTER)
        self.control.bind(address.control)
        hello = Hello("owner", "studio", key.raw, b"bootboot", 1, 1)
        self.session = Session(
            connect=lambda now: Connection(context, address, key, lambda: hello, now),
            spool=spool,
            clock=lambda: self.now,
        )

    def hears(self) -> Message:
        """Return the next message, answered as a broker does."""
        assert self.control.poll(PATIENCE_MS), "nothing came"
        self.route, *frames = self.control.recv_multipart()
        message, _ = wire.decode(frames)
        room = Window(seen=0, tasks=9, bytes=9999, held=0)
        self.says(WELCOME if isinstance(message, Hello) else room)
        return message

    def says(self, message: Message) -> None:
        """Tell the session something."""
        self.control.send_multipart([self.route, *wire.encode(message)])

    def told(self, *folders: FolderItem) -> tuple[FolderItem, ...]:
        """Report these; return what the broker is told from then on."""
        self.session.report(folders)
        return self.beats().folders

    def beats(self) -> State:
        """Return a heartbeat that was not on its way yet."""
        states = 0
        while states < 2:
            self.now += leases.BEAT
            message = self.hears()
            states += isinstance(message, State)
        assert isinstance(message, State)
        return message

    def asked(self) -> Submit:
        """Return the next tasks that it asks for."""
        while not isinstance(message := self.hears(), Submit):
            self.now += leases.BEAT
        return message


@pytest.fixture
def stage(tmp_path: Path, state_folder: Path) -> Iterator[Stage]:
    with zmq.Context() as context:
        one = Stage(context, state_folder, tmp_path)
        yield one
        one.session.close()
        one.control.close(linger=0)


def test_what_was_reported_last_goes_with_each_heartbeat(stage: Stage) -> None:
    first, second = FolderItem("in", "out", waiting=3), FolderItem("in", "out", written=3)
    assert stage.told() == ()
    assert stage.told(first) == (first,)
    assert stage.told(second) == (second,)
    assert stage.told() == ()


def test_of_texts_too_long_for_the_wire_the_end_is_told(stage: Stage) -> None:
    long = "x" * 5000
    (folder,) = stage.told(FolderItem(f"{long}/in", f"{long}/out", paused=f"{long}: full"))
    assert [len(one) for one in (folder.source, folder.out, folder.paused)] == [PATH_LETTERS] * 3
    assert folder.source.endswith("x/in")
    assert folder.out.endswith("x/out")
    assert folder.paused.endswith("x: full")


def test_names_that_are_no_unicode_are_written_out(stage: Stage) -> None:
    name = os.fsdecode(b"/drop/\xff\xfe")
    (folder,) = stage.told(FolderItem(name, name * 200, paused=name))
    assert folder.source == folder.paused == r"/drop/\udcff\udcfe"
    assert len(folder.out) == PATH_LETTERS
    assert folder.out.endswith(r"/drop/\udcff\udcfe")


def test_of_more_folders_than_can_be_told_the_first_are_and_the_session_lives(
    stage: Stage,
) -> None:
    wide = "\U00020000" * 9999
    many = [FolderItem(f"{wide}{number}", wide, paused=wide) for number in range(500)]
    told = stage.told(*many)
    assert len(told) == MOST_FOLDERS
    assert [one.source[-2:] for one in told[-2:]] == ["62", "63"]
    assert stage.session.trouble is None


def test_a_report_after_the_end_is_no_mistake(stage: Stage) -> None:
    stage.session.close()
    stage.session.report([FolderItem("in", "out")])
    assert stage.session.trouble is None


def test_it_tells_how_many_results_are_here_and_not_let_go(stage: Stage) -> None:
    outcomes: list[Outcome] = []
    for number in (1, 2):
        stage.session.submit(make_job(number), outcomes.append)
    tasks: dict[bytes, TaskItem] = {}
    while len(tasks) < 2:
        tasks |= {one.id: one for one in stage.asked().tasks}
    assert stage.beats().unwritten == 0
    for attempt, task in enumerate(tasks, start=1):
        done = EndItem(
            attempt, task, bytes(8), End.DONE, size=1, digest=digest_of(b"x"), inline=b"x"
        )
        stage.says(Result((done,)))
    eventually(lambda: len(outcomes) == 2)
    eventually(lambda: stage.beats().unwritten == 2)
    for left in (1, 0):
        outcome = outcomes[left]
        assert isinstance(outcome, Done)
        outcome.content.close()
        eventually(functools.partial(tells, stage, left))


def tells(stage: Stage, unwritten: int) -> bool:
    return stage.beats().unwritten == unwritten


def test_what_the_broker_notes_is_told_to_who_listens(stage: Stage) -> None:
    heard: list[Note] = []
    stage.session.listen(heard.append)
    stage.beats()
    stage.says(Note(code="pause", text="/home/ann/out"))
    eventually(lambda: heard == [Note(code="pause", text="/home/ann/out")])
    assert stage.session.trouble is None
