"""What the desk answers fits into messages, however much there is to tell."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest
from msgspec import structs

from pixmesh.broker import wire
from pixmesh.broker.admission import Admission
from pixmesh.broker.desk import TRUSTED, Asker, Desk
from pixmesh.broker.keys import KeyPair
from pixmesh.broker.members import (
    MOST_FROM_ONE,
    MOST_KIN,
    MOST_WAITING,
    NODE,
    SUBMIT,
    Members,
)
from pixmesh.broker.messages import (
    MOST_FOLDERS,
    PATH_LETTERS,
    Ask,
    Error,
    FolderItem,
    MemberId,
    Message,
    State,
    Tell,
)
from pixmesh.broker.names import listed
from pixmesh.broker.scheduler import Joined, Received, Scheduler
from pixmesh.broker.sessions import Route
from pixmesh.broker.views import Snapshot

from .records import hello

NOW = 50.0
WIDE = "\U00020000"  # a letter of four bytes


def name(number: int) -> str:
    return f"{number}".ljust(63, WIDE)


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Everywhere as many names as can be, each as long as can be."""
    members = Members(keep=lambda _members, _passes: None)
    members.issue(key(1), NOW, uses=3, seconds=60, roles=())
    for first in (1000, 2000, 3000):
        members.join(key(1), key(first), name(first), NOW)
        for kin in range(first + 1, first + 1 + MOST_KIN):
            members.join(key(first), key(kin), name(kin), NOW)
    for asker in range(MOST_WAITING):
        members.asks_in(key(4000 + asker), name(4000), f"10.0.0.{asker // MOST_FROM_ONE}", NOW)
    admission = Admission(
        tmp_path, KeyPair.fresh(), members, lambda: (["10.0.0.1"], 1), "desk", clock=lambda: NOW
    )
    scheduler = Scheduler(random=Random(1), now=0.0)
    for number in range(300):
        there = structs.replace(hello("node", name(number)), key=key(number))
        scheduler.handle(Joined(MemberId(number.to_bytes(8, "big")), there), NOW)
    return Desk(scheduler, lambda: "1", lambda: "here", lambda: NOW, admission=admission)


def orders() -> Iterator[Ask]:
    for what in ("drain", "resume", "retry", "approve", "forget", "ticket-revoke", "what"):
        yield from (Ask(what, about) for about in ("typo", "", "\U000e0001" * 256))
    yield Ask("approve", name(4000))


@pytest.mark.parametrize("ask", [*orders()], ids=lambda ask: f"{ask.what}-{len(ask.about)}")
def test_a_refusal_fits_into_a_message_and_is_understood(desk: Desk, ask: Ask) -> None:
    answers: list[Message] = desk.answers(ask, TRUSTED, NOW)
    (refusal,) = [wire.decode(wire.encode(one))[0] for one in answers]
    assert isinstance(refusal, Error)
    assert refusal.code == "refused"
    assert refusal.remedy


def test_as_many_folders_as_owners_can_tell_are_shown_in_pages_that_fit(desk: Desk) -> None:
    text = WIDE * PATH_LETTERS
    full = State(folders=(FolderItem(text, text, paused=text),) * MOST_FOLDERS)
    for number in range(9):
        owner = MemberId(b"owner" + number.to_bytes(3, "big"))
        there = structs.replace(hello("owner", name(number)), key=key(5000 + number))
        desk.scheduler.handle(Joined(owner, there), NOW)
        desk.scheduler.handle(Received(owner, full), NOW)
    answers = [
        wire.decode(wire.encode(one))[0] for one in desk.answers(Ask("status"), TRUSTED, NOW)
    ]
    pages = [one.body for one in answers if isinstance(one, Tell)]
    assert len(pages) == len(answers) > 9
    shown = msgspec.msgpack.decode(b"".join(pages), type=Snapshot)
    assert len(shown.folders) == 9 * MOST_FOLDERS


def test_few_names_are_listed_and_the_others_counted() -> None:
    assert listed([], "nobody") == "nobody"
    assert listed(["b", "a"], "nobody") == "a, b"
    assert listed(map(str, range(10)), "nobody") == "0, 1, 2, 3, 4, 5, 6, 7, and 2 more"


def test_pictures_are_shown_to_who_asks_for_work_and_not_to_who_only_works(desk: Desk) -> None:
    ask = Ask(what="preview", about=next(iter(desk.scheduler.nodes.values())).hello.name)
    (shown,) = desk.answers(ask, Asker(key(1), frozenset({SUBMIT})), NOW)
    assert isinstance(shown, Tell)
    (refused,) = desk.answers(ask, Asker(key(1), frozenset({NODE})), NOW)
    assert isinstance(refused, Error)
    assert refused.code == "not-allowed"
    assert "takes the admin or submit role" in refused.text


def test_who_may_not_follow_any_more_is_told_nothing_more(desk: Desk) -> None:
    route, follow = Route(1, b"ann"), Ask(what="follow")
    desk.answers(follow, Asker(key(1), frozenset({NODE})), NOW, route)
    (refused,) = desk.answers(follow, Asker(key(1), frozenset()), NOW, route)
    assert isinstance(refused, Error)
    assert desk.feed.tick(NOW + 1.0) == []
