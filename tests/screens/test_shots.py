"""Each page at each size looks as it did when somebody looked at it."""

from pathlib import Path

import pytest

from pixmesh.broker.changes import Whole
from pixmesh.node.net.following import Away
from pixmesh.tui.jobs_view import Line as Listed
from pixmesh.tui.view.glyphs import ASCII
from pixmesh.tui.view.jobs import Listing

from .harness import SIZES, Shelf, Stage, difference, run, staged
from .story import empty, minute

PAGES = {"1": "nodes", "2": "jobs", "3": "folders", "4": "log"}
AT = 1_770_000_000.0


def listed(number: int, state: str, **more: object) -> Listed:
    return Listed(
        state=state,
        at=AT - number,
        source=f"/home/ada/drop/IMG_{number}.jpg",
        destination=f"/home/ada/out/IMG_{number}.jpg",
        job=f"{number:08x}",
        **more,  # type: ignore[arg-type]
    )


SHELF = Shelf(
    Listing(
        "",
        (
            listed(8812, "submitted"),
            listed(8811, "done", node="atlas", attempts=1, seconds=0.31),
            listed(8810, "done", node="pi4", attempts=2, seconds=1.9),
            listed(8702, "failed", node="atlas", attempts=1, reason="the file is cut off"),
            listed(8701, "cancelled"),
        ),
        {"submitted": 1, "done": 2, "failed": 1, "cancelled": 1},
    )
)


@pytest.mark.parametrize("key", list(PAGES))
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_page_looks_as_it_did(key: str, size: tuple[int, int], tmp_path: Path) -> None:
    async def play() -> None:
        async with staged(size, shelf=SHELF) as stage:
            await stage.tell(*minute())
            await stage.press(key)
            await stage.shown()
            assert await difference(stage, f"{PAGES[key]}-{size[0]}x{size[1]}", tmp_path) == ""

    run(play)


async def _empty(stage: Stage) -> None:
    await stage.tell(Whole(1, empty()))


async def _away(stage: Stage) -> None:
    await stage.tell(*minute(), Away("connection refused"))
    stage.hand.now += 12
    await stage.shown()


async def _help(stage: Stage) -> None:
    await stage.tell(*minute())
    await stage.press("question_mark")


async def _asked(stage: Stage) -> None:
    await stage.tell(*minute())
    await stage.press("space", "space", "d")


async def _frozen(stage: Stage) -> None:
    await stage.tell(*minute())
    await stage.press("z")


STATES = {"empty": _empty, "away": _away, "help": _help, "asked": _asked, "frozen": _frozen}


@pytest.mark.parametrize("state", list(STATES))
def test_a_state_looks_as_it_did(state: str, tmp_path: Path) -> None:
    async def play() -> None:
        async with staged((100, 30)) as stage:
            await STATES[state](stage)
            assert await difference(stage, f"state-{state}", tmp_path) == ""

    run(play)


def test_a_terminal_of_ascii_looks_as_it_did(tmp_path: Path) -> None:
    async def play() -> None:
        async with staged((100, 30), glyphs=ASCII, colours=False) as stage:
            await stage.tell(*minute())
            assert await difference(stage, "state-ascii", tmp_path) == ""
            assert all(line.isascii() for line in stage.text()), stage.text()

    run(play)
