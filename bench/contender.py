"""One way of putting pictures through the recipe, in a process of its own.

Each is timed apart from its start-up: ``loop`` is a plain sequential OpenCV loop, ``pool`` the
same in a ``multiprocessing.Pool``, ``mesh`` is pixmesh, embedded; ``local`` and ``network`` are
a mesh that stays, joined by that door of its broker. Run as
``python -P -m pixmesh.bench.contender NAME LIST OUT``; LIST holds one path a line, the
first two of which are the warm-up. The answer is one JSON line: CPU seconds of all the
contender's processes, seconds on the wall, and the bytes of pictures and results.
"""

import contextlib
import functools
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import psutil

if TYPE_CHECKING:
    from .. import Mesh
    from ..node.owner.ledger import Ledger
    from .joined import Door

RECIPE = "grayscale | blur ksize=5 | canny low=100 high=200"
SLOTS = 2
WARM_UP = 2
CHUNK_OF_POOL = 1


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took, start-up and warm-up apart.

    ``slots`` is that part of ``cpu`` that a node's slots took. ``read`` and ``written`` are
    the bytes of the pictures' files and of the results'.
    """

    cpu: float
    slots: float
    wall: float
    pictures: int
    read: int
    written: int


Work = Callable[[list[Path]], None]


def plain(path: Path, out: Path) -> None:
    """Put one picture through the recipe as the OpenCV manual would, and write it whole."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(f"OpenCV does not read {path}")
    gray = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    edges = cv2.Canny(cv2.GaussianBlur(gray, (5, 5), 0), 100, 200)
    _, data = cv2.imencode(".jpg", edges)
    target = out / f"{path.name}.jpg"
    part = target.with_suffix(".part")
    with part.open("wb") as file:
        file.write(data.tobytes())
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)


@contextlib.contextmanager
def loop(out: Path) -> Iterator[Work]:
    """One process, one picture after another."""
    cv2.setNumThreads(1)

    def work(files: list[Path]) -> None:
        for path in files:
            plain(path, out)

    yield work


@contextlib.contextmanager
def pool(out: Path) -> Iterator[Work]:
    """The same in two processes, dealt one picture at a time."""
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(SLOTS, initializer=cv2.setNumThreads, initargs=(1,)) as workers:
        task = functools.partial(plain, out=out)

        def work(files: list[Path]) -> None:
            for _ in workers.imap_unordered(task, files, chunksize=CHUNK_OF_POOL):
                pass

        yield work


@contextlib.contextmanager
def mesh(out: Path) -> Iterator[Work]:
    """An embedded mesh of real processes, files to files as ``pixmesh run`` does it."""
    from .. import Mesh
    from ..node.owner.ledger import Ledger

    with Mesh.local(SLOTS) as running, Ledger(out.with_name("ledger.sqlite3")) as ledger:

        def work(files: list[Path]) -> None:
            run_mesh(running, ledger, files, out)

        yield work


@contextlib.contextmanager
def stays(door: "Door", out: Path) -> Iterator[Work]:
    """A broker and a node that were there before, joined by one of the broker's doors."""
    from ..node.owner.ledger import Ledger
    from .joined import joined

    with (
        joined(door, slots=SLOTS) as running,
        Ledger(out.with_name("ledger.sqlite3")) as ledger,
    ):

        def work(files: list[Path]) -> None:
            run_mesh(running, ledger, files, out)

        yield work


def run_mesh(running: "Mesh", ledger: "Ledger", files: list[Path], out: Path) -> None:
    """Put files through a running mesh into a folder, by the path that ``run`` takes."""
    from ..node.owner.appraise import appraiser
    from ..node.owner.disk import RealDisk
    from ..node.owner.files import FileBatch
    from ..node.owner.formats import extension_for
    from ..node.owner.inputs import find_inputs
    from ..node.owner.plan import make_plan
    from ..ops.recipe import parse
    from ..tui import work

    recipe, disk = parse(RECIPE), RealDisk()
    output = work.read_output(form="jpeg", quality=None, max_pixels=256_000_000)
    plan = make_plan(
        inputs=find_inputs([str(path) for path in files], out=out),
        out=out,
        recipe=recipe.canonical(),
        output=output.canonical(),
        extension_for=extension_for(output),
        ledger=ledger,
        disk=disk,
    )
    batch = FileBatch(
        plan=plan,
        appraise=appraiser(recipe, output),
        ledger=ledger,
        disk=disk,
        submit=running.session.submit,
        cancel=running.session.cancel,
    )
    summary = batch.run()
    if summary.failed or summary.done != len(files):
        raise ValueError(f"not measured: {summary.done} of {len(files)} done, {summary.failed}")


CONTENDERS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Work]]] = {
    "loop": loop,
    "pool": pool,
    "mesh": mesh,
    "local": functools.partial(stays, "local"),
    "network": functools.partial(stays, "network"),
}


def cpu_seconds() -> tuple[float, float]:
    """Return user and system seconds of this process and of all below it, ended or not.

    The second number is the part of those that this process did not start itself: slots.
    """
    me = psutil.Process()
    total = slots = 0.0
    for process in (me, *me.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            taken = _seconds(process)
            total += taken
            slots += taken if me.pid not in {process.pid, process.ppid()} else 0.0
    return total, slots


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    ended = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return float(times.user + times.system + ended)


def measure(name: str, files: list[Path], out: Path) -> Cost:
    """Run a contender over the files; its start-up and the warm-up are not counted."""
    with CONTENDERS[name](out) as work:
        work(files[:WARM_UP])
        files, before = files[WARM_UP:], _bytes(out.iterdir())
        (cpu, slots), began = cpu_seconds(), time.perf_counter()
        work(files)
        wall = time.perf_counter() - began
        cpu_after, slots_after = cpu_seconds()
        return Cost(
            cpu=cpu_after - cpu,
            slots=slots_after - slots,
            wall=wall,
            pictures=len(files),
            read=_bytes(files),
            written=_bytes(out.iterdir()) - before,
        )


def _bytes(files: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in files)


def main(name: str, listing: str, out: str) -> None:
    """Run one contender and answer on stdout."""
    files = [Path(line) for line in Path(listing).read_text().splitlines()]
    sys.stdout.write(json.dumps(asdict(measure(name, files, Path(out)))) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
