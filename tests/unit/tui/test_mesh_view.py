"""What `pixmesh status` prints fits 80 columns and says why."""

import pytest
from msgspec import structs

from pixmesh.broker.messages import Load
from pixmesh.broker.views import (
    BatchView,
    FolderView,
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


def test_columns_are_aligned() -> None:
    head, first, second = in_words(mesh(node("atlas"), node("pi"))).splitlines()[4:7]
    assert head.index("STATE") == first.index("draining") == second.index("draining")


def test_it_says_why_and_what_limits() -> None:
    text = in_words(mesh(node("nuc", reason="lacks u2net")))
    assert "limited by slots" in text
    assert "nuc: lacks u2net" in text
    assert "no node has u2net" in text


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
def test_folders_of_any_name_and_any_figures_fit_80_columns(name: str, count: int) -> None:
    row = structs.replace(folder(name, count=count), out=name)
    head, line = folders_in_words([row])
    assert max(len(head), len(line)) <= 80
    assert line.isprintable()


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
        folders=(FolderView(bad, bad, bad, 0, 0, 0, 0, 0, bad),),
    )


def test_nothing_that_others_say_moves_the_cursor_or_makes_a_line() -> None:
    told = hostile_mesh()
    lines = in_words(told).split("\n")
    lines += nodes_in_words(told.nodes) + members_in_words(told.members, told.nodes)
    lines += asking_in(told.waiting) + folders_in_words(told.folders)
    now, tried = (
        NowView(HOSTILE, HOSTILE, 1.0, 1.0, alone=True),
        Try(HOSTILE, HOSTILE, HOSTILE, alone=True),
    )
    tale = Story(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, (tried,), (now,))
    lines += story.in_words([], [tale]).split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    assert len(story.in_words([], [tale]).split("\n")) == 4
