"""A batch of files goes through the mesh, and every picture has one outcome."""

import os
from pathlib import Path

from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.report import PictureDone
from pixmesh.node.owner.row import State

from .fakes import FakeMesh, HeldMesh, batch_of, blurred, picture, plan_of


def test_every_picture_comes_out_under_its_own_name(tmp_path: Path) -> None:
    names = ["a.jpg", "sub/b c.jpg", "sub/-dash.jpg", "quote'\"$(x).jpg", "🖼.jpg", "new\nline.jpg"]
    names.append(os.fsdecode(b"latin-\xe9.jpg"))
    for name in names:
        picture(tmp_path / "in" / name)
    with Ledger(tmp_path / "ledger") as ledger, FakeMesh() as mesh:
        plan = plan_of(tmp_path / "in", out=tmp_path / "out", ledger=ledger)
        summary = batch_of(plan, ledger=ledger, mesh=mesh).run()
        assert (summary.done, summary.failed, summary.cancelled) == (len(names), (), 0)
        for name in names:
            made = (tmp_path / "out" / name).read_bytes()
            assert made == blurred((tmp_path / "in" / name).read_bytes())
            states = [change.state for change in ledger.history(tmp_path / "out" / name)]
            assert states == [State.SUBMITTED, State.COMMITTING, State.DONE]
        assert all(content.closed for content in mesh.contents)
    assert not [*(tmp_path / "out").rglob("*.part")]
