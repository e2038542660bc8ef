"""What a dashboard knows follows from what it was told, and stays when nobody tells any more."""

from msgspec import structs

from pixmesh.broker.changes import Whole, change
from pixmesh.node.net.following import Away, Shown
from pixmesh.tests.screens.story import atlas, empty, later, minute, node, preview, story, told
from pixmesh.tui.view import nodes
from pixmesh.tui.view.mesh import SAMPLES, MeshView


def view_of(*messages: object, began: float = 0.0) -> MeshView:
    view = MeshView()
    for number, message in enumerate(messages):
        view.take(message, began + number)  # type: ignore[arg-type]
    return view


def test_a_change_of_what_was_never_told_whole_is_nothing() -> None:
    view = view_of(change(empty(), story(), 2))
    assert view.snapshot is None


def test_what_is_told_in_changes_is_known_as_if_it_were_told_whole() -> None:
    view = view_of(*minute())
    assert view.snapshot is not None
    assert view.snapshot == structs.replace(story(), uptime=view.snapshot.uptime)


def test_images_a_second_are_those_of_the_last_seconds() -> None:
    view = view_of(*minute())
    assert abs(view.node_rate("atlas") - 28) < 0.5
    assert abs(view.node_rate("pi4") - 3) < 0.5
    assert view.node_rate("nuc") == 0
    assert abs(view.images_a_second - 31) < 1
    assert abs(view.rate("aa11bb22") - 31) < 1
    assert view.rate("nobody") == 0


def test_away_the_figures_stay_and_grow_old() -> None:
    view = view_of(Whole(1, story()), Away("connection refused"))
    assert view.snapshot == story()
    assert view.why_away == "connection refused"
    assert view.age(12.0) == 12.0
    view.take(Whole(1, story()), 20.0)
    assert view.why_away == ""
    assert view.age(20.5) == 0.5


def test_another_broker_counts_anew_and_no_rate_is_negative() -> None:
    view = view_of(*minute())
    young = structs.replace(story(), uptime=1.0, nodes=(structs.replace(atlas(), done=0),))
    view.take(Whole(1, young), 100.0)
    view.take(change(young, later(young, 1.0), 2), 101.0)
    assert view.node_rate("atlas") == 0


def test_rows_stay_where_they_were_whoever_goes_and_comes() -> None:
    first = structs.replace(empty(), nodes=(node("a"), node("b")))
    without = later(first, nodes=(node("b"),), lost=(structs.replace(story().lost[0], name="a"),))
    back = later(without, nodes=(node("b"), node("c"), node("a")), lost=())
    view = MeshView()
    seen = []
    for message in told([first, without, back]):
        view.take(message, 0.0)
        seen.append([one.name for one in nodes.members(view)])
    assert seen == [["a", "b"], ["a", "b"], ["a", "b", "c"]]


def test_the_memory_of_a_minute_is_a_minute_however_long_it_is_told() -> None:
    view = MeshView()
    snapshot = structs.replace(empty(), nodes=(node("a"),))
    view.take(Whole(1, snapshot), 0.0)
    for second in range(300):
        after = later(snapshot, 1.0)
        view.take(change(snapshot, after, second + 2), float(second))
        snapshot = after
    assert len(view.images) == len(view.nodes["a"].cpu) == SAMPLES


def test_one_preview_is_kept_the_last() -> None:
    shown = Shown("atlas", preview(b""))
    view = view_of(Whole(1, story()), Shown("pi4", None), shown)
    assert view.previews == {"atlas": shown}
