"""A program as a launchd agent, or a daemon of the machine. Pure.

Made from launchd.plist(5) and launchctl(1); not run on a Mac. launchd knows no exit codes that
end its trying, so a mistake in the options is tried again each 30 s, and its log says so.
SIGTERM goes to the agent alone; ExitTimeOut is the time until SIGKILL. ProcessType stays what
it is by default: "Background" would slow the agent itself, and slots lower themselves.
"""

import plistlib
from pathlib import Path
from typing import Final

from .program import Host, Program
from .registration import Registration, calls

SYSTEM_FOLDER: Final = Path("/Library/LaunchDaemons")
TRY_AGAIN: Final = 30


def registration(program: Program, host: Host) -> Registration:
    """Return the property list, where it goes, and what launchctl is told."""
    label = _label(program)
    system = program.user is not None
    folder = SYSTEM_FOLDER if system else host.home / "Library" / "LaunchAgents"
    domain = "system" if system else f"gui/{host.uid}"
    file, target = folder / f"{label}.plist", f"{domain}/{label}"
    end = calls("launchctl", ("bootout", target), may_fail=True)
    begin = calls("launchctl", ("enable", target), ("bootstrap", domain, str(file)))
    return Registration(
        manager="launchctl",
        file=file,
        content=property_list(program, host),
        begin=[*end, *begin],
        renew=[*end, *begin],
        end=end,
        hints=[f"how it is:  launchctl print {target}", f"its log:    tail -f {_log(label, host)}"],
    )


def property_list(program: Program, host: Host) -> bytes:
    """Return the property list as XML."""
    label = _label(program)
    log = str(_log(label, host))
    keys: dict[str, object] = {
        "Label": label,
        "ProgramArguments": list(program.command),
        "EnvironmentVariables": dict(program.environment),
        "WorkingDirectory": str(host.home),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": TRY_AGAIN,
        "ExitTimeOut": program.patience,
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }
    if program.user is not None:
        keys["UserName"] = program.user
    return plistlib.dumps(keys, sort_keys=False)


def _label(program: Program) -> str:
    return f"pixmesh.{program.role}"


def _log(label: str, host: Host) -> Path:
    return host.home / "Library" / "Logs" / f"{label}.log"
