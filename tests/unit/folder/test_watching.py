"""A watched folder rests while a person wants it to; another of the same process does not."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from pixmesh.broker.messages import PATH_LETTERS, FolderItem, Note
from pixmesh.node.folder.assembly import Means
from pixmesh.node.folder.order import Order
from pixmesh.node.folder.watcher import BY_A_PERSON, Change
from pixmesh.node.folder.watching import Watching
from pixmesh.node.owner.job import Deliver, Job, Source
from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.report import PictureDone
from pixmesh.tests.integration.drops import encoded
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.unit.owner.fakes import HeldMesh

PATIENCE = 20.0


class Mesh(HeldMesh):
    """A mesh whose broker tells what it is made to."""

    def __init__(self) -> None:
        super().__init__()
        self.folders: tuple[FolderItem, ...] = ()
        self.hear: Callable[[Note], None] = lambda _note: None

    def submit(
        self, job: Job, deliver: Deliver, *, label: str = "", references: Sequence[Source] = ()
    ) -> None:
        assert label
        assert not references
        super().submit(job, deliver)

    def report(self, folders: Sequence[FolderItem]) -> None:
        self.folders = tuple(folders)

    def listen(self, hear: Callable[[Note], None]) -> None:
        self.hear = hear


class Nobody:
    """Is told, and does nothing."""

    def watched(self, source: str, out: str) -> None:
        """A folder is watched."""

    def changed(self, order: Order, change: Change) -> None:
        """A file came to another stage."""

    def done(self, order: Order, event: PictureDone) -> None:
        """An output stands."""


class Room:
    """Folders that are watched in this process, until the test ends."""

    def __init__(self, folder: Path, mesh: Mesh, ledger: Ledger) -> None:
        self.folder, self.mesh, self._ledger = folder, mesh, ledger
        self._watching: Watching | None = None
        self._thread = threading.Thread(target=lambda: None)

    def watch(self, *outs: str) -> None:
        """Watch IN-OUT for each OUT; return when all are reported."""
        orders = []
        for out in outs:
            (self.folder / f"in-{out}").mkdir(parents=True)
            places = str(self.folder / f"in-{out}"), str(self.folder / out)
            orders.append(
                Order(source=places[0], out=places[1], recipe="grayscale", settle=0.05, poll=0.1)
            )
        spool = self.folder / "spool"
        spool.mkdir()
        means = Means(
            session=self.mesh, ledger=self._ledger, spool=spool, recipes={}, max_pixels=10**6
        )
        self._watching = Watching(orders, means, Nobody())
        self._thread = threading.Thread(target=self._watching.run)
        self._thread.start()
        eventually(lambda: len(self.mesh.folders) == len(outs), PATIENCE)

    def drop(self, out: str, seed: int) -> None:
        """Put a picture into the IN of that OUT."""
        (self.folder / f"in-{out}" / f"{seed}.png").write_bytes(encoded(seed))

    def told(self, code: str, out: str) -> None:
        """Have the broker tell this of a folder, as it was reported."""
        self.mesh.hear(Note(code=code, text=self.item(out).out[-PATH_LETTERS:]))

    def item(self, out: str) -> FolderItem:
        """Return what was told last of a folder."""
        return next(one for one in self.mesh.folders if one.out.endswith(out))

    def end(self) -> None:
        """Take back what runs, and watch no more."""
        if self._watching is not None:
            self._watching.stop()
            self._thread.join(PATIENCE)
            assert not self._thread.is_alive()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with Mesh() as mesh, Ledger(tmp_path / "ledger.db") as ledger:
        one = Room(tmp_path, mesh, ledger)
        yield one
        one.end()


@pytest.mark.parametrize("out", ["out", f"{'x' * 200}/{'y' * 200}/out"], ids=["short", "long"])
def test_paused_it_takes_nothing_new_on_and_finishes_what_runs(room: Room, out: str) -> None:
    room.watch(out)
    room.drop(out, 1)
    (first,) = room.mesh.wait_for(1)
    room.told("pause", out)
    eventually(lambda: room.item(out).paused == BY_A_PERSON, PATIENCE)
    room.drop(out, 2)
    eventually(lambda: room.item(out).waiting == 1, PATIENCE)
    room.mesh.end(first)
    eventually(lambda: room.item(out).written == 1, PATIENCE)
    assert room.mesh.jobs == [first]
    assert room.item(out).waiting == 1
    room.told("unpause", out)
    assert len(room.mesh.wait_for(2)) == 2
    eventually(lambda: room.item(out).paused == "", PATIENCE)


def test_only_the_folder_that_is_meant_rests(room: Room) -> None:
    room.watch("one", "two")
    room.mesh.hear(Note(code="pause", text="/elsewhere"))
    room.told("lost", "two")
    room.told("pause", "one")
    room.drop("one", 1)
    room.drop("two", 2)
    (job,) = room.mesh.wait_for(1)
    assert job.name.endswith("2.png")
    eventually(lambda: room.item("one").waiting == 1, PATIENCE)
    assert room.mesh.jobs == [job]
    assert (room.item("one").paused, room.item("two").paused) == (BY_A_PERSON, "")


def test_paused_it_ends_when_it_is_told_to(room: Room) -> None:
    room.watch("out")
    room.told("pause", "out")
    room.drop("out", 1)
    eventually(lambda: room.item("out").waiting == 1, PATIENCE)
    room.end()
    assert room.mesh.jobs == []
