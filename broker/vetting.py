"""Whether who says HELLO may come in as what it says it is. Pure.

Judged by the key that its connection proved, never by its word alone; that another process
has the same key is a matter of sessions.
"""

from typing import TYPE_CHECKING

from msgspec import structs

from . import wire
from .members import EVERYTHING, NODE, SUBMIT
from .messages import Error, Hello
from .names import is_name
from .sessions import Session

if TYPE_CHECKING:
    from .admission import Admission

ROLES = {"node": NODE, "owner": SUBMIT}
FORGOTTEN = Error(
    code="forgotten",
    text="this machine's key is no member's any more",
    remedy="join again: 'pixmesh ticket new' on the broker's machine makes a ticket",
)


def as_registered(hello: Hello, admission: "Admission | None") -> Hello:
    """Return who is there under the name that its key was let in under."""
    name = admission.name_of(hello.key, hello.role) if admission is not None else None
    return hello if name is None else structs.replace(hello, name=name)


def why_not(hello: Hello, proved: bytes | None, admission: "Admission | None") -> Error | None:
    """Return why it cannot come in, or None. ``proved`` is None at the local door."""
    if hello.lowest > wire.HIGHEST_VERSION or hello.highest < wire.LOWEST_VERSION:
        return Error(
            code="version",
            text=f"{hello.name} speaks protocol {hello.lowest}-{hello.highest}, "
            f"this broker {wire.LOWEST_VERSION}-{wire.HIGHEST_VERSION}",
            remedy="install the same pixmesh on both",
        )
    if hello.role not in ROLES:
        return Error(code="role", text=f"no member is a {hello.role!r}")
    if not is_name(hello.name):
        return Error(
            code="name",
            text=f"{hello.name!r} is no name of letters, digits, dots and dashes",
            remedy="start it with another --name",
        )
    if proved is None:
        return None
    if hello.key != proved:
        return Error(code="identity", text="HELLO names another key than the connection's")
    return _not_allowed(hello, admission.roles(hello.key) if admission else EVERYTHING)


def duplicate(old: Session) -> Error:
    """Return what a second process with the key of one that is there is told."""
    return Error(
        code="duplicate",
        text=f"duplicate identity: {old.hello.role} {old.hello.name} is connected already, "
        "with the same key",
        remedy="end the other process, or give this one another --name; where a key "
        "folder was copied, remove the copy and join with a ticket of its own",
    )


def _not_allowed(hello: Hello, roles: frozenset[str]) -> Error | None:
    if not roles:
        return FORGOTTEN
    if ROLES[hello.role] in roles:
        return None
    return Error(
        code="role",
        text=f"{hello.name} may not come as {hello.role}; its roles: {', '.join(sorted(roles))}",
        remedy="join with another ticket: 'pixmesh ticket new --role node --role submit'",
    )
