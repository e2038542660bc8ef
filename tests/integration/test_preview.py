"""While somebody looks at a node it shows what it finishes, before and after; else nothing."""

from pathlib import Path

import cv2
import msgspec
import numpy as np

from pixmesh.broker.messages import Ask
from pixmesh.broker.views import Looked, Preview
from pixmesh.node.net.reach import ask
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import RealMesh
from pixmesh.tests.support.photos import distinct, skimage_files


def look(mesh: RealMesh, node: str) -> Preview | None:
    answer = ask(mesh.way(), Ask(what="preview", about=node))
    looked = msgspec.msgpack.decode(answer, type=Looked)
    assert looked.node == node
    return looked.preview


def test_a_node_at_work_shows_its_pictures_to_who_looks(mesh: RealMesh, nap: Path) -> None:
    mesh.broker()
    mesh.nodes("atlas", slots=1)
    sources = distinct(skimage_files()[:4], 8, mesh.folder / "in")
    run = mesh.start("run", "nap seconds=0.3", "in", "-o", "out")
    out = mesh.folder / "out"
    eventually(lambda: len(list(out.glob("[!.]*"))) > 1, 20)
    assert look(mesh, "nobody") is None
    assert look(mesh, "atlas") is None, "it has shown what nobody asked for"
    shown = eventually(lambda: look(mesh, "atlas"), 10)
    assert shown is not None
    assert shown.name in {path.name for path in sources}
    source = next(path for path in sources if path.name == shown.name)
    pixels = cv2.imread(str(source), cv2.IMREAD_COLOR)
    assert pixels is not None
    height, width = pixels.shape[:2]
    for one in (shown.before, shown.after):
        assert (one.width, one.height) == (width, height)
        small = cv2.imdecode(np.frombuffer(one.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert small is not None
    assert shown.before.size == source.stat().st_size
    assert shown.recipe == "nap seconds=0.3"
    first = shown.name
    eventually(lambda: (now := look(mesh, "atlas")) is not None and now.name != first, 10)
    assert run.code() == 0, run.said()
