"""`pixmesh service` does what it says, once, and refuses what could not work at boot.

`systemctl` is a script of these tests that writes down what it is called with.
"""

import getpass
import json
import os
import shlex
import sys
from pathlib import Path

import pytest

from pixmesh.tests.unit.tui.command import Finished, pixmesh

pytestmark = [pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is Linux's")]
UNIT = "pixmesh-node.service"
RELOAD = "--user daemon-reload"
START = f"--user enable --now {UNIT}"


class Machine:
    """A home, and a systemctl that refuses what it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tools, self.home = folder, folder / "tools", folder / "home"
        self.file = self.home / ".config" / "systemd" / "user" / UNIT
        self._called, self._refused = folder / "called", folder / "refused"
        for one in (self.tools, self.home):
            one.mkdir()
        self._refused.write_text("none")
        systemctl = self.tools / "systemctl"
        systemctl.write_text(
            f'#!/bin/sh\necho "$*" >> {shlex.quote(str(self._called))}\n'
            f'case "$*" in *"$(cat {shlex.quote(str(self._refused))})"*) '
            'echo "Failed to connect to bus: No medium found" >&2; exit 1;; esac\n'
        )
        systemctl.chmod(0o755)

    def service(self, *words: str, **extra: str) -> Finished:
        around = {"HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / ".config")}
        around["PATH"] = f"{self.tools}:/usr/bin:/bin"
        return pixmesh("service", *words, folder=self.home, **(around | extra))

    def refuse(self, words: str) -> None:
        self._refused.write_text(words)

    def called(self) -> list[str]:
        """Return what systemctl was called with since the last time."""
        lines = self._called.read_text().splitlines() if self._called.exists() else []
        self._called.unlink(missing_ok=True)
        return lines


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_install_writes_the_unit_and_starts_it_and_says_what_it_did(machine: Machine) -> None:
    done = machine.service("install", "node", "--", "--slots", "4")
    assert (done.code, done.out) == (0, "")
    assert machine.called() == [RELOAD, START]
    text = machine.file.read_text()
    assert text == machine.service("print", "node", "--", "--slots", "4").out
    assert f"ExecStart={sys.executable} -P -m pixmesh.tui.cli node --slots 4\n" in text
    for said in (str(machine.file), "journalctl --user", "loginctl enable-linger"):
        assert said in done.err
    assert os.listdir(machine.file.parent) == [UNIT]  # noqa: PTH208  # dotfiles too
    assert machine.file.stat().st_mode & 0o777 == 0o644


def test_the_same_once_more_changes_nothing_and_another_restarts_it(machine: Machine) -> None:
    machine.service("install")
    machine.called()
    assert "was there already" in machine.service("install", "node").err
    assert machine.called() == [RELOAD, START]
    machine.service("install", "--", "--slots", "3")
    assert machine.called() == [RELOAD, f"--user enable {UNIT}", f"--user restart {UNIT}"]
    assert "--slots 3" in machine.file.read_text()


def test_remove_stops_disables_and_deletes_and_once_more_does_nothing(machine: Machine) -> None:
    machine.service("install")
    machine.called()
    assert machine.service("remove").code == 0
    assert machine.called() == [
        f"--user disable --now {UNIT}",
        RELOAD,
        f"--user reset-failed {UNIT}",
    ]
    assert not machine.file.exists()
    again = machine.service("remove", "node")
    assert (again.code, machine.called()) == (0, [])
    assert "nothing to remove" in again.err


def test_a_refusal_is_told_with_the_way_out_and_the_same_again_mends_it(machine: Machine) -> None:
    machine.refuse("daemon-reload")
    done = machine.service("install")
    assert done.code == 1
    assert "systemctl --user daemon-reload: Failed to connect to bus" in done.err
    assert "log in and run the same again" in done.err
    machine.refuse("none")
    machine.called()
    assert machine.service("install").code == 0
    assert machine.called() == [RELOAD, START]


def test_a_unit_that_cannot_be_stopped_keeps_its_file(machine: Machine) -> None:
    machine.service("install")
    machine.refuse("disable")
    assert machine.service("remove").code == 1
    assert machine.file.exists()


def test_what_failed_before_it_began_to_fail_is_no_error_of_removing(machine: Machine) -> None:
    machine.service("install")
    machine.refuse("reset-failed")
    assert machine.service("remove").code == 0


@pytest.mark.parametrize("what", ["install", "remove"])
def test_without_systemctl_nothing_is_changed_and_print_is_offered(
    machine: Machine, what: str, tmp_path: Path
) -> None:
    if what == "remove":
        machine.service("install")
    before = machine.file.exists()
    done = machine.service(what, PATH=str(tmp_path))
    assert done.code == 2
    assert "there is no systemctl" in done.err
    assert "pixmesh service print" in done.err
    assert machine.file.exists() is before


def test_print_touches_nothing(machine: Machine) -> None:
    done = machine.service("print", "broker", PATH="/nowhere")
    assert done.code == 0
    assert "pixmesh.tui.cli broker" in done.out
    assert "systemctl --user enable --now pixmesh-broker.service" in done.err
    assert not machine.file.parent.exists()


def test_print_as_json_has_the_file_and_what_is_run(machine: Machine) -> None:
    data = json.loads(machine.service("print", "--json").out)
    assert (data["schema"], data["file"]) == (1, str(machine.file))
    assert data["install"][-1] == ["systemctl", *START.split()]
    assert "TimeoutStopSec" in data["content"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("node", "xm1-ticket"), "a ticket does not belong in a service"),
        (("xm1-ticket",), "a ticket does not belong in a service"),
        (("node", "--", "anything"), "a ticket does not belong in a service"),
        (("node", "--", "--name=xm1-ticket"), "a ticket does not belong in a service"),
        (("nod",), "one of up, broker, node"),
        (("node", "--", "--slots", "0"), "slots: 0 is not from 1 to 1024 (flag --slots)"),
        (("node", "--", "--slot", "1"), "--slots"),
        (("broker", "--", "--slots", "1"), "--slots"),
        (("node", "--", "--config", "mine.toml"), "write the whole path: "),
        (("up", "--", "--watch", "match reference=a.png", "/in", "/out"), "the whole path: /"),
        (("--user", "ann"), "--user is for --system"),
        (("--system", "--user", "nobody-of-that-name"), "there is no user"),
    ],
)
def test_what_could_not_work_at_boot_is_refused_now(
    machine: Machine, words: tuple[str, ...], says: str
) -> None:
    done = machine.service("install", *words)
    assert (done.code, done.out, machine.called()) == (2, "", [])
    assert says in done.err
    assert not machine.file.exists()


def test_a_service_of_the_machine_is_not_roots_unless_that_is_said(machine: Machine) -> None:
    me = getpass.getuser()
    done = machine.service("print", "--system", SUDO_USER="")
    assert (done.code == 2) is (me == "root")
    named = machine.service("print", "--system", "--user", me)
    assert f"\nUser={me}\n" in named.out
    assert "XDG_CONFIG_HOME" not in named.out
    assert "/etc/systemd/system/pixmesh-node.service" in named.err


def test_folders_that_the_environment_names_are_carried_whole(machine: Machine) -> None:
    out = machine.service("print", PIXMESH_STATE="my state").out
    assert f'\nEnvironment="PIXMESH_STATE={machine.home / "my state"}"\n' in out


def test_the_time_to_end_follows_the_drain_that_the_service_will_see(machine: Machine) -> None:
    config = machine.home / ".config" / "pixmesh" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("drain = 200")
    assert "\nTimeoutStopSec=215\n" in machine.service("print").out
    assert "\nTimeoutStopSec=45\n" in machine.service("print", "--", "--drain", "30").out
    assert "\nTimeoutStopSec=15\n" in machine.service("print", "broker").out


def test_settings_of_this_shell_that_it_will_not_see_are_named(machine: Machine) -> None:
    done = machine.service("print", PIXMESH_SLOTS="7", PIXMESH_MAX_LOAD="0.5")
    assert "slots = 7 (environment PIXMESH_SLOTS)" in done.err
    assert "max-load = 0.5 (environment PIXMESH_MAX_LOAD)" in done.err
    flagged = machine.service("print", "--", "--slots", "3", PIXMESH_SLOTS="7")
    assert "slots = 7" not in flagged.err


def test_a_broker_and_a_file_named_before_are_the_services_too(machine: Machine) -> None:
    (machine.home / "mine.toml").write_text("slots = 2")
    out = machine.service("print", "--broker", "studio", "--config", "mine.toml").out
    assert f"node --broker studio --config {machine.home / 'mine.toml'}\n" in out
