"""The doctor on real set-ups: what is broken is named, and what it says mends it.

Where a mesh was joined it asks on the LAN: so only on hosts that are namespaces.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixmesh.broker.keys import KeyPair
from pixmesh.tests.integration.test_joining import OTHER_VERSION
from pixmesh.tests.support.lan.host import Host
from pixmesh.tests.support.lan.lan import Lan
from pixmesh.tests.support.meshes import COMMAND, Member, RealMesh
from pixmesh.tests.unit.tui.command import Finished, pixmesh

SOON = 10.0
KEPT_BACK = 4096

Line = tuple[str, str, str]


def verdicts(done: Finished) -> list[Line]:
    """Return what was found: verdict, name and the rest, its fix included."""
    found: list[Line] = []
    for line in done.out.splitlines():
        if line.startswith("      "):
            word, name, what = found.pop()
            found.append((word, name, f"{what}\n{line.strip()}"))
        else:
            found.append((line[:4].strip(), line[6:18].strip(), line[20:]))
    return found


def expect(done: Finished, verdict: str, name: str, *says: str) -> None:
    """Demand a line of that verdict that says all this, and no traceback."""
    assert "Traceback" not in done.err
    texts = [text for word, of, text in verdicts(done) if (word, of) == (verdict, name)]
    assert any(all(one in text for one in says) for text in texts), done.out + done.err


def failing(done: Finished) -> set[str]:
    """Return the names of the checks that failed; the exit code must fit."""
    names = {name for word, name, _ in verdicts(done) if word == "FAIL"}
    assert done.code == int(bool(names)), done.out + done.err
    return names


@pytest.fixture
def joined(lan: Lan) -> tuple[Host, Host, Member]:
    """A broker at atlas, and pi4 that has joined it and submits only: that is quick."""
    atlas, pi4 = lan.hosts["atlas"], lan.hosts["pi4"]
    broker = atlas.broker(7710)
    line = atlas.run("ticket", "new", "--role", "submit").out.split()[-1]
    done = pi4.run("node", line)
    assert done.code == 0, done.err
    return atlas, pi4, broker


# ---- this machine alone -----------------------------------------------------------------


def test_a_machine_without_a_mesh_is_well_and_asks_nobody(tmp_path: Path) -> None:
    done = pixmesh("doctor", str(tmp_path), folder=tmp_path)
    assert failing(done) == set()
    expect(done, "ok", "mesh", "none")
    expect(done, "ok", "state folder", "yours alone")
    told = json.loads(pixmesh("doctor", "--json", folder=tmp_path).out)
    assert told["schema"] == 1
    assert {frozenset(one) for one in told["checks"]} == {
        frozenset({"name", "verdict", "what", "fix"})
    }
    assert "discovery" not in {one["name"] for one in told["checks"]}


def test_a_state_folder_that_others_can_read_fails_with_chmod(
    tmp_path: Path, state_folder: Path
) -> None:
    state_folder.chmod(0o755)
    done = pixmesh("doctor", folder=tmp_path)
    assert failing(done) == {"state folder"}
    expect(done, "FAIL", "state folder", "can be read by others", f"chmod 700 {state_folder}")
    state_folder.chmod(0o700)
    assert failing(pixmesh("doctor", folder=tmp_path)) == set()


def test_settings_that_cannot_be_read_fail_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "pixmesh.toml").write_text('slots = "many"\n')
    done = pixmesh("doctor", folder=tmp_path)
    assert failing(done) == {"settings"}
    expect(done, "FAIL", "settings", "slots", "pixmesh.toml", "config show --origin")
    expect(done, "ok", "spool disk")


@contextlib.contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Mount a disk of a few kilobytes, full; skipped where that is not allowed."""
    if os.name != "posix" or os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root can mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(KEPT_BACK))
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_under_the_state_folder_fails(tmp_path: Path, state_folder: Path) -> None:
    with full_disk(state_folder):
        done = pixmesh("doctor", folder=tmp_path)
    assert "state disk" in failing(done)
    expect(done, "FAIL", "state disk", "no space left on device", "make room", "PIXMESH_STATE")


def test_ones_own_broker_is_well(mesh: RealMesh) -> None:
    mesh.broker()
    done = pixmesh("doctor", folder=mesh.folder)
    assert failing(done) == set()
    for name, says in (("mesh", "of yours runs"), ("TCP", "127.0.0.1"), ("relay", "127.0.0.1")):
        expect(done, "ok", name, says)
    expect(done, "ok", "version", "here and at the broker")


def test_ones_own_broker_that_is_frozen_fails(mesh: RealMesh) -> None:
    broker = mesh.broker()
    broker.tell(signal.SIGSTOP)
    done = pixmesh("doctor", folder=mesh.folder)
    broker.tell(signal.SIGCONT)
    assert failing(done) == {"broker"}
    expect(done, "FAIL", "broker", "no broker answers", "end its process", "pixmesh up")


@pytest.mark.parametrize(
    "text", ["{", '{"broker":"x","name":"a","key":"a","roles":[],"places":[]}']
)
def test_a_damaged_membership_fails(tmp_path: Path, state_folder: Path, text: str) -> None:
    (state_folder / "mesh.json").write_text(text)
    done = pixmesh("doctor", folder=tmp_path)
    assert failing(done) == {"mesh"}
    expect(done, "FAIL", "mesh", str(state_folder / "mesh.json"), "remove", "join again")


# ---- a mesh that was joined -------------------------------------------------------------


def test_a_machine_that_joined_is_well(joined: tuple[Host, Host, Member]) -> None:
    _, pi4, _ = joined
    done = pi4.run("doctor")
    assert failing(done) == set()
    expect(done, "ok", "mesh", "the mesh of atlas as pi4")
    expect(done, "ok", "TCP", "10.77.0.1:7710")
    expect(done, "ok", "CURVE", "lets ours in")
    expect(done, "ok", "discovery", "10.77.0.1:7710")
    expect(done, "ok", "relay", "10.77.0.1:7711")
    expect(done, "ok", "clock")


def test_a_broker_that_does_not_run_is_refused_and_told_to_be_started(
    joined: tuple[Host, Host, Member],
) -> None:
    _, pi4, broker = joined
    broker.tell(15)
    assert broker.code() == 0
    done = pi4.run("doctor")
    assert failing(done) == {"TCP"}
    expect(done, "FAIL", "TCP", "10.77.0.1:7710", "connection refused", "pixmesh up")


def test_another_key_than_the_pinned_one_is_the_wrong_key(
    joined: tuple[Host, Host, Member],
) -> None:
    _, pi4, _ = joined
    pinned = pi4.home / "state" / "mesh.json"
    facts = json.loads(pinned.read_text())
    pinned.write_text(json.dumps(facts | {"broker": KeyPair.fresh().public.decode()}))
    done = pi4.run("doctor")
    assert failing(done) == {"CURVE"}
    expect(done, "FAIL", "CURVE", "wrong key", "pixmesh ticket new")


def test_a_forgotten_machine_is_not_approved_and_shown_to_nobody(
    joined: tuple[Host, Host, Member],
) -> None:
    atlas, pi4, _ = joined
    assert atlas.run("nodes", "forget", "pi4").code == 0
    done = pi4.run("doctor")
    assert failing(done) == {"CURVE"}
    expect(done, "FAIL", "CURVE", "not approved", "pixmesh ticket new", "paste")
    assert atlas.status().waiting == ()


def test_where_nobody_can_be_asked_it_warns_and_names_the_way_round(
    lan: Lan, joined: tuple[Host, Host, Member]
) -> None:
    """That way is then without a warning."""
    _, pi4, _ = joined
    lan.stop_broadcasts()
    done = pi4.run("doctor")
    assert failing(done) == set()
    expect(done, "warn", "discovery", "does not answer", "--broker 10.77.0.1")
    named = pi4.run("doctor", "--broker", "10.77.0.1")
    assert failing(named) == set()
    expect(named, "ok", "CURVE", "10.77.0.1:7710")
    shutil.rmtree(pi4.home / "state")
    stranger = pi4.run("doctor", "--broker", "10.77.0.1")
    assert failing(stranger) == {"mesh"}
    expect(stranger, "FAIL", "mesh", "not known here", "pixmesh ticket new")
    expect(stranger, "ok", "TCP", "10.77.0.1:7710")


def test_a_broker_that_has_moved_is_found_where_it_is(joined: tuple[Host, Host, Member]) -> None:
    atlas, pi4, _ = joined
    atlas.change_address("10.77.0.77/24")
    done = pi4.run("doctor")
    assert failing(done) == set()
    expect(done, "warn", "TCP", "10.77.0.1:7710")
    expect(done, "ok", "CURVE", "10.77.0.77:7710")


def test_a_closed_relay_port_fails_and_is_named(joined: tuple[Host, Host, Member]) -> None:
    atlas, pi4, _ = joined
    atlas.close_ports("tcp", 7711)
    done = pi4.run("doctor")
    assert failing(done) == {"relay"}
    expect(done, "FAIL", "relay", "10.77.0.1:7711", "timed out", "let TCP port 7711 in")


def test_nothing_hangs_where_nobody_is_reached(joined: tuple[Host, Host, Member]) -> None:
    """Neither a machine that is off, nor names that nobody resolves."""
    atlas, pi4, _ = joined
    atlas.close_ports("tcp", 7710, 7711)
    atlas.close_ports("udp", 7710)
    pinned = pi4.home / "state" / "mesh.json"
    facts = json.loads(pinned.read_text())
    places = [["10.77.0.1", 7710], ["10.77.0.99", 7710], ["studio.invalid", 7710]]
    pinned.write_text(json.dumps(facts | {"places": places}))
    began = time.monotonic()
    done = run_at(pi4, "env", "RES_OPTIONS=timeout:30", *COMMAND, "doctor")
    assert time.monotonic() - began < SOON
    assert failing(done) == {"TCP"}
    expect(done, "FAIL", "TCP", "10.77.0.1:7710", "timed out", "firewall", "7711")
    expect(done, "FAIL", "TCP", "studio.invalid", "unknown host", "IP address")


def test_another_version_fails_and_both_are_named(joined: tuple[Host, Host, Member]) -> None:
    _, pi4, _ = joined
    done = run_at(pi4, COMMAND[0], "-P", "-c", OTHER_VERSION, "doctor")
    assert failing(done) == {"version"}
    expect(done, "FAIL", "version", "protocol 1", "7-7 here", "install the same pixmesh")


def test_a_clock_that_is_wrong_is_a_warning_only(joined: tuple[Host, Host, Member]) -> None:
    _, pi4, _ = joined
    if shutil.which("faketime") is None:
        pytest.skip("no faketime here: install faketime")
    real = ("env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1")
    done = run_at(pi4, *real, "faketime", "-f", "+1h", *COMMAND, "doctor")
    assert failing(done) == set()
    expect(done, "warn", "clock", "3600 s ahead of", "only times in logs", "NTP")


def run_at(host: Host, *words: str) -> Finished:
    """Run any command at a host to its end."""
    done = subprocess.run(
        host.space.within(*words),
        cwd=host.folder,
        env=host.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)
