"""Who may come in, and what they may do there. Pure.

    a ticket's key      may name one key to let in, for each of its uses
    a member's key      may do what its roles say, and name the keys of its own machine's
                        other processes: its kin, which go when it goes
    a waiting key       is nobody yet: it asked on the LAN, and a person decides

    stranger --ticket, or asked and approved--> member --forgotten--> stranger

Keys are 32 raw bytes. A member's name is the one it was let in under, whatever it says of
itself later. ``knows`` may be called from any thread; all else from one.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct, structs

from .keys import fingerprint, is_fingerprint, member_of
from .messages import MemberId
from .names import is_name, listed

NODE, SUBMIT, ADMIN = "node", "submit", "admin"
ROLES = (NODE, SUBMIT, ADMIN)
EVERYTHING = frozenset(ROLES)
USUAL = (NODE, SUBMIT)
MOST_MEMBERS = 10_000
MOST_KIN = 64
MOST_TICKETS = 256
MOST_WAITING = 32
MOST_FROM_ONE = 4
STILL_WAITING = 60.0
LONGEST_LIFE = 30 * 24 * 3600.0
MOST_USES = 1000

SOMEBODY = bytes(32)  # whose use of a ticket stays used: a key that was forgotten


class Refused(Exception):
    """What cannot be: a stable code, the text for people, and what to do instead."""

    def __init__(self, code: str, what: str, remedy: str) -> None:
        super().__init__(what)
        self.code = code
        self.remedy = remedy


class Member(Struct, frozen=True):
    """A key that is let in. ``sponsor`` is the key whose kin it is; ``by`` says how it came."""

    key: bytes
    name: str
    roles: tuple[str, ...]
    by: str
    sponsor: bytes | None = None


class Pass(Struct, frozen=True):
    """A ticket as its broker knows it. ``until`` is on the broker's clock."""

    id: str
    key: bytes
    roles: tuple[str, ...]
    uses: int
    until: float
    used: tuple[bytes, ...] = ()
    revoked: bool = False

    def left(self, now: float) -> float:
        """Return for how many seconds more it is good."""
        return max(0.0, self.until - now)

    def why_not(self, key: bytes, now: float) -> tuple[str, str] | None:
        """Return why it does not let a key in, as a code and words, or None."""
        if key in self.used:
            return None  # said again: the answer was lost
        if self.revoked:
            return "ticket-revoked", "this ticket was revoked"
        if now >= self.until:
            return "ticket-expired", "this ticket has expired"
        if len(self.used) >= self.uses:
            return "ticket-used", "this ticket is used up"
        return None


class Waiting(Struct, frozen=True):
    """A machine that asked to be let in, from where, and when it last did."""

    key: bytes
    name: str
    address: str
    heard: float


@dataclass(slots=True)
class Members:
    """Everyone. What changes is handed to ``keep`` first: what cannot be kept is not so."""

    keep: Callable[[Iterable[Member], Iterable[Pass]], None]
    broker: bytes = bytes(32)
    members: dict[bytes, Member] = field(default_factory=dict)
    passes: dict[bytes, Pass] = field(default_factory=dict)
    waiting: dict[bytes, Waiting] = field(default_factory=dict)

    def knows(self, key: bytes) -> bool:
        """Whether a key gets through the door; a ticket's does even when it is over, to be told."""
        return key in self.members or key in self.passes

    def roles(self, key: bytes) -> frozenset[str]:
        """Return what a key may do."""
        member = self.members.get(key)
        return frozenset(member.roles) if member is not None else frozenset()

    # ---- joining --------------------------------------------------------------------

    def join(
        self, by: bytes, key: bytes, name: str, now: float, taken: Collection[str] = ()
    ) -> Member:
        """Let a key in on another's word: a ticket's, or its own machine's. Raises Refused.

        Saying it again for the same key changes nothing and succeeds.
        """
        if key == SOMEBODY:
            raise Refused("refused", "join names a key that nobody can have", "make a new one")
        if by in self.passes:
            return self._join_by_ticket(self.passes[by], key, name, now, taken)
        sponsor = self.members.get(by)
        if sponsor is None:
            raise Refused(
                "not-approved",
                "this key was not let in here",
                "ask for a ticket: 'pixmesh ticket new' on the broker's machine",
            )
        return self._join_as_kin(sponsor, key, name, taken)

    def _join_by_ticket(
        self, ticket: Pass, key: bytes, name: str, now: float, taken: Collection[str]
    ) -> Member:
        if (no := ticket.why_not(key, now)) is not None:
            raise Refused(*no, "make a new one with 'pixmesh ticket new' on the broker's machine")
        known = self.members.get(key)
        if known is not None and key in ticket.used:
            return known
        by = f"ticket {ticket.id}"
        if known is None:
            member = self._named(Member(key, name, ticket.roles, by), taken)
        else:  # whoever has a ticket can name any key: it takes nothing from a member
            roles = tuple(one for one in ROLES if one in {*known.roles, *ticket.roles})
            member = structs.replace(known, roles=roles, by=by)
        used = ticket.used if key in ticket.used else (*ticket.used, key)
        self._become(
            {**self.members, key: member},
            {**self.passes, ticket.key: structs.replace(ticket, used=used)},
        )
        return member

    def _join_as_kin(
        self, sponsor: Member, key: bytes, name: str, taken: Collection[str]
    ) -> Member:
        known = self.members.get(key)
        if known is not None:
            return known
        if sponsor.sponsor is not None:
            raise Refused("kin", "only a machine's first key may name others", "join by ticket")
        if len(self.kin(sponsor.key)) >= MOST_KIN:
            raise Refused(
                "kin",
                f"{sponsor.name} has {MOST_KIN} more keys already",
                f"'pixmesh nodes forget {sponsor.name}', then let it join anew",
            )
        kin = Member(key, name, sponsor.roles, f"with {sponsor.name}", sponsor.key)
        member = self._named(kin, taken)
        self._become({**self.members, key: member}, self.passes)
        return member

    def _become(self, members: Mapping[bytes, Member], passes: Mapping[bytes, Pass]) -> None:
        """Keep it, then let it be so. Raises OSError, and nothing has changed then."""
        self.keep(members.values(), passes.values())
        self.members, self.passes = dict(members), dict(passes)
        for key in self.waiting.keys() & members.keys():
            del self.waiting[key]

    def _named(self, new: Member, taken: Collection[str]) -> Member:
        """Return a new member under a name of its own."""
        if len(self.members) >= MOST_MEMBERS:
            raise Refused("full", f"there are {MOST_MEMBERS} members", "forget some")
        name = self._free_name(read_name(new.name), new.key, taken)
        return structs.replace(new, name=name)

    def _free_name(self, name: str, key: bytes, taken: Collection[str]) -> str:
        """Return a name that no other member has: NAME, NAME-2, NAME-3, ..."""
        others = {one.name for one in self.members.values() if one.key != key} | set(taken)
        numbered = (name if n == 1 else f"{name[:56]}-{n}" for n in range(1, MOST_MEMBERS + 2))
        return next(one for one in numbered if one not in others)

    def kin(self, sponsor: bytes) -> list[Member]:
        """Return the members that a machine's first key has named."""
        return [one for one in self.members.values() if one.sponsor == sponsor]

    # ---- approval -------------------------------------------------------------------

    def asks_in(self, key: bytes, name: str, address: str, now: float) -> bool:
        """Note that a machine of the LAN asks to be let in; return whether that is new.

        More than a few are passed over.
        """
        if key in self.members or not is_name(name):
            return False
        self.drop_stale(now)
        others = [one for one in self.waiting.values() if one.key != key]
        from_there = sum(one.address == address for one in others)
        if len(others) >= MOST_WAITING or from_there >= MOST_FROM_ONE:
            return False
        new = key not in self.waiting
        self.waiting[key] = Waiting(key, name, address, now)
        return new

    def drop_stale(self, now: float) -> None:
        """Forget who has asked and gone."""
        gone = [one.key for one in self.waiting.values() if now - one.heard > STILL_WAITING]
        for key in gone:
            del self.waiting[key]

    def approve(self, who: str, now: float, taken: Collection[str] = ()) -> Member:
        """Let a waiting machine in, by name or by the fingerprint both sides show."""
        self.drop_stale(now)
        meant = [one for one in self.waiting.values() if self._is_meant(who, one)]
        if not meant:
            known = listed((one.name for one in self.waiting.values()), "nobody")
            raise Refused("refused", f"no machine {who!r} waits for approval", f"waiting: {known}")
        if len(meant) > 1:
            prints = listed((f"{self.pairing(one.key)} ({one.address})" for one in meant), "")
            raise Refused(
                "refused",
                f"{len(meant)} machines that wait are called {who!r}",
                f"name the fingerprint that yours shows: {prints}",
            )
        key = meant[0].key
        member = self._named(Member(key, meant[0].name, USUAL, "approval"), taken)
        self._become({**self.members, key: member}, self.passes)
        return member

    def _is_meant(self, who: str, one: Waiting | Member) -> bool:
        """Whether people mean this machine. Nobody is another's fingerprint by name."""
        if is_fingerprint(who):
            return who.lower() == self.pairing(one.key)
        return who == one.name

    def pairing(self, key: bytes) -> str:
        """Return the fingerprint of a key and this broker's: what both screens show."""
        return fingerprint(self.broker, key)

    # ---- forgetting -----------------------------------------------------------------

    def forget(self, who: str) -> list[Member]:
        """Let a member in no longer, nor its kin; return all that went. Raises Refused."""
        meant = [one for one in self.members.values() if self._is_meant(who, one)]
        if not meant:
            known = listed((one.name for one in self.members.values()), "none")
            raise Refused("refused", f"no member is called {who!r}", f"members: {known}")
        gone = [*meant, *(kin for one in meant for kin in self.kin(one.key))]
        keys = {one.key for one in gone}
        self._become(
            {key: one for key, one in self.members.items() if key not in keys},
            {key: _without(one, keys) for key, one in self.passes.items()},
        )
        return gone

    # ---- tickets --------------------------------------------------------------------

    def issue(
        self, key: bytes, now: float, *, uses: int, seconds: float, roles: tuple[str, ...]
    ) -> Pass:
        """Make a ticket of a fresh key. Raises Refused for terms that cannot be."""
        _check_terms(uses, seconds, roles)
        passes = self._remembered(now)
        if len(passes) >= MOST_TICKETS:
            raise Refused("refused", f"there are {MOST_TICKETS} tickets", "revoke some")
        one = Pass(f"t{member_of(key).hex()[:7]}", key, roles or USUAL, uses, now + seconds)
        self._become(self.members, {**passes, key: one})
        return one

    def revoke(self, name: str) -> Pass:
        """Let nobody in any more by a ticket. Raises Refused."""
        for one in self.passes.values():
            if one.id == name:
                revoked = structs.replace(one, revoked=True)
                self._become(self.members, {**self.passes, one.key: revoked})
                return revoked
        raise Refused("refused", f"there is no ticket {name!r}", "'pixmesh ticket list' has them")

    def good_passes(self, now: float) -> list[Pass]:
        """Return the tickets that still let somebody in."""
        return [one for one in self.passes.values() if one.why_not(b"", now) is None]

    def _remembered(self, now: float) -> dict[bytes, Pass]:
        """Return the tickets without the oldest that are over; who uses the others is told why."""
        over = [one for one in self.passes.values() if one.why_not(b"", now) is not None]
        over.sort(key=lambda one: one.until)
        stale = {one.key for one in over[: max(0, len(over) - MOST_TICKETS // 2)]}
        return {key: one for key, one in self.passes.items() if key not in stale}


def _without(ticket: Pass, keys: set[bytes]) -> Pass:
    """Return a ticket that forgets keys; its uses stay used, or they would come back by it."""
    used = tuple(SOMEBODY if key in keys else key for key in ticket.used)
    return structs.replace(ticket, used=used)


def _check_terms(uses: int, seconds: float, roles: tuple[str, ...]) -> None:
    if not 1 <= uses <= MOST_USES:
        raise Refused("refused", f"{uses} uses are not from 1 to {MOST_USES}", "--uses 20")
    if not 1 <= seconds <= LONGEST_LIFE:
        raise Refused("refused", f"{seconds:g} s is not from 1 s to 30 days", "--expires 24h")
    unknown = set(roles) - EVERYTHING
    if unknown:
        raise Refused("refused", f"there is no role {min(unknown)!r}", f"roles: {', '.join(ROLES)}")


def read_name(name: str) -> str:
    """Return a member's name. Raises Refused for what is none."""
    if not is_name(name):
        raise Refused(
            "name",
            f"{name[:80]!r} is no name of letters, digits, dots and dashes (at most 63)",
            "choose another with --name",
        )
    return name


def ids(members: Collection[Member]) -> list[MemberId]:
    """Return who members are on the wire."""
    return [member_of(one.key) for one in members]
