"""The mesh, judged: each address, the keys, discovery, the relay, versions, clocks. Pure."""

from collections.abc import Iterator
from typing import Final

from ...broker.beacon import PORT
from ...broker.views import Snapshot
from ..errors import MeshUnreachable, OtherVersion
from ..net.dial import Tried, Why
from .aim import Aim, Known
from .finding import Finding, fail, ok, warn
from .probe import Answer, Discovered, Looked

MOST_SKEW: Final = 2.0
CURVE: Final = frozenset({Why.OPEN, Why.WRONG_KEY, Why.NOT_APPROVED, Why.SILENT})
NEW_TICKET: Final = (
    "on the broker's machine: pixmesh ticket new; then paste here the line that it prints"
)
SAME_VERSION: Final = (
    "install the same pixmesh on both machines: 'pixmesh up' on the broker's prints how"
)
OWN_FROZEN: Final = (
    "it runs and does not answer: end its process (broker.json in the state folder has the pid), "
    "and start it again with 'pixmesh up'"
)
TCP_FIXES: Final = {
    Why.REFUSED: "nothing listens there: start it on that machine with 'pixmesh up' or "
    "'pixmesh broker'; if it is elsewhere, name it with --broker HOST[:PORT]",
    Why.TIMED_OUT: "see that the machine is on and on this network, and that its firewall lets "
    "TCP ports {port} and {relay} in",
    Why.NO_WAY: "connect both machines to one network, or name another of the broker's "
    "addresses with --broker HOST[:PORT]",
    Why.UNKNOWN_HOST: "mend the name, or give the broker's IP address with --broker HOST[:PORT]",
}
CURVE_FIXES: Final = {
    Why.WRONG_KEY: f"if the broker was set up anew, {NEW_TICKET}; if not, somebody else answers "
    "at its address",
    Why.NOT_APPROVED: NEW_TICKET,
    Why.SILENT: "what listens there is no broker, or one that is frozen: look there with "
    "'pixmesh status', and start it again",
}


def judge(looked: Looked, version: str) -> Iterator[Finding]:
    """Judge all that was seen of a mesh; ``version`` is ours."""
    yield judge_aim(looked.aim)
    inside = any(one.why is Why.OPEN for one in looked.tried)
    for one in looked.tried:
        yield judge_tcp(one, needed=not inside)
        if one.address.key and one.why in CURVE:
            yield judge_curve(one, needed=not inside)
    if looked.discovered is not None:
        yield judge_discovery(looked.discovered, looked.tried)
    if looked.answer is not None:
        own = looked.aim.known is Known.OWN
        yield from judge_answer(looked.answer, version, own=own)
    if looked.relay is not None:
        yield judge_relay(looked.relay)


# ---- which mesh -------------------------------------------------------------------------


def judge_aim(aim: Aim) -> Finding:
    """Say which mesh is looked at; judge whether this machine has what it takes to come in."""
    joined = aim.joined
    match aim.known:
        case Known.NONE:
            return ok("mesh", "none: no broker of yours runs, none was joined; 'run' works here")
        case Known.OWN:
            return ok("mesh", f"a broker of yours runs here ({aim.way})")
        case Known.NAMED if not aim.doors[0][0].key:
            return fail(
                "mesh",
                f"the key of the broker at {aim.doors[0][0]} is not known here: this machine has "
                "not joined its mesh",
                NEW_TICKET,
            )
    pair = next((pair for _, pair in aim.doors if pair is not None), None)
    if joined is not None and pair is None:
        return fail("mesh", f"the key that joined the mesh of {joined.host} is gone", NEW_TICKET)
    if aim.known is Known.NAMED or joined is None or pair is None:
        return ok("mesh", f"of the broker named, {aim.doors[0][0]}")
    shown = joined.fingerprint(pair)
    return ok("mesh", f"joined the mesh of {joined.host} as {joined.name}, fingerprint {shown}")


# ---- addresses --------------------------------------------------------------------------


def judge_tcp(one: Tried, *, needed: bool) -> Finding:
    """Judge whether connections get there; ``needed``: no other address lets us in."""
    where = f"{one.address} ({one.address.origin})" if one.address.origin else str(one.address)
    if one.why in CURVE:
        return ok("TCP", f"{where} takes connections")
    port = one.address.port
    fix = TCP_FIXES[one.why].format(port=port, relay=port + 1)
    found = fail if needed else warn
    return found("TCP", f"{where}: {one.detail or one.why}", fix)


def judge_curve(one: Tried, *, needed: bool) -> Finding:
    """Judge whether the broker proves its key and lets ours in."""
    if one.why is Why.OPEN:
        return ok("CURVE", f"{one.address} has its key, and lets ours in")
    found = fail if needed else warn
    return found("CURVE", f"{one.address}: {one.why}", CURVE_FIXES[one.why])


def judge_discovery(seen: Discovered, tried: tuple[Tried, ...]) -> Finding:
    """Judge whether the broker would be found if it moved."""
    if seen.found:
        return ok("discovery", f"the broker answers from {', '.join(map(str, seen.found))}")
    inside = next((one.address for one in tried if one.why is Why.OPEN), None)
    what = f"the broker does not answer on the LAN (asked on {', '.join(seen.asked) or 'nothing'})"
    if inside is None:
        return warn("discovery", what, "once it runs, --broker HOST[:PORT] works without it")
    return warn(
        "discovery",
        f"{what}: if its address changes, it is not found by itself",
        f"--broker {inside.host} works; for discovery let UDP port {PORT} in there, and "
        "broadcasts between the two",
    )


def judge_relay(one: Tried) -> Finding:
    """Judge whether pixels get there."""
    if one.why is Why.OPEN:
        return ok("relay", f"{one.address} takes connections")
    port = one.address.port
    return fail(
        "relay",
        f"{one.address}: {one.detail or one.why}: no pixels get through",
        f"let TCP port {port} in on the broker's machine, as port {port - 1} is",
    )


# ---- what the broker says ---------------------------------------------------------------


def judge_answer(answer: Answer, version: str, *, own: bool = False) -> Iterator[Finding]:
    """Judge what the broker says of itself, or that it does not."""
    if answer.snapshot is not None:
        yield judge_version(answer.snapshot.version, version)
        if answer.snapshot.wall:
            yield judge_clock(answer.snapshot, answer.before, answer.after)
    elif isinstance(answer.error, OtherVersion):
        what = f"{answer.error.what} (pixmesh {version})"
        yield fail("version", what, SAME_VERSION)
    elif answer.error is not None:
        frozen = own and isinstance(answer.error, MeshUnreachable)
        fix = answer.error.remedy or "look there with 'pixmesh status', and start it again"
        fix = OWN_FROZEN if frozen else fix
        yield fail("broker", answer.error.what, fix)


def judge_version(theirs: str, ours: str) -> Finding:
    """Judge two versions that understand each other."""
    if theirs == ours:
        return ok("version", f"{ours} here and at the broker")
    return warn("version", f"{ours} here, {theirs} at the broker", SAME_VERSION)


def judge_clock(snapshot: Snapshot, before: float, after: float) -> Finding:
    """Judge the difference of the clocks: what the round trip may hide of it is forgiven."""
    skew = snapshot.wall - (before + after) / 2
    unsure = (after - before) / 2
    if abs(skew) - unsure <= MOST_SKEW:
        return ok("clock", f"within {abs(skew) + unsure:.1f} s of the broker's")
    which = "behind" if skew > 0 else "ahead of"
    return warn(
        "clock",
        f"{abs(skew):.0f} s {which} the broker's; only times in logs and of files suffer",
        "set both clocks by NTP: timedatectl set-ntp true",
    )
