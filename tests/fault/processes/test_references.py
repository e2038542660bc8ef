"""Rows 8 and 19 with references: what a recipe takes beside each picture comes late, wrong, or not.

The reference is a logo that is not seen, over pictures that are judged to be what they were: yet
no slot can go on without it.
"""

import time
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from pixmesh.broker.messages import CHUNK_BYTES
from pixmesh.ops.digest import digest_of

from .trial import Trial, at_work

BEFORE = "watermark picture=logo.png opacity=0 | "
SPOILING = """
import pixmesh.node.owner.offered as offered
from pixmesh.node.owner.source import MemorySource
real, left = offered.Offered.find, {times}

class Spoilt(MemorySource):
    def read(self, offset, length):
        data = super().read(offset, length)
        return data[:-1] + bytes([data[-1] ^ 1])

def find(self, token):
    global left
    found = real(self, token)
    if found is None or left <= 0:
        return found
    if {corrupt}:
        left -= 1
        return Spoilt(found._data)
    left -= 1
    return None

offered.Offered.find = find
"""


def logo(folder: Path) -> str:
    """Put a reference of several chunks into a folder; return its digest in hex."""
    pixels = np.random.default_rng(1).integers(0, 256, (500, 600, 3), np.uint8)
    data = cv2.imencode(".png", pixels)[1].tobytes()
    assert len(data) > 3 * CHUNK_BYTES
    (folder / "logo.png").write_bytes(data)
    return digest_of(data).hex()


@pytest.mark.parametrize("corrupt", [True, False], ids=["corrupted", "gone"])
def test_row19_P_a_reference_that_comes_wrong_or_not_is_asked_for_anew(
    trial: Trial, corrupt: bool
) -> None:
    """The attempts that wait for it are given back, and none of them is a picture's failure."""
    trial.pictures(6)
    digest = logo(trial.mesh.folder)
    trial.mesh.broker()
    trial.mesh.nodes("atlas", "borea", slots=1)
    run = trial.begin(before=BEFORE, lines=SPOILING.format(times=2, corrupt=corrupt))
    trial.judge(run)
    back = [fact for fact in trial.facts("ended") if fact.get("end") == "RETURNED"]
    assert {fact["code"] for fact in back} == {"corrupted" if corrupt else "unreachable"}
    assert {fact["digest"] for fact in trial.facts("fetched")} == {digest}


def test_row19_P_a_reference_that_is_gone_from_the_spool_is_fetched_anew(trial: Trial) -> None:
    trial.pictures(4)
    digest = logo(trial.mesh.folder)
    trial.mesh.broker()
    node = trial.mesh.node("atlas", 1)
    trial.judge(trial.begin(before=BEFORE))
    (file,) = (path for path in spool_of(node.pid).glob("*.ref"))
    assert file.name == f"{digest}.ref"
    for slot in node.children():
        slot.kill()  # it has the reference decoded
    file.unlink()
    again = Trial(trial.mesh, trial.histories, "again").pictures(4)
    again.judge(again.begin(before=BEFORE))
    assert len(trial.facts("fetched")) == 2
    assert "no-reference" in {fact["code"] for fact in trial.facts("ended")}


def spool_of(agent: int) -> Path:
    """Return the spool folder of an agent, by the lock that it holds."""
    locks = [Path(one.path) for one in psutil.Process(agent).open_files()]
    (lock,) = (
        path for path in locks if path.name.endswith(".lock") and path.with_suffix("").is_dir()
    )
    return lock.with_suffix("")


def test_row08_P_a_broker_that_starts_anew_is_told_of_references(trial: Trial) -> None:
    """What waits at the owner and at the nodes is done, with the reference fetched once a node."""
    trial.pictures(12)
    logo(trial.mesh.folder)
    first = trial.mesh.broker()
    node, _ = trial.mesh.nodes("atlas", "borea", slots=1)
    run = trial.begin(before=BEFORE, nap=0.5)
    at_work(node, 1)
    since = time.monotonic()
    first.kill()
    trial.mesh.broker()
    trial.judge(run)
    assert trial.facts("assigned")[-1]["at"] > since  # type: ignore[operator]
    fetched = [fact["member"] for fact in trial.facts("fetched")]
    assert len(fetched) == len(set(fetched)) == 2
