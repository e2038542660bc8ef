"""The words of each page, for one mesh in which everything happens at once."""

from msgspec import structs

from pixmesh.broker.changes import Whole
from pixmesh.broker.views import BatchView, Happened, Snapshot
from pixmesh.node.net.following import SILENCE, Away
from pixmesh.tests.screens.story import empty, minute, node, story
from pixmesh.tui.jobs_view import Line as Listed
from pixmesh.tui.view import actions, folders, heading, jobs, log, nodes
from pixmesh.tui.view.glyphs import FULL
from pixmesh.tui.view.mesh import MeshView
from pixmesh.tui.view.tone import Line, text_of


def view_of(snapshot: Snapshot) -> MeshView:
    view = MeshView()
    view.take(Whole(1, snapshot), 0.0)
    return view


def told() -> MeshView:
    view = MeshView()
    for second, message in enumerate(minute()):
        view.take(message, float(second))
    return view


def words(lines: list[Line]) -> str:
    return "\n".join(map(text_of, lines))


def row(view: MeshView, name: str) -> str:
    found = next(one for one in nodes.grid(view, FULL).rows if one.id == name)
    return " ".join(cell.text for cell in found.cells)


def test_each_node_says_what_it_does_or_why_not() -> None:
    view = told()
    assert "● working 8/8" in row(view, "atlas")
    assert "IMG_8812.jpg +7" in row(view, "atlas")
    assert "○ idle" in row(view, "nuc")
    assert "why: lacks model u2net" in row(view, "nuc")
    assert "! late 4.1s" in row(view, "laptop")
    assert "2 tasks move in 1.9s" in row(view, "laptop")
    assert "✗ lost 12s" in row(view, "shelf")
    assert "went silent: 3 tasks moved" in row(view, "shelf")


def test_nodes_are_sorted_by_what_is_asked() -> None:
    view = told()

    def first(by: str) -> str:
        return nodes.grid(view, FULL, by=by).rows[0].id

    assert first("as they came") == "atlas"
    assert first("failed") == "pi4"
    assert first("cpu") == "atlas"
    assert nodes.grid(view, FULL, by="name").rows[-1].id == "shelf"
    for by in nodes.orders(view):
        assert len(nodes.grid(view, FULL, by=by).rows) == 5


def test_a_node_in_detail_has_its_error_and_a_lost_one_its_last_words() -> None:
    view = told()
    assert "IMG_8702.jpg: the file is cut off" in words(nodes.detail(view, "atlas", FULL))
    assert "192.168.1.31 · 8 slots" in words(nodes.detail(view, "atlas", FULL))
    assert "node, submit, let in by ticket 4f1a" in words(nodes.detail(view, "pi4", FULL))
    assert "3 tasks went elsewhere" in words(nodes.detail(view, "shelf", FULL))
    assert nodes.detail(view, "nobody", FULL) == []


def title(view: MeshView, now: float, width: int = 200) -> str:
    line = heading.title(
        view, FULL, page="Nodes", now=now, clock_text="14:02:11", notes=["read-only"], width=width
    )
    return text_of(line)


def test_the_title_says_whether_it_is_true() -> None:
    view = MeshView()
    assert "connecting" in title(view, 0.0)
    view.take(Whole(1, story()), 10.0)
    assert "● live 0.4s" in title(view, 10.4)
    view.take(Away("connection refused"), 13.0)
    assert "away 12s" in title(view, 22.0)
    assert "live" not in title(view, 22.0)
    assert heading.banner(view, 22.0).startswith("NO BROKER: the figures are 12s old")
    assert "connection refused" in heading.banner(view, 22.0)


def test_at_every_width_the_title_has_the_state_and_the_page() -> None:
    view = view_of(story())
    for width in range(30, 160):
        text = title(view, 0.4, width)
        assert "live 0.4s" in text
        assert "[1 Nodes]" in text


def test_progress_is_of_all_folders_and_fits() -> None:
    view = told()
    full = text_of(heading.progress(view, FULL, width=200))
    assert full.startswith("2 folders ")
    assert "7532/9960 ✓7518 ✗14 ⟳11" in full
    assert "left" in full
    for width in (58, 78, 98):
        assert len(text_of(heading.progress(view, FULL, width=width))) <= width


def test_without_folders_progress_is_of_what_runs() -> None:
    view = view_of(structs.replace(story(), folders=()))
    assert "studio: grayscale | canny" in text_of(heading.progress(view, FULL, width=200))
    nothing = view_of(structs.replace(story(), folders=(), batches=()))
    text = text_of(heading.progress(nothing, FULL, width=200))
    assert text == "nothing is asked of 4 nodes with 18 slots"


def test_what_limits_the_whole_and_who_asks_in_are_said() -> None:
    text = text_of(heading.limits(view_of(story())))
    assert "limited by: network into pi4 (11.2 MB/s)" in text
    assert "1 asks to be let in: press a" in text
    waits = BatchView("ada", "", "caption", 3, 0, 0, 0, "no node has caption", id="1")
    text = text_of(heading.limits(view_of(structs.replace(empty(), batches=(waits,)))))
    assert text == "waits: no node has caption"


def test_what_others_say_cannot_do_anything_to_the_terminal() -> None:
    evil = node("\x1b[2Jx", now="a\nb\x07")
    view = view_of(structs.replace(empty(), nodes=(evil,), limited_by="\x1b]0;x\x07"))
    shown = row(view, evil.name) + words([heading.limits(view)])
    shown += words(nodes.detail(view, evil.name, FULL))
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_folders_say_how_far_they_are_and_why_they_rest() -> None:
    view = told()
    first, second = (" ".join(c.text for c in r.cells) for r in folders.grid(view, FULL).rows)
    assert "● working" in first
    assert "7398 14 11 2377" in first
    assert "◐ paused" in second
    assert "by a person" in words(folders.detail(view, "cc33dd44", FULL))
    assert "--state failed --under /home/ada/out" in words(folders.detail(view, "aa11bb22", FULL))


def test_the_log_tells_what_happened_and_when_the_latest_last() -> None:
    rows = log.grid(view_of(story()), FULL).rows
    assert [row.cells[1].text for row in rows] == ["joined", "failed", "told", "lost"]
    assert rows[-1].cells[0].text == "0:12"
    assert "the file is cut off" in words(log.detail(view_of(story()), "2"))


def test_what_can_be_done_to_a_node_depends_on_how_it_is() -> None:
    view = view_of(story())

    def labels(*names: str) -> list[str]:
        return [action.label for action in actions.for_nodes(view, names)]

    assert labels("atlas") == ["Drain"]
    assert labels("pi4") == ["Resume", "Forget"]
    assert labels("atlas", "pi4") == ["Drain", "Resume", "Forget"]
    assert labels("shelf") == []
    drain = actions.for_nodes(view, ["atlas"])[0]
    assert drain.deeds[0].command == "pixmesh nodes drain atlas"
    assert drain.question == "Drain atlas?"


def listed(state: str, *, to: str) -> Listed:
    return Listed(state=state, at=0.0, source="/in/a.jpg", destination=to)


def test_a_file_that_came_to_two_folders_is_cancelled_in_one_of_them() -> None:
    waits = [listed("waiting", to="/thumbs/"), listed("seen", to="/web out/")]
    assert len({jobs.id_of(one) for one in waits}) == 2
    (cancel,) = actions.for_jobs(waits)
    assert [(deed.about, deed.under) for deed in cancel.deeds] == [
        ("/in/a.jpg", "/thumbs/"),
        ("/in/a.jpg", "/web out/"),
    ]
    assert cancel.deeds[1].command == "pixmesh jobs cancel /in/a.jpg --under '/web out/'"


def test_what_can_be_done_to_folders_pictures_and_strangers() -> None:
    view = view_of(story())
    assert [a.label for a in actions.for_folders(view, ["aa11bb22"])] == ["Pause"]
    assert [a.label for a in actions.for_folders(view, ["cc33dd44"])] == ["Resume"]
    both = actions.for_jobs([listed("failed", to="/a b.jpg"), listed("submitted", to="/c.jpg")])
    assert [a.label for a in both] == ["Retry", "Cancel"]
    assert both[0].deeds[0].command == "pixmesh jobs retry '/a b.jpg'"
    assert both[1].deeds[0].command == "pixmesh jobs cancel /c.jpg"
    assert actions.for_jobs([listed("done", to="/d.jpg")]) == []
    (approve,) = actions.for_everyone(view)
    assert approve.deeds[0].about == "P9XD-2LLC"
    assert "Its own screen must show P9XD-2LLC" in approve.question
    assert actions.for_everyone(view_of(empty())) == []


def test_what_is_not_told_for_a_while_is_not_live_whatever_nobody_said() -> None:
    view = view_of(story())
    assert view.away(SILENCE) == ""
    later = SILENCE + 2.0
    assert view.away(later) == "nothing was told for 4 s"
    title = heading.title(view, FULL, page="Nodes", now=later, clock_text="", notes=(), width=200)
    assert "away 4s" in text_of(title)
    assert "the figures are 4s old" in heading.banner(view, later)


def test_what_limits_and_what_waits_do_not_run_together() -> None:
    batch = structs.replace(story().batches[0], reason="no node has rembg")
    view = view_of(structs.replace(story(), limited_by="slots", batches=(batch,)))
    assert "limited by: slots  waits: no node has rembg" in text_of(heading.limits(view))


def test_lines_of_the_log_outlast_being_told_all_again_but_not_another_broker() -> None:
    view = told()
    lines = list(view.lines)
    assert lines
    assert view.snapshot is not None
    again = structs.replace(view.snapshot, happened=view.snapshot.happened[-1:])
    view.take(Whole(99, again), 100.0)
    assert list(view.lines) == lines
    other = Happened(1, 3.0, "joined", "zeus", "is here with 1 slot")
    for happened, uptime in (((other,), 1.0), ((other,), 9e6), ((), 9e6)):
        view = told()
        view.take(Whole(1, structs.replace(again, uptime=uptime, happened=happened)), 101.0)
        assert tuple(view.lines) == happened
