"""While somebody looks at a node it shows what it finishes, before and after; else nothing."""

import cv2
import msgspec
import numpy as np

from pixmesh.broker.messages import Ask
from pixmesh.broker.views import Preview
from pixmesh.node.net.reach import ask
from pixmesh.tests.integration.runs import Run
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import RealMesh


def look(mesh: RealMesh, node: str) -> Preview | None:
    answer = ask(mesh.way(), Ask(what="preview", about=node))
    return msgspec.msgpack.decode(answer, type=Preview | None)


def test_a_node_at_work_shows_its_pictures_to_who_looks(mesh: RealMesh) -> None:
    mesh.broker()
    mesh.nodes("atlas", slots=1)
    job = Run(mesh, 40)
    run = job.begin()
    eventually(lambda: job.done() > 2, 20)
    assert look(mesh, "atlas") is None, "it has shown what nobody asked for"
    shown = eventually(lambda: look(mesh, "atlas"), 10)
    assert shown is not None
    assert shown.name in {path.name for path in job.sources}
    source = next(path for path in job.sources if path.name == shown.name)
    pixels = cv2.imread(str(source), cv2.IMREAD_COLOR)
    assert pixels is not None
    height, width = pixels.shape[:2]
    for one in (shown.before, shown.after):
        assert (one.width, one.height) == (width, height)
        small = cv2.imdecode(np.frombuffer(one.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert small is not None
    assert shown.before.size == source.stat().st_size
    assert shown.recipe.startswith("grayscale | blur")
    first = shown.name
    eventually(lambda: (now := look(mesh, "atlas")) is not None and now.name != first, 10)
    job.check(run)
    out = next(out for path, out in job.pairs if path == source)
    assert shown.after.size == out.stat().st_size
