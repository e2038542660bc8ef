"""A mesh that was never there: what its broker would tell, for tests of what is shown of it."""

from random import Random

from msgspec import structs

from pixmesh.broker.changes import Change, Whole, change
from pixmesh.broker.messages import Load
from pixmesh.broker.views import (
    BatchView,
    FolderView,
    Happened,
    LostView,
    MemberView,
    NodeView,
    Preview,
    Snapshot,
    Thumbnail,
    WaitingView,
)

UPTIME = 3600.0


def node(name: str, state: str = "idle", **more: object) -> NodeView:
    """Return a node: idle, with four slots, unless more is said."""
    plain = NodeView(
        name=name,
        state=state,
        slots=4,
        busy=0,
        held=0,
        load=Load(cpu=0.03, memory=0.2),
        done=0,
        failed=0,
        beat=0.2,
        reason="",
        id=name,
        host=name,
        numeric="x86_64-1f2e3d4c5b6a7988",
        memory=12_000_000_000,
        moves_in=5.8,
    )
    return structs.replace(plain, **more)


def atlas() -> NodeView:
    """Return a node that works."""
    load = Load(cpu=0.91, cpu_others=0.04, memory=0.41, net_in=38e6, net_out=12e6, disk_write=2.1e6)
    return node(
        "atlas",
        "working",
        slots=8,
        busy=8,
        held=8,
        load=load,
        done=5031,
        failed=2,
        beat=0.3,
        address="192.168.1.31",
        now="IMG_8812.jpg",
        p95=0.31,
        last_error="IMG_8702.jpg: the file is cut off (1/8)",
    )


def pi4() -> NodeView:
    """Return a node that is drained."""
    load = Load(cpu=0.38, cpu_others=0.3, memory=0.52, net_in=11e6, net_out=4e6)
    return node(
        "pi4",
        "draining",
        slots=2,
        busy=1,
        held=1,
        load=load,
        done=812,
        failed=12,
        beat=0.9,
        address="192.168.1.32",
        now="IMG_8711.jpg",
        p95=1.9,
        reason="drained",
    )


def laptop() -> NodeView:
    """Return a node that is silent."""
    return node("laptop", "late", busy=2, held=2, beat=4.1, moves_in=1.9, reason="silent for 4.1 s")


def story() -> Snapshot:
    """Return a mesh in which everything happens at once."""
    return Snapshot(
        schema=1,
        broker="192.168.1.20:7710",
        version="0.1.0",
        uptime=UPTIME,
        nodes=(atlas(), pi4(), node("nuc", reason="lacks model u2net"), laptop()),
        batches=(
            BatchView(
                owner="studio",
                label="",
                recipe="grayscale | canny low=100 high=200",
                waiting=1000,
                running=11,
                done=7398,
                failed=14,
                reason="",
                id="studio-1",
            ),
        ),
        owners=2,
        limited_by="network into pi4 (11.2 MB/s)",
        members=(MemberView("pi4", ("node", "submit"), "K3QF-7M2A", "ticket 4f1a"),),
        waiting=(WaitingView("shed", "P9XD-2LLC", "192.168.1.77"),),
        folders=(
            FolderView(
                owner="studio",
                source="/home/ada/drop",
                out="/home/ada/out",
                settling=3,
                waiting=2374,
                running=11,
                written=7398,
                failed=14,
                paused="",
                id="aa11bb22",
            ),
            FolderView(
                owner="studio",
                source="/srv/scans",
                out="/srv/web",
                settling=0,
                waiting=40,
                running=0,
                written=120,
                failed=0,
                paused="by a person",
                id="cc33dd44",
            ),
        ),
        lost=(LostView("shelf", 4, UPTIME - 12, "went silent", 3),),
        happened=(
            Happened(1, UPTIME - 3000, "joined", "atlas", "is here with 8 slots"),
            Happened(2, UPTIME - 120, "failed", "IMG_8702.jpg", "the file is cut off (on atlas)"),
            Happened(3, UPTIME - 60, "told", "pi4", "pi4 gets nothing new and finishes 1 tasks"),
            Happened(4, UPTIME - 12, "lost", "shelf", "went silent: 3 tasks go elsewhere"),
        ),
    )


def empty() -> Snapshot:
    """Return a mesh with nobody in it."""
    return Snapshot(
        schema=1,
        broker="192.168.1.20:7710",
        version="0.1.0",
        uptime=3.0,
        nodes=(),
        batches=(),
        owners=0,
        limited_by="",
    )


def later(before: Snapshot, seconds: float = 0.5, **more: object) -> Snapshot:
    """Return a mesh a little later."""
    return structs.replace(before, uptime=before.uptime + seconds, **more)


def told(snapshots: list[Snapshot]) -> list[Whole | Change]:
    """Return what a broker tells of these, one after the other."""
    first, *rest = snapshots
    messages: list[Whole | Change] = [Whole(1, first)]
    before = first
    for number, after in enumerate(rest, start=2):
        messages.append(change(before, after, number))
        before = after
    return messages


def minute() -> list[Whole | Change]:
    """Return what a broker tells in a minute in which atlas and pi4 work, up to the story."""
    end = story()
    snapshots = []
    for second in range(60, -1, -1):
        wave = 0.5 + 0.45 * ((second * 7) % 10) / 10
        busy = [
            structs.replace(
                one,
                done=one.done - second * (28 if one.name == "atlas" else 3),
                load=structs.replace(one.load, cpu=one.load.cpu * wave) if second else one.load,
            )
            if one.name in {"atlas", "pi4"}
            else one
            for one in end.nodes
        ]
        folders = (
            structs.replace(end.folders[0], written=end.folders[0].written - second * 31),
            end.folders[1],
        )
        snapshots.append(
            structs.replace(end, uptime=UPTIME - second, nodes=tuple(busy), folders=folders)
        )
    return told(snapshots)


def preview(jpeg: bytes) -> Preview:
    """Return a picture as a node shows it."""
    before = Thumbnail(6000, 4000, 11_200_000, jpeg)
    return Preview("IMG_8812.jpg", "canny", before, Thumbnail(1024, 683, 96_000, jpeg), 0.3)


def crowd(count: int, seconds: float) -> list[Whole | Change]:
    """Return what is told of so many nodes that work, all of which change twice a second."""
    random = Random(1)
    mesh = structs.replace(story(), nodes=(), lost=())
    names = [f"node{number:02}" for number in range(count)]
    done = dict.fromkeys(names, 0)
    snapshots = []
    for step in range(int(2 * seconds)):
        done = {name: ended + random.randrange(8) for name, ended in done.items()}
        nodes = tuple(
            node(
                name,
                "working",
                busy=4,
                held=5,
                done=done[name],
                beat=random.random(),
                now=f"IMG_{random.randrange(9999):04}.jpg",
                load=Load(
                    cpu=random.random(),
                    memory=random.random(),
                    net_in=random.random() * 1e8,
                    net_out=random.random() * 1e8,
                ),
            )
            for name in names
        )
        snapshots.append(structs.replace(mesh, uptime=100 + step / 2, nodes=nodes))
    return told(snapshots)
