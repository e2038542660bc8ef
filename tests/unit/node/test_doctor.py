"""The doctor judges: facts in, a verdict, words and the fix out."""

import threading
from pathlib import Path, PurePosixPath

import pytest

from pixmesh.broker.interfaces import Choice, Interface
from pixmesh.broker.views import Snapshot
from pixmesh.node.doctor import links, machine, survey
from pixmesh.node.doctor.aim import Aim, Known
from pixmesh.node.doctor.bounded import all_bounded
from pixmesh.node.doctor.finding import Finding, Verdict
from pixmesh.node.doctor.machine import Disk, Mount
from pixmesh.node.doctor.probe import Answer, Discovered, Looked
from pixmesh.node.errors import NotAuthorised, OtherVersion
from pixmesh.node.net.address import Address
from pixmesh.node.net.dial import Tried, Why
from pixmesh.node.weights import WeightsCache
from pixmesh.ops.weights import YUNET

ADDRESS = Address(host="10.0.0.1", port=7710, key=b"k" * 40, origin="last good address")
OTHER = Address(host="10.0.0.2", port=7710, key=b"k" * 40)
MOUNTS = r"""
/dev/sda1 / ext4 rw 0 0
nas:/photos /mnt/my\040photos nfs4 rw 0 0
tmpfs /mnt tmpfs rw 0 0
me@pi:/ /home/me/pi fuse.sshfs rw 0 0
/dev/sdb1 /home/me/ntfs fuseblk rw 0 0
"""


def snapshot(version: str = "1.0", wall: float = 0.0) -> Snapshot:
    return Snapshot(
        schema=1,
        broker="",
        version=version,
        uptime=1,
        nodes=(),
        batches=(),
        owners=0,
        limited_by="",
        wall=wall,
    )


def expect(found: Finding, verdict: Verdict, *says: str) -> None:
    assert found.verdict is verdict, found
    assert bool(found.fix) is (verdict is not Verdict.OK), found
    text = f"{found.what}\n{found.fix}"
    assert [one for one in says if one not in text] == [], found


def judged(
    *tried: Tried, discovered: Discovered | None = None
) -> dict[tuple[str, Verdict], Finding]:
    looked = Looked(Aim(Known.NONE), tried, discovered)
    return {(one.name, one.verdict): one for one in links.judge(looked, "1.0")}


# ---- the mesh ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "fix"),
    [
        (Why.REFUSED, "pixmesh up"),
        (Why.TIMED_OUT, "7710 and 7711"),
        (Why.NO_WAY, "one network"),
        (Why.UNKNOWN_HOST, "IP address"),
    ],
)
def test_an_address_that_is_not_reached_fails_unless_another_lets_in(why: Why, fix: str) -> None:
    alone = judged(Tried(ADDRESS, why))
    expect(alone["TCP", Verdict.FAIL], Verdict.FAIL, "10.0.0.1:7710", str(why), fix)
    beside = judged(Tried(ADDRESS, why), Tried(OTHER, Why.OPEN))
    expect(beside["TCP", Verdict.WARN], Verdict.WARN, "10.0.0.1:7710", fix)
    assert ("TCP", Verdict.FAIL) not in beside


@pytest.mark.parametrize(
    ("why", "fix"),
    [
        (Why.WRONG_KEY, "somebody else"),
        (Why.NOT_APPROVED, "pixmesh ticket new"),
        (Why.SILENT, "frozen"),
    ],
)
def test_a_door_that_stays_closed_takes_connections_all_the_same(why: Why, fix: str) -> None:
    found = judged(Tried(ADDRESS, why))
    assert ("TCP", Verdict.OK) in found
    expect(found["CURVE", Verdict.FAIL], Verdict.FAIL, str(why), fix)


def test_every_reason_that_there_is_has_a_fix() -> None:
    known = {*links.TCP_FIXES, *links.CURVE_FIXES, Why.OPEN}
    assert set(Why) == known


def test_without_an_answer_on_the_lan_the_way_round_is_the_address_that_lets_in() -> None:
    found = judged(Tried(OTHER, Why.OPEN), discovered=Discovered(("eth0",)))
    expect(found["discovery", Verdict.WARN], Verdict.WARN, "eth0", "--broker 10.0.0.2", "UDP")


def test_protocols_that_differ_fail_and_versions_that_differ_warn() -> None:
    expect(links.judge_version("1.0", "1.0"), Verdict.OK)
    expect(links.judge_version("1.1", "1.0"), Verdict.WARN, "1.0 here", "1.1 at", "the same")
    other = OtherVersion("protocol 7 is spoken there, 1-1 here")
    (found,) = links.judge_answer(Answer("x", None, other, 0, 0), "1.0")
    expect(found, Verdict.FAIL, "protocol 7", "1-1 here", "pixmesh 1.0", "the same pixmesh")
    (found,) = links.judge_answer(Answer("x", None, NotAuthorised("no", remedy="x"), 0, 0), "1.0")
    expect(found, Verdict.FAIL, "no", "x")


@pytest.mark.parametrize(
    ("wall", "before", "after", "verdict", "says"),
    [
        (100.0, 100.0, 100.2, Verdict.OK, "within 0.2 s"),
        (102.0, 100.0, 100.0, Verdict.OK, ""),
        (102.1, 100.0, 100.0, Verdict.WARN, "2 s behind"),
        (97.0, 100.0, 100.0, Verdict.WARN, "3 s ahead of"),
        (103.0, 100.0, 102.0, Verdict.OK, ""),
        (104.1, 100.0, 102.0, Verdict.WARN, "behind"),
    ],
)
def test_clocks_may_differ_by_two_seconds_beside_half_of_the_round_trip(
    wall: float, before: float, after: float, verdict: Verdict, says: str
) -> None:
    expect(links.judge_clock(snapshot(wall=wall), before, after), verdict, says)


# ---- this machine -----------------------------------------------------------------------


def test_a_disk_is_well_with_a_gigabyte_and_fails_where_nothing_can_be_written() -> None:
    expect(machine.judge_disk(Disk("state", "/s", 10**9)), Verdict.OK, "1.0 GB")
    expect(machine.judge_disk(Disk("state", "/s", 10**9 - 1)), Verdict.WARN, "PIXMESH_STATE")
    full = Disk("spool", "/t", error="no space left on device")
    expect(machine.judge_disk(full), Verdict.FAIL, "/t", "no space left", "TMPDIR")


@pytest.mark.parametrize(
    ("folder", "kind", "remote"),
    [
        ("/var", "ext4", False),
        ("/mnt/my photos/2024", "nfs4", True),
        ("/mnt/my", "tmpfs", False),
        ("/home/me/pi", "fuse.sshfs", True),
        ("/home/me/pictures", "ext4", False),
        ("/home/me/ntfs/x", "fuseblk", False),
    ],
)
def test_a_folder_is_on_the_innermost_mount(folder: str, kind: str, remote: bool) -> None:
    mount = machine.mount_of(PurePosixPath(folder), machine.mounts_in(MOUNTS))
    assert mount is not None
    assert (mount.kind, mount.is_remote) == (kind, remote)
    verdict = Verdict.WARN if remote else Verdict.OK
    expect(machine.judge_mount(folder, mount), verdict, *(["polled"] if remote else []))


def test_of_two_mounts_at_one_place_the_later_hides_the_earlier() -> None:
    two = [Mount("/", "ext4"), Mount("/a", "ext4"), Mount("/a", "cifs")]
    assert machine.mount_of(PurePosixPath("/a/b"), two) == two[2]


def test_slots_are_judged_by_cores_and_by_memory() -> None:
    expect(machine.judge_slots(2, 2), Verdict.OK)
    expect(machine.judge_slots(3, 2), Verdict.WARN, "--slots 2")
    expect(machine.judge_memory(2, 2 * machine.TYPICAL), Verdict.OK)
    expect(machine.judge_memory(3, 3 * machine.TYPICAL - 1), Verdict.WARN, "--slots 2", "350 MB")
    expect(machine.judge_memory(1, 0), Verdict.WARN, "--slots 1")


def test_weights_are_told_and_damaged_ones_are_to_be_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    none = machine.judge_models(*survey.models())
    expect(none, Verdict.OK)
    assert none.what.startswith("no weights are here")
    place = WeightsCache.open().folder / "yunet"
    place.mkdir(parents=True)
    (place / YUNET.files[0].name).write_bytes(b"damaged")
    expect(machine.judge_models(*survey.models()), Verdict.WARN, "pixmesh models pull")
    assert "yunet, u2net" in machine.judge_models(["yunet", "u2net"], []).what


def test_few_open_files_are_a_warning() -> None:
    expect(machine.judge_files(1024), Verdict.OK)
    expect(machine.judge_files(1023), Verdict.WARN, "ulimit")


def test_interfaces_are_named_with_those_that_are_left_out() -> None:
    lan = Interface("eth0", ("10.0.0.1",))
    skipped = (("docker0", "looks virtual"),)
    some = machine.judge_interfaces(Choice((lan,), skipped), bound=False)
    expect(some, Verdict.OK, "eth0 (10.0.0.1)", "docker0 (looks virtual)", "--bind")
    none = machine.judge_interfaces(Choice((), skipped), bound=False)
    expect(none, Verdict.WARN, "none leads to a LAN", "--bind docker0")
    wrong = machine.judge_interfaces(Choice((lan,)), bound=True, error="no interface x")
    expect(wrong, Verdict.FAIL, "no interface x", "--bind")


# ---- what hangs -------------------------------------------------------------------------


def test_a_look_that_hangs_is_left_alone_and_the_others_are_had() -> None:
    release = threading.Event()
    try:
        assert all_bounded([release.wait, lambda: True], 0.05) == [None, True]
    finally:
        release.set()
