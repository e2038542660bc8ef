"""Who is let in, by what, for how long; and that it is kept before it is so."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pixmesh.broker import members as rules
from pixmesh.broker.keys import fingerprint
from pixmesh.broker.members import EVERYTHING, USUAL, Member, Members, Pass, Refused
from pixmesh.broker.names import is_name

TICKET, OTHER_TICKET = b"t" * 32, b"u" * 32
NOW = 1000.0
WITHIN = 60.0
DAY = 86_400.0
INF, NAN = float("inf"), float("nan")
BAD_TERMS = (
    *((0, 60.0, ()), (1001, 60.0, ()), (2**48, 60.0, ())),
    *((1, 0.0, ()), (1, 0.9, ()), (1, 31 * DAY, ()), (1, INF, ()), (1, NAN, ())),
    *((1, 60.0, ("god",)), (1, 60.0, ("node", ""))),
)
NO_NAMES = (
    *("", " ", "../x", "..", "/etc", "a/b", "a\\b", "C:", "a\0b", "a\nb", "x" * 64, "x" * 300),
    *("\x1b[2J", "a\u202eb", "\u200fa", "a b", "-a", ".a", "a\u3164", "\uffa0", "a\u200d"),
    *("e\u0301", "\ud800", "*", "a:b", "a%b"),
)


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


class Kept:
    """What was written down last; ``full`` as a disk may be."""

    def __init__(self) -> None:
        self.members: tuple[Member, ...] = ()
        self.passes: tuple[Pass, ...] = ()
        self.full = False

    def __call__(self, members: Iterable[Member], passes: Iterable[Pass]) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.members, self.passes = tuple(members), tuple(passes)


def with_ticket(
    uses: int = 1, *, roles: Sequence[str] = (), keep: Kept | None = None, seconds: float = WITHIN
) -> Members:
    members = Members(keep=keep or Kept(), broker=key(99))
    members.issue(TICKET, NOW, uses=uses, seconds=seconds, roles=tuple(roles))
    return members


def refusal(act: object) -> str:
    """Return the code by which something is refused."""
    assert callable(act)
    with pytest.raises(Refused) as refused:
        act()
    assert refused.value.remedy
    return refused.value.code


def join(members: Members, number: int, name: str = "", *, by: bytes = TICKET) -> Member:
    return members.join(by, key(number), name or f"m{number}", NOW)


# ---- tickets ------------------------------------------------------------------------------


def test_a_ticket_lets_in_as_many_keys_as_it_has_uses_and_the_same_one_again() -> None:
    members = with_ticket(2)
    first = join(members, 1)
    assert (first.name, first.roles) == ("m1", USUAL)
    assert join(members, 1, "another") == first
    join(members, 2)
    assert refusal(lambda: join(members, 3)) == "ticket-used"
    assert join(members, 2).name == "m2"
    assert set(members.members) == {key(1), key(2)}


def test_a_ticket_is_over_at_its_time_and_not_before_but_still_known() -> None:
    members = with_ticket(9)
    members.join(TICKET, key(1), "a", NOW + WITHIN - 0.001)
    late = NOW + WITHIN
    assert refusal(lambda: members.join(TICKET, key(2), "b", late)) == "ticket-expired"
    assert members.join(TICKET, key(1), "a", late).name == "a"
    assert members.knows(TICKET)
    assert members.passes[TICKET].left(late) == 0.0
    assert members.good_passes(late) == []


def test_a_revoked_ticket_lets_nobody_in_and_nobody_out() -> None:
    members = with_ticket(9)
    join(members, 1)
    members.revoke(members.passes[TICKET].id)
    assert refusal(lambda: join(members, 2)) == "ticket-revoked"
    assert join(members, 1).name == "m1"
    assert refusal(lambda: members.revoke("nothing")) == "refused"


def test_a_ticket_gives_its_roles_and_its_own_key_has_none() -> None:
    members = with_ticket(roles=("admin",))
    assert members.roles(TICKET) == frozenset()
    join(members, 1)
    assert members.roles(key(1)) == {"admin"}
    assert members.roles(key(2)) == frozenset()


@pytest.mark.parametrize(
    ("uses", "seconds", "roles"),
    BAD_TERMS,
)
def test_terms_that_cannot_be_make_no_ticket(
    uses: int, seconds: float, roles: tuple[str, ...]
) -> None:
    kept = Kept()
    members = Members(keep=kept)
    code = refusal(lambda: members.issue(TICKET, NOW, uses=uses, seconds=seconds, roles=roles))
    assert code == "refused"
    assert (members.passes, kept.passes) == ({}, ())


def test_there_are_few_tickets_and_those_that_are_over_make_room() -> None:
    members = Members(keep=Kept())
    for number in range(rules.MOST_TICKETS):
        members.issue(key(number), NOW, uses=1, seconds=WITHIN, roles=())

    def one_more(now: float) -> Pass:
        return members.issue(TICKET, now, uses=1, seconds=WITHIN, roles=())

    assert refusal(lambda: one_more(NOW)) == "refused"
    assert one_more(NOW + WITHIN).key == TICKET
    assert len(members.passes) <= rules.MOST_TICKETS // 2 + 1


def test_a_ticket_takes_nothing_from_a_member_that_it_names() -> None:
    """Keys are no secret: whoever has a ticket can name anybody's."""
    members = with_ticket(roles=("admin", "node"))
    join(members, 1, "atlas")
    join(members, 5, "kin", by=key(1))
    members.issue(OTHER_TICKET, NOW, uses=9, seconds=WITHIN, roles=("submit",))
    again = join(members, 1, "mallory", by=OTHER_TICKET)
    assert (again.name, again.roles) == ("atlas", ("node", "submit", "admin"))
    join(members, 5, "mallory", by=OTHER_TICKET)
    assert members.members[key(5)].name == "kin"
    assert {one.key for one in members.forget("atlas")} == {key(1), key(5)}


# ---- kin ----------------------------------------------------------------------------------


def test_a_machines_first_key_names_its_others_and_those_name_none() -> None:
    members = with_ticket(roles=("node",))
    join(members, 1)
    kin = join(members, 2, by=key(1))
    assert (kin.roles, kin.sponsor) == (("node",), key(1))
    assert join(members, 2, "again", by=key(1)) == kin
    assert refusal(lambda: join(members, 3, by=key(2))) == "kin"
    assert refusal(lambda: join(members, 3, by=key(7))) == "not-approved"


def test_a_machine_names_so_many_and_no_more() -> None:
    members = with_ticket()
    join(members, 1)
    for number in range(rules.MOST_KIN):
        join(members, 100 + number, by=key(1))
    assert refusal(lambda: join(members, 99, by=key(1))) == "kin"
    assert len(members.kin(key(1))) == rules.MOST_KIN


def test_nobody_takes_over_a_member_by_naming_it_as_kin() -> None:
    members = with_ticket(2)
    atlas = join(members, 1, "atlas")
    join(members, 2, "mallory")
    assert join(members, 1, "mine", by=key(2)) == atlas
    members.forget("mallory")
    assert members.members == {key(1): atlas}


def test_there_are_so_many_members_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_MEMBERS", 2)
    members = with_ticket(3)
    join(members, 1)
    join(members, 2)
    assert refusal(lambda: join(members, 3)) == "full"


# ---- names --------------------------------------------------------------------------------


def test_two_of_one_name_are_told_apart() -> None:
    members = with_ticket(4)
    assert [join(members, n, "pi").name for n in (1, 2, 3)] == ["pi", "pi-2", "pi-3"]
    taken = members.join(TICKET, key(4), "mine", NOW, taken={"mine", "mine-2"})
    assert taken.name == "mine-3"


def test_a_long_name_has_room_for_its_number() -> None:
    members = with_ticket(2)
    names = [join(members, number, "x" * 63).name for number in (1, 2)]
    assert all(map(is_name, names))
    assert len(set(names)) == 2


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_text_that_is_no_name_is_nobodys(name: str) -> None:
    members = with_ticket(1)
    assert not is_name(name)
    assert refusal(lambda: members.join(TICKET, key(1), name, NOW)) == "name"
    assert not members.asks_in(key(1), name, "10.0.0.1", NOW)
    assert (members.members, members.waiting, members.passes[TICKET].used) == ({}, {}, ())


@pytest.mark.parametrize(
    "name", ["a", "atlas-2", "NUL.txt", "CON", "Bärbel", "写真", "x" * 63, "a.b"]
)
def test_letters_of_any_script_make_a_name(name: str) -> None:
    assert join(with_ticket(), 1, name).name == name


# ---- approval -----------------------------------------------------------------------------


def test_who_asks_waits_a_minute_and_is_let_in_by_name_or_fingerprint() -> None:
    for by_name in (True, False):
        members = Members(keep=Kept(), broker=key(99))
        assert members.asks_in(key(1), "pi", "10.0.0.1", NOW)
        assert not members.asks_in(key(1), "pi", "10.0.0.1", NOW + 50)
        who = "pi" if by_name else fingerprint(key(99), key(1))
        one = members.approve(who, NOW + 110)
        assert (one.key, one.roles, one.by) == (key(1), USUAL, "approval")
        assert members.waiting == {}
        assert not members.asks_in(key(1), "pi", "10.0.0.1", NOW + 111)


def test_who_went_away_is_not_let_in() -> None:
    members = Members(keep=Kept())
    members.asks_in(key(1), "pi", "10.0.0.1", NOW)
    assert refusal(lambda: members.approve("pi", NOW + rules.STILL_WAITING + 0.1)) == "refused"


def test_of_two_of_one_name_the_fingerprint_decides() -> None:
    members = Members(keep=Kept())
    members.asks_in(key(1), "pi", "10.0.0.1", NOW)
    members.asks_in(key(2), "pi", "10.0.0.2", NOW)
    with pytest.raises(Refused) as refused:
        members.approve("pi", NOW)
    assert members.pairing(key(1)) in refused.value.remedy
    assert members.approve(members.pairing(key(2)), NOW).key == key(2)


def test_nobody_is_let_in_by_calling_itself_what_anothers_screen_shows() -> None:
    """Keys are heard on the LAN, so anybody can reckon the fingerprint before its owner asks."""
    members = with_ticket(2)
    shown = members.pairing(key(1))
    for number, typed in ((2, shown), (3, shown.upper())):
        assert members.asks_in(key(number), typed, "10.0.0.2", NOW)
        assert refusal(lambda typed=typed: members.approve(typed, NOW)) == "refused"
    assert members.asks_in(key(1), "pi4", "10.0.0.1", NOW)
    assert members.approve(shown, NOW).key == key(1)
    assert members.approve(members.pairing(key(2)), NOW).key == key(2)
    assert [one.key for one in members.forget(shown)] == [key(1)]


def test_few_wait_and_fewer_from_one_address() -> None:
    members = Members(keep=Kept())
    told = [members.asks_in(key(n), f"m{n}", "10.0.0.1", NOW) for n in range(9)]
    assert told == [True] * rules.MOST_FROM_ONE + [False] * (9 - rules.MOST_FROM_ONE)
    for number in range(1000):
        members.asks_in(key(number), "m", f"10.0.1.{number}", NOW)
    assert len(members.waiting) == rules.MOST_WAITING
    assert members.asks_in(key(5000), "late", "10.0.0.9", NOW + rules.STILL_WAITING + 0.1)


# ---- forgetting, and the disk --------------------------------------------------------------


def test_a_forgotten_machine_goes_with_its_kin_and_its_use_stays_used() -> None:
    members = with_ticket(2)
    join(members, 1, "pi")
    join(members, 2, by=key(1))
    gone = members.forget(members.pairing(key(1)))
    assert [one.key for one in gone] == [key(1), key(2)]
    assert not members.knows(key(1))
    assert not members.knows(key(2))
    assert members.passes[TICKET].used == (rules.SOMEBODY,)
    assert refusal(lambda: members.forget("pi")) == "refused"
    join(members, 1)  # a use is left, and whoever has the ticket may have it
    members.forget("m1")
    assert refusal(lambda: join(members, 1)) == "ticket-used"


def test_by_a_use_that_a_forgotten_machine_left_nobody_comes_in() -> None:
    """Neither by a ticket that is over in each way, nor by kin."""
    members = with_ticket()
    join(members, 1)
    members.forget("m1")
    ghost = rules.SOMEBODY
    assert refusal(lambda: members.join(TICKET, ghost, "ghost", NOW)) == "refused"
    assert refusal(lambda: members.join(TICKET, ghost, "ghost", NOW + WITHIN)) == "refused"
    members.issue(OTHER_TICKET, NOW, uses=1, seconds=WITHIN, roles=())
    join(members, 2, by=OTHER_TICKET)
    assert refusal(lambda: members.join(key(2), ghost, "ghost", NOW)) == "refused"
    assert [one.name for one in members.members.values()] == ["m2"]


def test_what_cannot_be_kept_is_not_so() -> None:
    kept = Kept()
    members = with_ticket(3, keep=kept)
    join(members, 1, "pi")
    members.asks_in(key(7), "asks", "10.0.0.1", NOW)
    before = (members.members, members.passes, dict(members.waiting))
    kept.full = True
    acts = (
        lambda: join(members, 2),
        lambda: join(members, 2, by=key(1)),
        lambda: members.forget("pi"),
        lambda: members.revoke(members.passes[TICKET].id),
        lambda: members.issue(OTHER_TICKET, NOW, uses=1, seconds=9, roles=()),
        lambda: members.approve("asks", NOW),
    )
    for act in acts:
        with pytest.raises(OSError, match="No space"):
            act()
        assert (members.members, members.passes, members.waiting) == before


class Churn(RuleBasedStateMachine):
    """Anything in any order: what is kept is what is so, and no use is had twice."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = Kept()
        self.members = Members(keep=self.kept)
        self.now = NOW
        self.let_in: dict[bytes, int] = {}

    numbers = st.integers(1, 6)

    @rule(number=numbers, uses=st.integers(1, 3))
    def issue(self, number: int, uses: int) -> None:
        ticket = bytes([number]) * 32
        if ticket not in self.members.passes:
            self.members.issue(ticket, self.now, uses=uses, seconds=5.0, roles=("node",))

    @rule(ticket=numbers, number=numbers)
    def join(self, ticket: int, number: int) -> None:
        by, new = bytes([ticket]) * 32, key(number)
        fresh = by in self.members.passes and new not in self.members.passes[by].used
        try:
            self.members.join(by, new, "m", self.now)
        except Refused:
            return
        self.let_in[by] = self.let_in.get(by, 0) + fresh

    @rule(first=numbers, number=st.integers(10, 12))
    def name_kin(self, first: int, number: int) -> None:
        if key(first) in self.members.members:
            self.members.join(key(first), key(number), "kin", self.now)

    @rule(number=numbers)
    def forget(self, number: int) -> None:
        if key(number) in self.members.members:
            self.members.forget(self.members.pairing(key(number)))

    @rule(seconds=st.floats(0, 3))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def no_ticket_let_in_more_than_it_may(self) -> None:
        for ticket, count in self.let_in.items():
            assert count <= self.members.passes[ticket].uses

    @invariant()
    def names_are_told_apart_and_kin_have_their_machine(self) -> None:
        found = list(self.members.members.values())
        assert len({one.name for one in found}) == len(found)
        assert all(one.sponsor is None or one.sponsor in self.members.members for one in found)
        assert all(frozenset(one.roles) <= EVERYTHING for one in found)

    @invariant()
    def what_is_kept_is_what_is_so(self) -> None:
        assert set(self.kept.members) == set(self.members.members.values())
        assert set(self.kept.passes) == set(self.members.passes.values())


TestChurn = Churn.TestCase
TestChurn.settings = settings(max_examples=60, stateful_step_count=30)
