"""Who is let in by the network door, and what people and machines ask about that.

Two sources: the keys in this user's 0700 folder may do everything, and what the roll says
of others. Decisions about those are ``members``'; here they meet the wire, the key folder
and the clock.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from zmq.utils import z85

from .interfaces import is_loopback
from .keys import KeyPair, is_let_in
from .members import (
    ADMIN,
    EVERYTHING,
    NODE,
    ROLES,
    SUBMIT,
    USUAL,
    Members,
    Pass,
    Refused,
    ids,
    read_name,
)
from .messages import Ask, MemberId, TicketTerms
from .ticket import Ticket, routable
from .views import Joined, MemberView, NewTicket, TicketView, WaitingView

ANY = frozenset({NODE, SUBMIT, ADMIN})
SUBMITTERS = frozenset({SUBMIT, ADMIN})
WHO_MAY = {
    "status": ANY,
    "follow": ANY,
    "why": ANY,
    "preview": SUBMITTERS,
    "retry": SUBMITTERS,
}
"""What may be asked by whom; everything else takes the admin role."""


@dataclass(slots=True)
class Admission:
    """The network door's book. ``where`` tells at which addresses and port it listens now."""

    keys: Path
    pair: KeyPair
    members: Members
    where: Callable[[], tuple[list[str], int]]
    host: str
    clock: Callable[[], float] = time.monotonic
    gone: list[MemberId] = field(default_factory=list)

    def admits(self, key: bytes) -> bool:
        """Whether a public key (z85) gets through the door. Any thread."""
        return self.members.knows(bytes(z85.decode(key))) or is_let_in(self.keys, key)

    def roles(self, key: bytes) -> frozenset[str]:
        """Return what a public key of 32 bytes may do."""
        return EVERYTHING if is_let_in(self.keys, z85.encode(key)) else self.members.roles(key)

    def name_of(self, key: bytes, role: str) -> str | None:
        """Return the name that a key was let in under, if it was; an owner has its machine's."""
        known = self.members.members
        member = known.get(key)
        if member is not None and role == "owner" and member.sponsor in known:
            member = known[member.sponsor]
        return member.name if member is not None else None

    def demand(self, what: str, roles: frozenset[str]) -> None:
        """Raise Refused unless who has these roles may ask that."""
        may = WHO_MAY.get(what, frozenset({ADMIN}))
        if not roles & may:
            takes = " or ".join(sorted(may))
            raise Refused(
                "not-allowed",
                f"{what!r} takes the {takes} role, which this machine's key does not have",
                "do it on the broker's machine",
            )

    # ---- what is asked --------------------------------------------------------------

    def told(self, ask: Ask, taken: Collection[str]) -> object:
        """Carry out an order of an admin; return the answer. Raises Refused, OSError."""
        now = self.clock()
        match ask.what:
            case "ticket-new":
                return self._ticket(ask.terms or TicketTerms(), now)
            case "ticket-list":
                return [_view(one, now) for one in self.members.passes.values()]
            case "ticket-revoke":
                return f"nobody joins by the ticket {self.members.revoke(ask.about).id} any more"
            case "approve":
                member = self.members.approve(ask.about, now, taken)
                return f"{member.name} is let in; it comes by itself"
            case "forget":
                return self._forget(ask.about)
            case _:
                raise Refused(
                    "refused", f"nothing answers {ask.what!r}", "ask for 'status' or 'why'"
                )

    def join(self, by: bytes, ask: Ask, taken: Collection[str]) -> Joined:
        """Let a key in on the word of the one that asks. Raises Refused, OSError."""
        if ask.key is None:
            raise Refused("refused", "join names no key", "install the same pixmesh on both")
        if is_let_in(self.keys, z85.encode(ask.key)):
            return Joined(read_name(ask.about), ROLES, self.host)  # this user's own: no member's
        member = self.members.join(by, ask.key, ask.about, self.clock(), taken)
        return Joined(member.name, member.roles, self.host)

    def _ticket(self, terms: TicketTerms, now: float) -> NewTicket:
        pair = KeyPair.fresh()
        one = self.members.issue(
            pair.raw, now, uses=terms.uses, seconds=terms.seconds, roles=terms.roles or USUAL
        )
        hosts, port = self.where()
        addresses = routable(hosts)
        beyond = [host for host in addresses if not is_loopback(host)] or addresses
        ticket = Ticket(
            int(terms.seconds), self.pair.public, pair, tuple((host, port) for host in beyond)
        )
        return NewTicket(ticket.text(), _view(one, now))

    def _forget(self, who: str) -> str:
        gone = self.members.forget(who)
        self.gone += ids(gone)
        return f"{', '.join(one.name for one in gone)} forgotten; to come back: pixmesh ticket new"

    # ---- what is shown --------------------------------------------------------------

    def members_shown(self) -> tuple[MemberView, ...]:
        """Return every machine that was let in."""
        return tuple(
            MemberView(one.name, one.roles, self.members.pairing(one.key), one.by)
            for one in self.members.members.values()
        )

    def waiting_shown(self) -> tuple[WaitingView, ...]:
        """Return who waits for approval."""
        self.members.drop_stale(self.clock())
        return tuple(
            WaitingView(one.name, self.members.pairing(one.key), one.address)
            for one in self.members.waiting.values()
        )


def _view(one: Pass, now: float) -> TicketView:
    return TicketView(one.id, one.roles, one.uses, len(one.used), one.left(now), one.revoked)
