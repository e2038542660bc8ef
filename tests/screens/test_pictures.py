"""The pictures of this machine's ledger on the screen, and those that nodes show."""

import cv2
import numpy as np
import pytest

from pixmesh.broker.views import Preview, Thumbnail
from pixmesh.node.errors import PixmeshError
from pixmesh.node.net.following import Away, Shown
from pixmesh.tui.jobs_view import Line as Listed
from pixmesh.tui.view.jobs import MOST, Listing

from .harness import SHELF, Shelf, run, staged
from .story import minute

LONG = "/home/ada/pictures/of the whole summer/and of the autumn after it/at the lake/IMG_8812.jpg"


def test_a_question_shows_all_of_a_long_name() -> None:
    one = Listed(state="submitted", at=0.0, source="/in/a.jpg", destination=LONG, job="00")

    async def play() -> None:
        async with staged((80, 24), shelf=Shelf(Listing("", (one,), {"submitted": 1}))) as stage:
            await stage.tell(*minute())
            await stage.press("2", "x")
            letters = "".join(line.strip(" │") for line in stage.text())
            assert f"Cancel {LONG}?".replace(" ", "") in letters.replace(" ", "")

    run(play)


class Broken(Shelf):
    """A ledger that can be read once."""

    def load(self, words: str) -> Listing:
        if self.asked:
            self.asked.append(words)
            raise PixmeshError("the ledger is locked by another process", remedy="end that")
        return super().load(words)


def test_a_ledger_that_cannot_be_read_is_said_where_its_pictures_are_and_not_asked_at_once() -> (
    None
):
    shelf = Broken(SHELF.listing)

    async def play() -> None:
        async with staged(shelf=shelf) as stage:
            await stage.tell(*minute())
            await stage.press("2", "2")
            await stage.shown()
            assert stage.says("/in/failed.jpg")
            assert stage.says("cannot be read now: the ledger is locked by another process")
            assert not any("end that" in line for line in stage.text())
            assert len(shelf.asked) == 2
            assert not stage.app._notifications
            await stage.press("slash", *"zebra")
            await stage.shown()
            assert not stage.says("/in/failed.jpg")
            assert stage.says("cannot be read now")

    run(play)


def test_a_file_that_came_to_two_folders_is_two_rows_and_one_of_them_is_cancelled() -> None:
    both = tuple(
        Listed(state="waiting", at=0.0, source="/in/a.jpg", destination=f"/{out}/")
        for out in ("web", "thumbs")
    )

    async def play() -> None:
        async with staged(shelf=Shelf(Listing("", both, {"waiting": 2}))) as stage:
            await stage.tell(*minute())
            await stage.press("2", "j", "x", "y")
            (deed,) = stage.orders.done
            assert (deed.about, deed.under) == ("/in/a.jpg", "/thumbs/")

    run(play)


def jpeg(width: int, height: int, suffix: str = ".jpg") -> bytes:
    pixels = np.full((height, width, 3), 90, np.uint8)
    return cv2.imencode(suffix, pixels)[1].tobytes()


def thumbnails(before: bytes, after: bytes) -> Preview:
    one, other = (Thumbnail(4000, 3000, 9000, it) for it in (before, after))
    return Preview("IMG_8812.jpg", "canny", one, other, seconds=0.3, age=4.0)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"no picture at all", "not a picture"),
        (jpeg(96, 96)[:700], "cut"),
        (jpeg(97, 20), "at most 96"),
        (jpeg(2000, 2000, ".webp"), "a thumbnail is a"),
    ],
)
def test_what_a_node_shows_may_be_anything(bad: bytes, words: str) -> None:
    async def play() -> None:
        async with staged((160, 45)) as stage:
            await stage.tell(*minute(), Shown("atlas", thumbnails(bad, jpeg(64, 48))))
            await stage.app.workers.wait_for_complete()
            await stage.shown()
            await stage.app.workers.wait_for_complete()
            await stage.shown()
            assert stage.says(words), stage.text()
            assert stage.says("▀▀▀")
            assert any("IMG_8812.jpg" in line and "4s ago" in line for line in stage.text())

    run(play)


def test_pictures_are_retried_or_cancelled_by_their_outputs() -> None:
    async def play() -> None:
        async with staged(shelf=SHELF) as stage:
            await stage.tell(*minute())
            await stage.press("2", "r")
            assert [(d.what.value, d.about) for d in stage.orders.done] == [
                ("retry a picture", "/out/failed.jpg")
            ]
            await stage.press("j", "x", "y")
            assert stage.orders.done[-1].about == "/out/submitted.jpg"
            assert stage.orders.done[-1].command == "pixmesh jobs cancel /out/submitted.jpg"
            await stage.press("j", "x", "r")
            assert len(stage.orders.done) == 2

    run(play)


def test_of_however_many_pictures_only_so_many_rows_are_alive() -> None:
    many = tuple(
        Listed(state="done", at=0.0, source=f"/in/{i}.jpg", destination=f"/out/{i}.jpg", job="00")
        for i in range(2 * MOST)
    )

    async def play() -> None:
        async with staged(shelf=Shelf(Listing("", many, {"done": 100_000}))) as stage:
            await stage.tell(*minute())
            await stage.press("2")
            assert len(stage.app.table.rows) == MOST
            assert stage.says("100000 done; the latest 500 are shown")

    run(play)


EVIL = "/in/[red]a[/] [/nothing] [$x] \x1b[2J.jpg"


def test_names_of_pictures_are_letters_and_nothing_else() -> None:
    """Neither markup nor escapes: in the table, the question, the palette and what is told."""
    one = Listed(state="submitted", at=0.0, source=EVIL, destination=EVIL, job="00")
    shelf = Shelf(Listing("", (one,), {"submitted": 1}))

    async def play() -> None:
        async with staged((120, 40), shelf=shelf) as stage:
            await stage.tell(*minute())
            await stage.press("2")
            assert stage.says("/in/[red]a[/] [/nothing] [$x] \\x1b[2J.jpg")
            await stage.press("enter")
            assert stage.says("[red]a[/]")
            await stage.press("escape", "colon")
            await stage.press(*"Cancel")
            assert stage.app.is_running
            assert stage.says("[red]a[/]")
            await stage.press("escape", "x")
            assert stage.says("[red]a[/]")
            await stage.press("y")
            assert [deed.about for deed in stage.orders.done] == [EVIL]
            assert stage.says("[red]a[/]")
            assert not any("\x1b" in line for line in stage.text())
            assert stage.app.words == ""

    run(play)


def test_what_a_node_showed_is_gone_when_nobody_looks_or_it_is_away() -> None:
    async def play() -> None:
        async with staged((160, 45)) as stage:
            shown = Shown("atlas", thumbnails(jpeg(64, 48), jpeg(64, 48)))
            await stage.tell(*minute(), shown)
            assert stage.says("4s ago")
            await stage.press("v")
            await stage.shown()
            assert not stage.says("4s ago")
            await stage.press("v")
            await stage.tell(shown, Away("connection refused"))
            assert not stage.says("4s ago")

    run(play)


def test_who_may_not_look_is_told_so_in_the_pictures_place() -> None:
    async def play() -> None:
        async with staged((160, 45)) as stage:
            await stage.tell(*minute(), Shown("atlas", None, "'preview' takes the submit role"))
            assert stage.says("'preview' takes")
            assert stage.says("live")

    run(play)
