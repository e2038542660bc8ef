"""What the dashboard does when keys are pressed, and when the mesh changes under the eye."""

import pytest
from msgspec import structs
from rich.color import Color
from rich.style import Style

from pixmesh.broker.changes import Change, Whole, change
from pixmesh.broker.views import Snapshot
from pixmesh.node.net.following import Away
from pixmesh.tui.dashboard.dialogs import Confirm, Leave

from .harness import SHELF, Stage, run, staged
from .story import atlas, empty, later, minute, node, story

DESTRUCTIVE = {"Drain", "Forget", "Pause", "Cancel", "Approve"}


def whole(snapshot: Snapshot) -> Whole:
    return Whole(1, snapshot)


def step(before: Snapshot, after: Snapshot, number: int = 2) -> Change:
    return change(before, after, number)


def cursor_line(stage: Stage) -> str:
    return next(line for line in stage.text() if line.startswith("▸"))


def is_of(name: str, line: str) -> bool:
    return line[2:].startswith(f"{name} ")


def test_with_nobody_in_the_mesh_it_says_how_to_begin_and_c_copies_the_line() -> None:
    async def play() -> None:
        async with staged() as stage:
            await stage.tell(whole(empty()))
            assert stage.says("No node is connected.")
            assert stage.says("press c")
            await stage.press("c")
            assert stage.app.clipboard == "pixmesh node xm1-example"
            assert stage.says("pixmesh node xm1-example")

    run(play)


def test_a_node_that_is_late_then_lost_then_back_stays_on_its_row() -> None:
    async def play() -> None:
        async with staged((120, 30)) as stage:
            mesh = structs.replace(story(), nodes=(atlas(), node("pi4"), node("nuc")), lost=())
            await stage.tell(whole(mesh))
            await stage.press("j")
            place = next(i for i, line in enumerate(stage.text()) if is_of("pi4", line))
            silent = node("pi4", "late", held=2, busy=2, beat=4.1, moves_in=1.9)
            late = later(mesh, nodes=(atlas(), silent, node("nuc")))
            await stage.tell(step(mesh, late))
            assert "! late 4.1s" in stage.text()[place]
            assert "2 tasks move in 1.9s" in stage.text()[place]
            gone = later(
                late,
                nodes=(atlas(), node("nuc")),
                lost=(structs.replace(story().lost[0], name="pi4", at=late.uptime, moved=2),),
            )
            await stage.tell(step(late, gone, 3))
            assert "✗ lost 0s" in stage.text()[place]
            assert "went silent: 2 tasks moved" in stage.text()[place]
            back = later(gone, nodes=(atlas(), node("nuc"), node("pi4")), lost=())
            await stage.tell(step(gone, back, 4))
            assert "○ idle" in stage.text()[place]
            assert cursor_line(stage) == stage.text()[place]

    run(play)


@pytest.mark.parametrize("page", ["1", "2", "3", "4"])
def test_nothing_is_taken_away_without_asking(page: str) -> None:
    async def play() -> None:
        async with staged(shelf=SHELF) as stage:
            await stage.tell(*minute())
            await stage.press(page)
            for action in stage.app.actions_now():
                before = len(stage.orders.done)
                await stage.press(action.key)
                if action.label in DESTRUCTIVE:
                    assert isinstance(stage.app.screen, Confirm), action
                    assert len(stage.orders.done) == before
                    await stage.press("n")
                    assert len(stage.orders.done) == before
                else:
                    assert len(stage.orders.done) == before + len(action.deeds)

    run(play)


def test_what_is_confirmed_is_done_to_the_id_that_was_asked_about() -> None:
    async def play() -> None:
        async with staged() as stage:
            mesh = structs.replace(story(), nodes=(node("a"), node("b"), node("c")), lost=())
            await stage.tell(whole(mesh))
            await stage.press("j", "d")
            assert stage.says("Drain b?")
            assert stage.says("pixmesh nodes drain b")
            turned = later(mesh, nodes=(node("c"), node("a")))
            await stage.tell(step(mesh, turned))
            await stage.press("y")
            assert [deed.about for deed in stage.orders.done] == ["b"]

    run(play)


def test_what_is_marked_is_acted_on_together() -> None:
    async def play() -> None:
        async with staged() as stage:
            mesh = structs.replace(story(), nodes=(node("a"), node("b"), node("c")), lost=())
            await stage.tell(whole(mesh))
            await stage.press("space", "j", "space", "d")
            assert stage.says("Drain a, c?")
            await stage.press("y")
            assert [deed.about for deed in stage.orders.done] == ["a", "c"]

    run(play)


def test_read_only_nothing_can_be_done() -> None:
    async def play() -> None:
        async with staged(read_only=True, shelf=SHELF) as stage:
            await stage.tell(*minute())
            assert stage.says("read-only")
            for page in "1234":
                await stage.press(page, "d", "x", "p", "u", "r", "a", "c")
                assert len(stage.app.screen_stack) == 1
            assert stage.orders.done == []
            offered = {what for _, what in stage.app.keys_now()}
            assert not offered & (DESTRUCTIVE | {"Retry", "Resume", "Copy join line"})

    run(play)


def test_help_names_the_keys_that_work_now_and_no_others() -> None:
    async def play() -> None:
        async with staged((100, 60), shelf=SHELF) as stage:
            await stage.tell(*minute())
            for page in "1234":
                await stage.press(page)
                active = {
                    one.binding.description
                    for one in stage.app.screen.active_bindings.values()
                    if one.enabled and one.binding.description
                }
                labels = {action.label for action in stage.app.actions_now()}
                assert {what for _, what in stage.app.keys_now()} == active
                acting = {"Drain", "Forget", "Pause", "Cancel", "Approve", "Resume", "Retry"}
                assert active & acting == labels
                listed = stage.app.keys_now()
                await stage.press("question_mark")
                assert all(stage.says(f"{key}  {what}") for key, what in listed)
                await stage.press("escape")

    run(play)


def test_the_cursor_the_filter_and_the_order_outlast_a_broker() -> None:
    async def play() -> None:
        async with staged() as stage:
            await stage.tell(*minute())
            await stage.press("s", "slash", "p", "i", "4", "enter")
            assert cursor_line(stage).split()[1] == "pi4"
            before = stage.text()
            await stage.tell(Away("connection refused"))
            stage.hand.now += 12
            await stage.shown()
            assert stage.says("NO BROKER: the figures are 13s old")
            assert stage.says("away 13s")
            rows = [line for line in before if is_of("pi4", line)]
            assert [line for line in stage.text() if is_of("pi4", line)] == rows
            await stage.tell(Whole(1, later(empty(), nodes=(atlas(), node("pi4")))))
            assert not stage.says("NO BROKER")
            assert stage.says("sorted by name")
            assert cursor_line(stage).split()[1] == "pi4"
            assert not stage.says("atlas")

    run(play)


def test_frozen_figures_stand_until_they_are_let_go() -> None:
    async def play() -> None:
        async with staged() as stage:
            mesh = structs.replace(story(), nodes=(node("a", done=1),))
            await stage.tell(whole(mesh))
            await stage.press("z")
            assert stage.says("FROZEN")
            before = stage.text()
            await stage.tell(step(mesh, later(mesh, nodes=(node("a", "warming"),))))
            assert stage.text() == before
            await stage.press("z")
            assert stage.says("warming")

    run(play)


def test_while_figures_stand_a_broker_that_goes_is_said() -> None:
    async def play() -> None:
        async with staged() as stage:
            await stage.tell(*minute())
            await stage.press("z")
            await stage.tell(Away("connection refused"))
            assert stage.says("NO BROKER")
            assert stage.says("away")

    run(play)


def test_a_terminal_made_smaller_under_a_question_is_seen_to_be_after_it() -> None:
    async def play() -> None:
        async with staged() as stage:
            await stage.tell(*minute())
            await stage.press("d")
            assert isinstance(stage.app.screen, Confirm)
            await stage.pilot.resize_terminal(39, 11)
            await stage.press("n")
            await stage.shown()
            assert stage.says("pixmesh needs 40x12")
            await stage.pilot.resize_terminal(100, 30)
            await stage.shown()
            assert stage.says("atlas")

    run(play)


def test_nothing_that_matches_is_not_nothing_that_is_there() -> None:
    async def play() -> None:
        async with staged() as stage:
            await stage.press("slash", *"zebra")
            await stage.shown()
            assert stage.says("The broker is looked for.")
            await stage.tell(*minute())
            assert stage.says("Nothing has 'zebra'.")
            assert not stage.says("No node is connected")

    run(play)


def test_below_what_it_needs_it_says_so_and_comes_back() -> None:
    async def play() -> None:
        async with staged((39, 11)) as stage:
            await stage.tell(*minute())
            assert stage.says("pixmesh needs 40x12")
            assert stage.says("this is 39x11")
            assert not stage.says("atlas")
            await stage.pilot.resize_terminal(40, 12)
            await stage.shown()
            assert stage.says("atlas")
            assert not stage.says("needs")

    run(play)


def legible(style: Style) -> bool:
    """Whether text of this style is of another colour than what is behind it."""
    if style.color is None or style.bgcolor is None:
        return True
    if style.color.is_default or style.bgcolor.is_default:
        return True  # of the terminal's own pair, or one of its own colours on its own ground
    return _far(style.color, style.bgcolor)


def _far(one: Color, other: Color) -> bool:
    pairs = zip(one.get_truecolor(), other.get_truecolor(), strict=True)
    return sum(abs(a - b) for a, b in pairs) > 90


@pytest.mark.parametrize("colours", [True, False], ids=["colours", "NO_COLOR"])
def test_text_is_never_on_its_own_colour_in_any_theme(colours: bool) -> None:
    async def play() -> None:
        async with staged((80, 22), colours=colours) as stage:
            await stage.tell(*minute())
            await stage.press("space")
            for theme in stage.app.available_themes:
                stage.app.theme = theme
                await stage.pilot.pause()
                await stage.shown()
                assert unreadable(stage) == [], theme

    run(play)


def unreadable(stage: Stage) -> list[tuple[str, str]]:
    return [
        (text, str(style))
        for strip in stage.lines()
        for text, style, _ in strip
        if style is not None and set(text) - DRAWN and not legible(style)
    ]


DRAWN = set(" █▌░▀▁▂▃▄▅▆▇─")
"""What is no text: bars, graphs and edges."""


def test_leaving_the_screen_of_up_asks_what_becomes_of_the_mesh() -> None:
    async def play() -> None:
        async with staged(of_up=True) as stage:
            await stage.tell(*minute())
            await stage.press("q")
            assert isinstance(stage.app.screen, Leave)
            await stage.press("escape")
            assert stage.app.is_running
            await stage.press("q")
            await stage.pilot.press("d")
            assert stage.app.return_value == "drain"

    run(play)


def test_what_the_palette_offers_is_what_the_keys_do() -> None:
    async def play() -> None:
        async with staged() as stage:
            await stage.tell(*minute())
            offered = [one.title for one in stage.app.get_system_commands(stage.app.screen)]
            assert "Drain atlas" in offered
            assert {"Nodes", "Jobs", "Folders", "Log", "Theme"} <= set(offered)
            await stage.press("colon")
            assert len(stage.app.screen_stack) == 2
            await stage.pilot.press("escape")

    run(play)


def test_a_row_is_opened_in_full() -> None:
    async def play() -> None:
        async with staged((60, 20)) as stage:
            await stage.tell(*minute())
            await stage.press("enter")
            assert stage.says("IMG_8702.jpg: the file is cut off (1/8)")
            await stage.press("escape", "4", "G", "enter")
            assert stage.says("went silent: 3 tasks go elsewhere")

    run(play)
