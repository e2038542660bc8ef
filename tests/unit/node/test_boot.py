"""What service managers are told: each file says what was meant, whatever stands in it."""

import os
import plistlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmesh.node.boot import launchd, systemd, task_scheduler
from pixmesh.node.boot.program import Host, Program
from pixmesh.node.errors import UsageError

HOST = Host("ann", 501, Path("/home/ann"), Path("/home/ann/.config"))
STATE = {"PIXMESH_STATE": "/a b/%h"}
# All that a command line can carry; its NUL ends a word.
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
TASK = f"{{{task_scheduler.NAMESPACE}}}"


def node(*words: str, user: str | None = None, drain: float = 60.0) -> Program:
    return Program(
        role="node", words=words, environment=STATE, drain=drain, user=user, python="/a b%/python"
    )


def entries(text: str) -> dict[str, str]:
    """Return a unit's settings; what is there twice, as the last one."""
    lines = [line for line in text.split("\n") if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def read_by_systemd(text: str, *, variables: bool) -> list[str]:
    """Read a line's words as systemd.syntax(7) and systemd.service(5) say."""
    words = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', text)
    first, *others = [_unescaped(quoted or plain) for quoted, plain in words]
    first, *others = [_single("%", word) for word in (first, *others)]
    return [first, *(_single("$", word) if variables else word for word in others)]


def _unescaped(word: str) -> str:
    return re.sub(r"\\x(..)|\\(.)", lambda it: chr(int(it[1], 16)) if it[1] else it[2], word)


def _single(sign: str, word: str) -> str:
    """Return a word with doubled signs as single ones; a single one would be replaced."""
    assert word.replace(sign * 2, "").count(sign) == 0, f"a lone {sign} in {word!r}"
    return word.replace(sign * 2, sign)


class TestSystemd:
    @given(st.lists(WORDS, max_size=4))
    def test_reads_the_same_command_as_was_meant(self, words: list[str]) -> None:
        program = node(*words)
        text = systemd.unit(program)
        assert len(text.split("\n")) == len(systemd.unit(node()).split("\n"))
        command = entries(text)["ExecStart"]
        assert tuple(read_by_systemd(command, variables=True)) == program.command

    @given(WORDS)
    def test_reads_the_same_environment_as_was_meant(self, value: str) -> None:
        program = Program(role="node", environment={"PIXMESH_STATE": value})
        written = entries(systemd.unit(program))["Environment"]
        assert read_by_systemd(written, variables=False) == [f"PIXMESH_STATE={value}"]

    @pytest.mark.parametrize("drain", [0.0, 60.0, 61.5, 1e9])
    def test_waits_longer_than_a_drain_before_it_kills(self, drain: float) -> None:
        assert int(entries(systemd.unit(node(drain=drain)))["TimeoutStopSec"]) > drain

    def test_ends_the_agent_and_not_its_slots_and_tries_again_unless_that_is_useless(self) -> None:
        said = entries(systemd.unit(node()))
        assert (said["KillMode"], said["KillSignal"]) == ("mixed", "SIGTERM")
        assert (said["Restart"], said["RestartPreventExitStatus"]) == ("on-failure", "2 4")
        assert said["OOMPolicy"] == "continue"

    def test_for_the_machine_it_names_the_user_and_waits_for_the_network(self) -> None:
        mine, machines = systemd.unit(node()), systemd.unit(node(user="ann"))
        assert "User=" not in mine
        assert entries(machines)["User"] == "ann"
        assert entries(machines)["After"] == "network-online.target"
        assert entries(machines)["WantedBy"] == "multi-user.target"
        assert entries(mine)["WantedBy"] == "default.target"

    @pytest.mark.parametrize("user", [None, "ann"])
    @pytest.mark.parametrize(
        "harmful",
        [
            *("PrivateTmp", "ProtectHome", "PrivateDevices", "ProtectClock", "ProtectProc"),
            *("ProcSubset", "MemoryDenyWriteExecute", "DynamicUser", "Nice"),
        ],
    )
    def test_no_protection_takes_away_what_a_node_needs(
        self, user: str | None, harmful: str
    ) -> None:
        assert harmful not in entries(systemd.unit(node(user=user)))

    def test_each_scope_has_its_folder_and_its_systemctl(self) -> None:
        mine = systemd.registration(node(), HOST)
        machines = systemd.registration(node(user="ann"), HOST)
        assert mine.file == HOST.config / "systemd" / "user" / "pixmesh-node.service"
        assert machines.file == Path("/etc/systemd/system/pixmesh-node.service")
        for one, scoped in ((mine, True), (machines, False)):
            calls = (*one.begin, *one.renew, *one.end, *one.forget)
            assert all(("--user" in call.words) is scoped for call in calls)
        assert any("enable-linger" in hint for hint in mine.hints)
        assert not any("enable-linger" in hint for hint in machines.hints)

    def test_a_program_that_systemd_cannot_start_is_refused(self) -> None:
        with pytest.raises(UsageError, match="systemd cannot start"):
            systemd.unit(Program(role="node", python='/a "b"/python'))

    def test_what_is_not_utf8_is_refused(self) -> None:
        with pytest.raises(UsageError, match="not UTF-8"):
            systemd.unit(node("--name", "a\udcff"))

    @pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
    @pytest.mark.parametrize("user", [None, "ann"])
    def test_systemd_itself_finds_no_mistake(self, user: str | None, tmp_path: Path) -> None:
        file = tmp_path / "pixmesh-node.service"
        odd = 'a "q" \\ $HOME ${X} %h ; \n é'
        program = Program(role="node", words=("--name", odd), environment=STATE, user=user)
        assert program.python == sys.executable
        file.write_text(systemd.unit(program), encoding="utf-8")
        scope = [] if user else ["--user"]
        done = subprocess.run(
            ["systemd-analyze", "verify", *scope, "--man=no", str(file)],  # noqa: S607
            env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


class TestLaunchd:
    def test_reads_the_same_command_and_environment_as_was_meant(self) -> None:
        program = node("--name", "a \"q\" <&> 'é'")
        read = plistlib.loads(launchd.property_list(program, HOST))
        assert tuple(read["ProgramArguments"]) == program.command
        assert read["EnvironmentVariables"] == STATE
        assert read["Label"] == "pixmesh.node"
        assert read["WorkingDirectory"] == str(HOST.home)

    def test_starts_at_login_again_after_failures_and_waits_longer_than_a_drain(self) -> None:
        read = plistlib.loads(launchd.property_list(node(drain=100.0), HOST))
        assert read["RunAtLoad"] is True
        assert read["KeepAlive"] == {"SuccessfulExit": False}
        assert read["ExitTimeOut"] > 100
        assert "UserName" not in read

    def test_a_daemon_of_the_machine_runs_as_the_user(self) -> None:
        program = node(user="ann")
        read = plistlib.loads(launchd.property_list(program, HOST))
        known = launchd.registration(program, HOST)
        assert read["UserName"] == "ann"
        assert known.file == Path("/Library/LaunchDaemons/pixmesh.node.plist")
        assert known.begin[-1].words == ("launchctl", "bootstrap", "system", str(known.file))

    def test_an_agent_is_the_users_and_an_older_one_is_ended_first(self) -> None:
        known = launchd.registration(node(), HOST)
        assert known.file == HOST.home / "Library" / "LaunchAgents" / "pixmesh.node.plist"
        first, *_, last = known.begin
        assert first.words == ("launchctl", "bootout", "gui/501/pixmesh.node")
        assert first.may_fail
        assert last.words == ("launchctl", "bootstrap", "gui/501", str(known.file))


class TestTaskScheduler:
    def read(self, program: Program) -> ET.Element:
        content = task_scheduler.task(program, HOST)
        assert content[:2] in {b"\xff\xfe", b"\xfe\xff"}  # UTF-16, as schtasks reads it
        return ET.fromstring(content)  # noqa: S314  # our own

    def text(self, root: ET.Element, path: str) -> str | None:
        return root.findtext("/".join(TASK + step for step in path.split("/")))

    def test_reads_the_same_command_as_was_meant(self) -> None:
        root = self.read(node("--name", 'a "q" <&> \\'))
        assert self.text(root, "Actions/Exec/Command") == "/a b%/python"
        assert (
            self.text(root, "Actions/Exec/Arguments")
            == r'-P -m pixmesh.tui.cli node --name "a \"q\" <&> \\"'
        )
        assert self.text(root, "Actions/Exec/WorkingDirectory") == str(HOST.home)

    def test_every_element_is_one_of_the_schema_in_its_place(self) -> None:
        """As "Task Scheduler Schema Elements" has them: taskType is a set, execType a sequence."""
        root = self.read(node())
        assert (root.tag, root.get("version")) == (f"{TASK}Task", "1.2")
        children = {child.tag.removeprefix(TASK) for child in root}
        assert children == {"RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"}
        (exec_,) = root.find(f"{TASK}Actions") or []
        order = [child.tag.removeprefix(TASK) for child in exec_]
        assert order == ["Command", "Arguments", "WorkingDirectory"]
        settings = {child.tag.removeprefix(TASK): child.text for child in root[3]}
        assert settings.keys() <= {
            *("AllowStartOnDemand", "RestartOnFailure", "MultipleInstancesPolicy", "Enabled"),
            *("DisallowStartIfOnBatteries", "StopIfGoingOnBatteries", "AllowHardTerminate"),
            *("StartWhenAvailable", "NetworkProfileName", "RunOnlyIfNetworkAvailable", "WakeToRun"),
            *("Hidden", "DeleteExpiredTaskAfter", "IdleSettings", "NetworkSettings"),
            *("RunOnlyIfIdle", "ExecutionTimeLimit", "Priority", "UseUnifiedSchedulingEngine"),
        }
        assert settings["ExecutionTimeLimit"] == "PT0S"  # no limit
        assert 4 <= int(settings["Priority"] or "") <= 6  # normal

    def test_the_principal_is_the_one_who_acts(self) -> None:
        root = self.read(node())
        principal, actions = root[2][0], root[4]
        assert principal.get("id") == actions.get("Context")

    @pytest.mark.parametrize(
        ("user", "trigger", "logon"),
        [(None, "LogonTrigger", "InteractiveToken"), ("ann", "BootTrigger", "S4U")],
    )
    def test_it_starts_at_logon_or_for_the_machine_at_boot(
        self, user: str | None, trigger: str, logon: str
    ) -> None:
        root = self.read(node(user=user))
        assert self.text(root, f"Triggers/{trigger}/Enabled") == "true"
        assert self.text(root, "Principals/Principal/LogonType") == logon

    def test_what_a_task_cannot_carry_is_told(self) -> None:
        known = task_scheduler.registration(node(), HOST)
        assert any("setx PIXMESH_STATE" in hint for hint in known.hints)
        assert str(known.file) in known.begin[0].words
