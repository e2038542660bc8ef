"""What owners may have outstanding is bounded, and shared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from pixmesh.broker import windows
from pixmesh.broker.messages import Drop, State, Window
from pixmesh.broker.windows import ALL_BYTES, ALL_TASKS, WINDOW_BYTES, WINDOW_TASKS, Stock

from .records import OTHER, OWNER, Talk, item, submit, task_id


def test_an_owner_alone_may_have_the_whole_window() -> None:
    room = Stock(owners=1).window(0, 0)
    assert (room.tasks, room.bytes) == (WINDOW_TASKS, WINDOW_BYTES)


def test_what_is_left_is_shared() -> None:
    room = Stock(owners=10, tasks=ALL_TASKS - 1000, bytes=ALL_BYTES - 500).window(7, 3)
    assert (room.tasks, room.bytes) == (107, 53)


def test_when_nothing_is_left_a_newcomer_waits() -> None:
    room = Stock(owners=2, tasks=ALL_TASKS, bytes=ALL_BYTES).window(0, 0)
    assert (room.tasks, room.bytes) == (0, 0)


@given(st.integers(1, 500), st.integers(0, ALL_TASKS), st.integers(0, ALL_TASKS))
def test_windows_filled_together_stay_below_the_cap(owners: int, tasks: int, mine: int) -> None:
    stock = Stock(owners=owners, tasks=tasks)
    room = stock.window(mine, 0)
    assert room.tasks - mine <= max(0, ALL_TASKS - tasks) // owners
    assert room.tasks <= WINDOW_TASKS


def window(talk: Talk) -> Window:
    talk.hear(OWNER, State())
    return [one for one in talk.heard_by(OWNER) if isinstance(one, Window)][-1]


def test_the_window_closes_as_tasks_come_and_opens_as_they_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(windows, "ALL_TASKS", 8)
    talk = Talk()
    talk.owner()
    talk.owner(OTHER)
    assert window(talk).tasks == 4
    talk.hear(OTHER, submit(*range(1, 9)))
    assert window(talk).tasks == 0
    talk.hear(OWNER, submit(20, 21, 22))
    assert (window(talk).seen, window(talk).held) == (0, 2)
    talk.hear(OTHER, Drop(tasks=tuple(task_id(n) for n in range(1, 9))))
    talk.hear(OWNER, submit(20, 21, 22))
    assert (window(talk).seen, window(talk).held) == (1, 3)


def test_inline_pixels_count_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW_BYTES", 1000)
    talk = Talk()
    talk.owner()
    heavy = tuple(structs.replace(item(number), inline=bytes(600)) for number in range(1, 9))
    talk.hear(OWNER, structs.replace(submit(), tasks=heavy))
    owner = talk.scheduler.owners[OWNER]
    assert (len(owner.tasks), owner.bytes, owner.seen) == (3, 1800, 0)
    assert window(talk).bytes == 1000
    talk.hear(OWNER, Drop(tasks=(task_id(1),)))
    assert owner.bytes == 1200


def test_inline_pixels_of_all_owners_together_have_a_cap_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(windows, "ALL_BYTES", 1000)
    talk = Talk()
    talk.owner()
    talk.owner(OTHER)
    heavy = tuple(structs.replace(item(number), inline=bytes(1000)) for number in range(1, 9))
    talk.hear(OTHER, structs.replace(submit(), tasks=heavy))
    assert len(talk.scheduler.owners[OTHER].tasks) == 2
    talk.hear(OWNER, structs.replace(submit(), tasks=heavy))
    assert (window(talk).bytes, window(talk).held, window(talk).seen) == (0, 0, 0)
    talk.hear(OTHER, Drop(tasks=(task_id(1), task_id(2))))
    talk.hear(OWNER, structs.replace(submit(), tasks=heavy))
    assert window(talk).held == 2
