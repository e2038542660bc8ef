"""Who says HELLO comes in as the key of its connection may, and as nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from pixmesh.broker.admission import Admission
from pixmesh.broker.keys import KeyPair, published
from pixmesh.broker.members import Members, Refused
from pixmesh.broker.messages import Ask, Hello, TicketTerms
from pixmesh.broker.vetting import as_registered, why_not

ATLAS, OTHER, TICKET = (KeyPair.fresh() for _ in range(3))
NOW = 50.0


@pytest.fixture
def admission(tmp_path: Path) -> Admission:
    members = Members(keep=lambda _members, _passes: None)
    members.issue(TICKET.raw, NOW, uses=9, seconds=60, roles=("node", "submit"))
    members.join(TICKET.raw, ATLAS.raw, "atlas", NOW)
    broker = KeyPair.fresh()
    return Admission(
        tmp_path, broker, members, lambda: (["10.0.0.1"], 7710), "desk", clock=lambda: NOW
    )


def hello(role: str = "node", name: str = "atlas", key: bytes = ATLAS.raw) -> Hello:
    return Hello(role=role, name=name, key=key, boot=bytes(8), lowest=1, highest=1)


def code(said: Hello, proved: bytes | None, admission: Admission | None) -> str:
    error = why_not(said, proved, admission)
    return error.code if error is not None else ""


def only(admission: Admission, *roles: str) -> None:
    """Let the member have these roles and no others."""
    member = admission.members.members[ATLAS.raw]
    admission.members.members[ATLAS.raw] = structs.replace(member, roles=roles)


def test_a_member_comes_in_as_what_its_roles_say(admission: Admission) -> None:
    for role in ("node", "owner"):
        assert code(hello(role), ATLAS.raw, admission) == ""
    only(admission, "node")
    assert code(hello("owner"), ATLAS.raw, admission) == "role"
    only(admission, "submit", "admin")
    assert code(hello("node"), ATLAS.raw, admission) == "role"
    assert code(hello("broker"), ATLAS.raw, admission) == "role"


def test_nobody_comes_in_by_another_key_than_it_proved(admission: Admission) -> None:
    assert code(hello(key=ATLAS.raw), OTHER.raw, admission) == "identity"
    assert code(hello(key=OTHER.raw), ATLAS.raw, admission) == "identity"
    assert code(hello(key=ATLAS.raw), TICKET.raw, admission) == "identity"


def test_a_tickets_key_and_a_strangers_are_nobodys(admission: Admission) -> None:
    for pair in (TICKET, OTHER):
        for role in ("node", "owner"):
            assert code(hello(role, key=pair.raw), pair.raw, admission) == "forgotten"


def test_a_name_is_what_was_registered_whatever_is_said(admission: Admission) -> None:
    said = hello(name="desk")
    assert why_not(said, ATLAS.raw, admission) is None
    assert as_registered(said, admission).name == "atlas"
    kin = KeyPair.fresh()
    admission.members.join(ATLAS.raw, kin.raw, "atlas", NOW)
    assert as_registered(hello("node", "x", kin.raw), admission).name == "atlas-2"
    assert as_registered(hello("owner", "x", kin.raw), admission).name == "atlas"
    assert as_registered(hello(name="mine", key=OTHER.raw), admission).name == "mine"
    assert as_registered(said, None) is said


@pytest.mark.parametrize("name", ["", "\x1b[2J", "../x", "a\nb", "x" * 64])
def test_a_name_that_is_none_is_refused_at_both_doors(admission: Admission, name: str) -> None:
    said = hello(name=name)
    assert code(said, ATLAS.raw, admission) == "name"
    assert code(said, None, None) == "name"
    error = why_not(said, None, None)
    assert error is not None
    assert error.text.isprintable()


def test_another_version_is_refused_alone(admission: Admission) -> None:
    for lowest, highest in ((2, 9), (0, 0), (-5, -1)):
        said = structs.replace(hello(), lowest=lowest, highest=highest)
        assert code(said, ATLAS.raw, admission) == "version"


# ---- what may be asked -----------------------------------------------------------------------


def attempt(act: Callable[[], object]) -> str:
    try:
        act()
    except Refused as error:
        return error.code
    return ""


ORDERS = ("drain", "resume", "approve", "forget", "ticket-new", "ticket-list", "ticket-revoke", "x")


@pytest.mark.parametrize(
    ("roles", "may"),
    [
        (frozenset[str](), set[str]()),
        (frozenset({"node"}), {"status", "why"}),
        (frozenset({"submit"}), {"status", "why", "retry"}),
        (frozenset({"node", "submit"}), {"status", "why", "retry"}),
        (frozenset({"admin"}), {"status", "why", "retry", *ORDERS}),
    ],
)
def test_each_role_may_ask_so_much(
    admission: Admission, roles: frozenset[str], may: set[str]
) -> None:
    for what in ("status", "why", "retry", *ORDERS):
        expected = "" if what in may else "not-allowed"
        assert attempt(lambda what=what: admission.demand(what, roles)) == expected, what  # type: ignore[misc]


def test_the_users_own_keys_may_do_everything_and_are_no_members(admission: Admission) -> None:
    with published(admission.keys) as own:
        assert admission.admits(own.public)
        assert admission.roles(own.raw) == {"node", "submit", "admin"}
        told = admission.join(TICKET.raw, Ask("join", "mallory", key=own.raw), ())
        assert told.name == "mallory"
        assert own.raw not in admission.members.members
        assert admission.name_of(own.raw, "node") is None
    assert not admission.admits(own.public)
    assert admission.roles(own.raw) == frozenset()


def test_keys_of_members_and_of_tickets_get_through_the_door_and_others_do_not(
    admission: Admission,
) -> None:
    assert admission.admits(ATLAS.public)
    assert admission.admits(TICKET.public)
    assert not admission.admits(OTHER.public)
    assert admission.roles(TICKET.raw) == frozenset()
    assert attempt(lambda: admission.join(OTHER.raw, Ask("join", "x", key=OTHER.raw), ())) == (
        "not-approved"
    )
    assert attempt(lambda: admission.join(TICKET.raw, Ask("join", "x"), ())) == "refused"


def test_a_ticket_names_where_the_broker_is_for_others(admission: Admission) -> None:
    made = admission.told(Ask("ticket-new", terms=TicketTerms(uses=2)), ())
    from pixmesh.broker.ticket import Ticket
    from pixmesh.broker.views import NewTicket

    assert isinstance(made, NewTicket)
    assert Ticket.read(made.text).addresses == (("10.0.0.1", 7710),)
    assert (made.view.uses, made.view.used, made.view.roles) == (2, 0, ("node", "submit"))
    assert attempt(lambda: admission.told(Ask("nonsense\x1b"), ())) == "refused"


def test_who_is_forgotten_is_to_be_cut(admission: Admission) -> None:
    kin = KeyPair.fresh()
    admission.members.join(ATLAS.raw, kin.raw, "gpu", NOW)
    admission.told(Ask("forget", "atlas"), ())
    assert set(admission.gone) == {ATLAS.member, kin.member}
    assert not admission.admits(ATLAS.public)
    assert [one.name for one in admission.members_shown()] == []


def test_who_waits_is_shown_with_what_both_screens_show(admission: Admission) -> None:
    admission.members.asks_in(OTHER.raw, "pi", "10.0.0.9", NOW)
    (waiting,) = admission.waiting_shown()
    assert (waiting.name, waiting.address) == ("pi", "10.0.0.9")
    assert waiting.fingerprint == admission.members.pairing(OTHER.raw)
    admission.told(Ask("approve", waiting.fingerprint), ())
    assert admission.roles(OTHER.raw) == {"node", "submit"}
