"""What `pixmesh status` prints fits 80 columns and says why."""

import pytest
from msgspec import structs

from pixmesh.broker.messages import Load
from pixmesh.broker.status import STATES
from pixmesh.broker.views import (
    BatchView,
    FolderView,
    LostView,
    MemberView,
    NodeView,
    NowView,
    PictureView,
    Snapshot,
    Story,
    Try,
    WaitingView,
)
from pixmesh.tui import story
from pixmesh.tui.mesh_view import (
    asking_in,
    folders_in_words,
    in_words,
    lost_in_words,
    members_in_words,
    nodes_in_words,
)

HOSTILE = "\x1b[2J\r\nx\u202ey\x9b\0"


def node(name: str, *, reason: str = "") -> NodeView:
    load = Load(cpu=1.0, cpu_others=0.42, memory=0.99, net_in=123.4e6, net_out=99e6)
    return NodeView(
        name=name,
        state="draining",
        slots=128,
        busy=128,
        held=512,
        load=load,
        done=1_234_567,
        failed=12_345,
        beat=12.34,
        reason=reason,
        p95=1.94,
    )


def mesh(*nodes: NodeView) -> Snapshot:
    batch = BatchView(
        owner="a-machine-with-a-very-long-name",
        label="",
        recipe="grayscale | blur ksize=5 sigma=0 | canny low=100 high=200",
        waiting=123_456,
        running=512,
        done=1_234_567,
        failed=12_345,
        reason="no node has u2net",
    )
    return Snapshot(
        schema=1,
        broker="192.168.100.200:7710",
        version="0.1.0",
        uptime=12_345.6,
        nodes=nodes,
        batches=(batch,),
        owners=1,
        limited_by="slots",
    )


def test_large_figures_and_long_names_fit_80_columns() -> None:
    text = in_words(mesh(node("another-machine-with-a-long-name"), node("pi")))
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("count", [99_999, 100_000, 999_999, 99_899_999, 2**48])
@pytest.mark.parametrize("p95", [0.0, 0.314, 12.3, 1234.5])
def test_nodes_in_any_state_with_any_figures_fit_80_columns(
    state: str, count: int, p95: float
) -> None:
    """Up to 99 slots each."""
    load = Load(cpu=1.0, cpu_others=1.0, memory=1.0, net_in=123e6, net_out=123e6)
    one = structs.replace(node("another-machine-with-a-long-name"), busy=99, slots=99, load=load)
    lines = nodes_in_words([structs.replace(one, state=state, p95=p95, done=count, failed=count)])
    assert max(map(len, lines)) <= 80


def test_of_a_node_the_seconds_of_its_slower_tasks_are_shown_where_it_had_any() -> None:
    new = structs.replace(node("new"), p95=0.0)
    head, old_row, new_row = nodes_in_words([node("old"), new])
    assert old_row.split()[head.split().index("P95")] == "1.9s"
    assert len(new_row.split()) == len(old_row.split()) - 1


def test_columns_are_aligned() -> None:
    head, first, second = in_words(mesh(node("atlas"), node("pi"))).splitlines()[4:7]
    assert head.index("STATE") == first.index("draining") == second.index("draining")


def test_it_says_why_and_what_limits() -> None:
    text = in_words(mesh(node("nuc", reason="lacks u2net")))
    assert "limited by slots" in text
    assert "nuc: lacks u2net" in text
    assert "no node has u2net" in text


def lost(name: str, at: float, moved: int = 4) -> LostView:
    return LostView(name, 4, at, "went silent", moved)


def test_lost_nodes_are_named_below_the_others_since_when_and_why() -> None:
    gone = (lost("shelf", 12_333.6), lost("shed", 12_245.6, 1))
    lines = in_words(structs.replace(mesh(node("pi")), lost=gone)).splitlines()
    assert lines[6:8] == [
        "shelf: lost 12 s ago: went silent; 4 tasks moved",
        "shed: lost 1:40 ago: went silent; 1 task moved",
    ]
    assert "lost" not in in_words(mesh(node("pi")))


def test_of_many_lost_nodes_the_last_are_named_and_the_others_counted() -> None:
    lines = lost_in_words([lost(f"n{number}", 0.0) for number in range(10)], 1.0)
    assert [line.split(":")[0] for line in lines[:-1]] == [f"n{number}" for number in range(2, 10)]
    assert lines[-1] == "lost before these: 2 nodes"


def test_without_nodes_it_says_how_to_start_one() -> None:
    assert "pixmesh node" in in_words(mesh())


def folder(source: str = "/home/ann/drop", *, paused: str = "", count: int = 3) -> FolderView:
    return FolderView("studio", source, "/home/ann/out", count, count, count, count, count, paused)


def test_watched_folders_are_shown_and_below_them_why_some_are_paused() -> None:
    reason = "/mnt/nas/drop is not there"
    watched = structs.replace(mesh(), folders=(folder(), folder("/mnt/nas/drop", paused=reason)))
    lines = in_words(watched).splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("WATCHED"))
    assert lines[head].split()[2:] == ["SETTLING", "WAITING", "RUNNING", "WRITTEN", "FAILED"]
    assert lines[head + 1].split() == ["/home/ann/drop", "/home/ann/out", *"33333"]
    assert lines[head + 2].split()[0] == "/mnt/nas/drop"
    assert lines[head + 3 :] == [f"studio: /mnt/nas/drop paused: {reason}"]


def test_where_nothing_is_watched_nothing_is_said_of_it() -> None:
    assert "WATCHED" not in in_words(mesh(node("pi")))
    assert len(folders_in_words([folder()])) == 2  # of one that is not paused no reason


@pytest.mark.parametrize(
    "name", ["/a/very/long/name/of/a/folder/" * 9, "\x1b" * 300, "\u202e" * 99]
)
@pytest.mark.parametrize("count", [0, 9_999_999, 10_000_000, 2**48])
@pytest.mark.parametrize("ids", [True, False])
def test_folders_of_any_name_and_any_figures_fit_80_columns(
    name: str, count: int, ids: bool
) -> None:
    row = structs.replace(folder(name, count=count), out=name, id="aa11bb22")
    head, line = folders_in_words([row], ids=ids)
    assert max(len(head), len(line)) <= 80
    assert line.isprintable()


def test_folders_are_listed_with_the_ids_that_name_them() -> None:
    one = structs.replace(folder("/drop"), out="/out", id="aa11bb22")
    head, line = folders_in_words([one], ids=True)
    assert head.split()[:3] == ["ID", "WATCHED", "OUT"]
    assert line.split() == ["aa11bb22", "/drop", "/out", *"33333"]


def test_where_no_folder_is_watched_it_says_how_to_watch_one() -> None:
    (line,) = folders_in_words([], ids=True)
    assert "pixmesh watch" in line


def test_of_a_long_name_the_end_is_shown() -> None:
    assert "…tos/2026/drop" in folders_in_words([folder("/home/ann/photos/2026/drop")])[1]


def hostile_mesh() -> Snapshot:
    """Everything that others have a say in, as bad as can be."""
    load = Load()
    bad = HOSTILE
    return Snapshot(
        schema=1,
        broker=bad,
        version=bad,
        uptime=1.0,
        nodes=(NodeView(bad, bad, 1, 1, 1, load, 0, 0, 0.0, bad),),
        batches=(BatchView(bad, bad, bad, 0, 0, 0, 0, bad),),
        owners=1,
        limited_by=bad,
        quarantined=(PictureView(bad, bad, bad, bad, 1.0),),
        members=(MemberView(bad, (bad,), bad, bad),),
        waiting=(WaitingView(bad, bad, bad),),
        folders=(FolderView(bad, bad, bad, 0, 0, 0, 0, 0, bad, bad),),
        lost=(LostView(bad, 1, 0.0, bad, 1),),
    )


def test_nothing_that_others_say_moves_the_cursor_or_makes_a_line() -> None:
    told = hostile_mesh()
    lines = in_words(told).split("\n")
    lines += nodes_in_words(told.nodes) + members_in_words(told.members, told.nodes)
    lines += asking_in(told.waiting) + folders_in_words(told.folders, ids=True)
    lines += lost_in_words(told.lost, told.uptime)
    now, tried = (
        NowView(HOSTILE, HOSTILE, 1.0, 1.0, alone=True),
        Try(HOSTILE, HOSTILE, HOSTILE, alone=True),
    )
    tale = Story(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, (tried,), (now,))
    lines += story.in_words([], [tale]).split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    assert len(story.in_words([], [tale]).split("\n")) == 4
