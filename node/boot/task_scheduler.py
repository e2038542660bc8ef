"""A program as a task of Windows' Task Scheduler. Pure.

Made from the documented schema (Task Scheduler Schema, version 1.2); not run on Windows. A task
has no environment of its own, and knows neither exit codes that end its trying nor a signal to
drain: ending it kills it, and what it had goes to other nodes. For a user it starts at logon, in
a console window; for the machine at boot, without a password ("S4U"), which asks for an
administrator.
"""

import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Final

from .program import Host, Program
from .registration import Registration, calls

NAMESPACE: Final = "http://schemas.microsoft.com/windows/2004/02/mit/task"
NORMAL_PRIORITY: Final = "5"  # the default, 7, is below normal: slots lower themselves

Tree = Mapping[str, "Tree | str"]

_SETTINGS: Final[Tree] = {
    "MultipleInstancesPolicy": "IgnoreNew",
    "DisallowStartIfOnBatteries": "false",
    "StopIfGoingOnBatteries": "false",
    "StartWhenAvailable": "true",
    "ExecutionTimeLimit": "PT0S",
    "Priority": NORMAL_PRIORITY,
    "RestartOnFailure": {"Interval": "PT1M", "Count": "255"},
}


def registration(program: Program, host: Host) -> Registration:
    """Return the task, where its file is kept, and what schtasks is told."""
    name = f"\\pixmesh\\{program.role}"
    file = host.config / "pixmesh" / "boot" / f"{program.role}.xml"
    stop = calls("schtasks", ("/end", "/tn", name), may_fail=True)
    start = calls(
        "schtasks", ("/create", "/f", "/tn", name, "/xml", str(file)), ("/run", "/tn", name)
    )
    carried = [f"setx {variable} {value}" for variable, value in program.environment.items()]
    return Registration(
        manager="schtasks",
        file=file,
        content=task(program, host),
        begin=start,
        renew=[*stop, *start],
        end=[*stop, *calls("schtasks", ("/delete", "/f", "/tn", name), may_fail=True)],
        hints=[
            f"how it is:  schtasks /query /v /fo list /tn {name}",
            *(f"a task has no environment of its own; if you have not: {one}" for one in carried),
        ],
    )


def task(program: Program, host: Host) -> bytes:
    """Return the task as XML in UTF-16, which is what schtasks reads."""
    python, *words = program.command
    at_boot = program.user is not None
    tree: Tree = {
        "RegistrationInfo": {"Description": program.about},
        "Triggers": _trigger(at_boot, host),
        "Principals": {
            "Principal": {
                "UserId": host.user,
                "LogonType": "S4U" if at_boot else "InteractiveToken",
                "RunLevel": "LeastPrivilege",
            }
        },
        "Settings": _SETTINGS,
        "Actions": {
            "Exec": {
                "Command": python,
                "Arguments": subprocess.list2cmdline(words),
                "WorkingDirectory": str(host.home),
            }
        },
    }
    root = ET.Element("Task", {"version": "1.2", "xmlns": NAMESPACE})
    _grow(root, tree)
    root.find("Principals/Principal").set("id", "Author")  # type: ignore[union-attr]
    root.find("Actions").set("Context", "Author")  # type: ignore[union-attr]
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-16", xml_declaration=True)
    return written


def _trigger(at_boot: bool, host: Host) -> Tree:
    if at_boot:
        return {"BootTrigger": {"Enabled": "true"}}
    return {"LogonTrigger": {"Enabled": "true", "UserId": host.user}}


def _grow(parent: ET.Element, tree: Tree) -> None:
    for name, content in tree.items():
        child = ET.SubElement(parent, name)
        if isinstance(content, str):
            child.text = content
        else:
            _grow(child, content)
