"""The dashboard without a terminal or a mesh: what it is told, the test says; time stands still.

Pictures of screens are in ``shots``; a screen that differs is written beside the test's own files,
and with ``PIXMESH_TEST_SHOTS=write`` takes the old one's place. ``live.svg``, the README's, is of a
real mesh: no test makes it.
"""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from pixmesh.node.net.following import Told
from pixmesh.tui.dashboard.app import Dashboard
from pixmesh.tui.jobs_view import Line as Listed
from pixmesh.tui.view.actions import Deed
from pixmesh.tui.view.glyphs import FULL, Glyphs
from pixmesh.tui.view.jobs import Listing

SHOTS = Path(__file__).parent / "shots"
WRITE = "PIXMESH_TEST_SHOTS"
TO_SETTLE = 20.0
SIZES = ((160, 45), (100, 30), (80, 24), (60, 20))


class Script:
    """A source that tells what the test hands to the app itself."""

    def __init__(self) -> None:
        self.watched: list[str] = []
        self.stopped = False

    def start(self, tell: Callable[[Told], None]) -> None:
        """Begin; nothing is told."""

    def stop(self) -> None:
        """End."""
        self.stopped = True

    def watch(self, node: str) -> None:
        """Note what is looked at."""
        self.watched.append(node)


@dataclass(slots=True)
class Orders:
    """One who carries out nothing, and notes what was asked."""

    done: list[Deed] = field(default_factory=list)

    def do(self, deed: Deed) -> str:
        """Note it."""
        self.done.append(deed)
        return "done"

    def join_line(self) -> str:
        """Return what would be pasted."""
        return "pixmesh node xm1-example"


@dataclass(slots=True)
class Shelf:
    """A ledger of these pictures."""

    listing: Listing = field(default_factory=Listing)
    asked: list[str] = field(default_factory=list)

    def load(self, words: str) -> Listing:
        """Return all of them, whatever is asked."""
        self.asked.append(words)
        return Listing(words, self.listing.lines, self.listing.counts)


SHELF = Shelf(
    Listing(
        "",
        tuple(
            Listed(state=state, at=0.0, source=f"/in/{state}.jpg", destination=f"/out/{state}.jpg")
            for state in ("failed", "submitted", "done")
        ),
        {"failed": 1, "submitted": 1, "done": 1},
    )
)
"""One that failed, one under way, one that is done."""


@dataclass(slots=True)
class Hand:
    """A clock's hand, moved by the test."""

    now: float = 1000.0

    def read(self) -> float:
        """Return the time."""
        return self.now


@dataclass(slots=True)
class Stage:
    """A dashboard that runs, and who is behind it."""

    app: Dashboard
    pilot: Pilot[str]
    orders: Orders
    source: Script
    hand: Hand

    async def tell(self, *messages: Told) -> None:
        """Have it told something, one a second, and show it."""
        for message in messages:
            self.hand.now += 1.0
            self.app.hear(message)
        await self.shown()

    async def shown(self) -> None:
        """Have it show what it knows."""
        self.app.draw()
        await self._settled()

    async def press(self, *keys: str) -> None:
        """Press keys, and have the threads that they start end."""
        await self.pilot.press(*keys)
        await self.app.workers.wait_for_complete()
        await self._settled()

    async def _settled(self) -> None:
        """Wait until all is drawn: the footer's keys are made anew some turns after the rest."""
        await self.pilot.pause()
        while not self._footer_is_drawn():
            await self.pilot.pause()
        await self.pilot.pause()

    def _footer_is_drawn(self) -> bool:
        screen = self.app.screen
        if not screen.query(Footer) or not self.app.app_focus:
            return True
        offered: dict[str, tuple[str, bool]] = {}
        for _, binding, enabled, _ in screen.active_bindings.values():
            if binding.show:
                offered.setdefault(binding.action, (binding.description, not enabled))
        drawn = {one.action: (one.description, one.disabled) for one in screen.query(FooterKey)}
        return drawn == offered

    def text(self) -> list[str]:
        """Return the letters on the screen."""
        return ["".join(segment.text for segment in line).rstrip() for line in self.lines()]

    def lines(self) -> list[Strip]:
        """Return the lines of the screen, as they are drawn."""
        return self.app.screen._compositor.render_strips()

    def says(self, words: str) -> bool:
        """Whether this is somewhere on the screen."""
        return any(words in line for line in self.text())


@asynccontextmanager
async def staged(
    size: tuple[int, int] = (100, 30),
    *,
    glyphs: Glyphs = FULL,
    read_only: bool = False,
    shelf: Shelf | None = None,
    of_up: bool = False,
    colours: bool = True,
) -> AsyncIterator[Stage]:
    """Run a dashboard of this size, in UTC."""
    orders, source, hand = Orders(), Script(), Hand()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        if colours:
            patch.delenv("NO_COLOR")
        app = Dashboard(
            source=source,
            glyphs=glyphs,
            doer=None if read_only else orders,
            pictures=shelf,
            of_up=of_up,
            clock=hand.read,
            wall=lambda: 0.0,
        )
        async with app.run_test(size=size) as pilot:
            yield Stage(app, pilot, orders, source, hand)
    time.tzset()


def run(play: Callable[[], Awaitable[None]]) -> None:
    """Run one play to its end."""

    async def play_it() -> None:
        await asyncio.wait_for(play(), 110)

    asyncio.run(play_it())


async def difference(stage: Stage, name: str, folder: Path) -> str:
    """Return where to look at a screen that does not look as it did; nothing where it does.

    It may come to look so: Textual draws some parts turns after others.
    """
    shot = SHOTS / f"{name}.svg"
    if os.environ.get(WRITE) == "write":
        shot.write_text(_shot(stage.app), encoding="utf-8")
    deadline = time.monotonic() + TO_SETTLE
    expected = shot.read_text(encoding="utf-8") if shot.exists() else ""
    while (found := _shot(stage.app)) != expected:
        if time.monotonic() > deadline:
            new = folder / f"{name}.svg"
            new.write_text(found, encoding="utf-8")
            return f"{new}; if it is right: {WRITE}=write"
        await stage.pilot.pause()
    return ""


def _shot(app: Dashboard) -> str:
    return _plain(app.export_screenshot(title="pixmesh"))


def _plain(svg: str) -> str:
    """Take out what differs from run to run, and fonts that would be loaded from elsewhere."""
    fonts = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
    return re.sub(r"terminal-\d+", "terminal-1", fonts.sub("", svg))
