"""A program as a systemd unit. Pure.

Of what systemd offers, this is chosen:

ending      SIGTERM goes to the agent alone, which drains; its slots are killed only when it
            is gone or late (KillMode=mixed). It has the drain's seconds and some more.
failing     tried again for ever, since a broker may be away for a night; not after exit 2 or 4,
            which another try does not change (usage, not authorised).
memory      a slot that the kernel kills for memory costs that slot: without OOMPolicy=continue
            systemd would then end the whole node.
protection  what takes nothing from it. Not PrivateTmp: owners on this machine reach pixels in
            the node's spool there. Not ProtectHome: keys and ledger are at home, and `up`
            writes people's folders. Not PrivateDevices, ProtectClock: they hide GPUs. Not
            ProtectProc, ProcSubset: load is read from /proc. Not MemoryDenyWriteExecute:
            libraries compile. A user's manager can mount nothing without user namespaces, in
            which root's files look like a stranger's: there, only what needs no mount.
            Lowering one's own priority is always allowed.
"""

import re
from pathlib import Path
from typing import Final

from ..errors import UsageError
from .program import Host, Program
from .registration import Registration, calls

SYSTEM_FOLDER: Final = Path("/etc/systemd/system")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:=@,+-]+")
_NO_PATH: Final = re.compile(r"[\"'\\$\x00-\x1f\x7f]")

_ALWAYS: Final = """\
Restart=on-failure
RestartSec=10
RestartPreventExitStatus=2 4
SuccessExitStatus=143
KillMode=mixed
KillSignal=SIGTERM
OOMPolicy=continue
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
"""
_OF_THE_SYSTEM: Final = """\
ProtectSystem=full
ProtectControlGroups=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
"""
_ONLINE: Final = "Wants=network-online.target\nAfter=network-online.target\n"


def registration(program: Program, host: Host) -> Registration:
    """Return the unit, where it goes, and what systemctl is told. Raises UsageError."""
    name = f"pixmesh-{program.role}.service"
    system = program.user is not None
    folder = SYSTEM_FOLDER if system else host.config / "systemd" / "user"
    scope = () if system else ("--user",)
    reload = (*scope, "daemon-reload")
    return Registration(
        manager="systemctl",
        file=folder / name,
        content=unit(program).encode(),
        begin=calls("systemctl", reload, (*scope, "enable", "--now", name)),
        renew=calls("systemctl", reload, (*scope, "enable", name), (*scope, "restart", name)),
        end=calls("systemctl", (*scope, "disable", "--now", name)),
        forget=[
            *calls("systemctl", reload),
            # One that had failed would be listed until the next boot.
            *calls("systemctl", (*scope, "reset-failed", name), may_fail=True),
        ],
        hints=_hints(name, " ".join((*scope, "")), system),
    )


def unit(program: Program) -> str:
    """Return the unit's text. Raises UsageError for what cannot be written in one."""
    system = program.user is not None
    environment = "".join(
        f"Environment={_quoted(f'{name}={value}')}\n" for name, value in program.environment.items()
    )
    return (
        f"# Made by 'pixmesh service install {program.role}'; the same command makes it anew.\n"
        f"[Unit]\nDescription={_percent(program.about)}\nStartLimitIntervalSec=0\n"
        f"{_ONLINE if system else ''}"
        f"\n[Service]\nType=exec\nExecStart={_command(program)}\nWorkingDirectory=~\n"
        f"{f'User={program.user}' + chr(10) if system else ''}"
        f"{environment}"
        f"# More than the setting 'drain' ({program.drain:g} s): what runs is finished first.\n"
        f"TimeoutStopSec={program.patience}\n"
        f"{_ALWAYS}{_OF_THE_SYSTEM if system else ''}"
        f"\n[Install]\nWantedBy={'multi-user' if system else 'default'}.target\n"
    )


def _command(program: Program) -> str:
    path, *words = program.command
    if _NO_PATH.search(path):
        raise UsageError(
            f"systemd cannot start {path!r}: a program's path must be without quotes,"
            " backslashes, dollars and control characters",
            remedy="install pixmesh in a folder with a plainer name",
        )
    return " ".join([_quoted(path), *(_quoted(word).replace("$", "$$") for word in words)])


def _quoted(text: str) -> str:
    """Write one word as systemd reads it: C's escapes between quotes, percents doubled."""
    if _PLAIN.fullmatch(text):
        return text
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{text!r} cannot be written into a unit: it is not UTF-8",
            remedy="give the file or folder another name",
        ) from error
    return f'"{_percent("".join(map(_escaped, text)))}"'


def _escaped(one: str) -> str:
    if one in '"\\':
        return f"\\{one}"
    return one if one >= " " and one != "\x7f" else f"\\x{ord(one):02x}"


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def _hints(name: str, scope: str, system: bool) -> list[str]:
    state, log = f"systemctl {scope}status {name}", f"journalctl {scope}-f -u {name}"
    hints = [f"how it is:  {state}", f"its log:    {log}"]
    if not system:
        hints.append(
            "it runs while you are logged in; to start at boot and stay: loginctl enable-linger"
        )
    return hints
