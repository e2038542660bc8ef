"""What `pixmesh status` prints fits 80 columns and says why."""

from pixmesh.broker.messages import Load
from pixmesh.broker.status import BatchView, NodeView, Snapshot
from pixmesh.tui.mesh_view import in_words


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
