"""What may be asked of a picture, by how far it is and whether its owner lives."""

import pytest

from pixmesh.node.owner.row import State
from pixmesh.tui.wishes import (
    MOST_LINES,
    Answer,
    Refusal,
    Way,
    cancel_arrival,
    cancel_output,
    retry_arrival,
    retry_output,
    summed,
)

from .rows import arrival, row


def answer(source: str, what: str) -> Answer:
    return Answer(source=source, destination="", job=None, what=what)


def test_only_what_is_submitted_is_cancelled_by_its_owner_or_else_by_us() -> None:
    assert cancel_output(row(state=State.SUBMITTED), is_alive=True) is Way.OWNER
    assert cancel_output(row(state=State.SUBMITTED), is_alive=False) is Way.US


@pytest.mark.parametrize("state", [one for one in State if one is not State.SUBMITTED])
@pytest.mark.parametrize("is_alive", [True, False])
def test_what_cannot_be_cancelled_is_refused_with_what_can_be_done(
    state: State, is_alive: bool
) -> None:
    refused = cancel_output(row(state=state, reason="is broken"), is_alive=is_alive)
    assert isinstance(refused, Refusal)
    assert refused.why.startswith(("is ", "was ", "has "))
    assert refused.remedy
    assert ("is broken" in refused.why) == (state is State.FAILED)


@pytest.mark.parametrize("is_alive", [True, False])
def test_only_what_failed_or_was_cancelled_is_tried_again(is_alive: bool) -> None:
    for state in State:
        way = retry_output(row(state=state), is_alive=is_alive, is_there=True)
        assert (way is Way.OWNER) == (state in {State.FAILED, State.CANCELLED}), state


def test_what_is_done_is_made_anew_when_its_output_was_taken_away() -> None:
    assert retry_output(row(state=State.DONE), is_alive=False, is_there=False) is Way.OWNER
    assert isinstance(
        retry_output(row(state=State.SUBMITTED), is_alive=False, is_there=False), Refusal
    )


def test_what_a_dead_owner_left_is_no_more_under_way() -> None:
    for state in (State.SUBMITTED, State.COMMITTING):
        alive, dead = (
            retry_output(row(state=state), is_alive=one, is_there=True) for one in (True, False)
        )
        assert alive != dead
        assert isinstance(dead, Refusal)
        assert "same command" in dead.remedy


def test_a_file_to_come_is_kept_out_by_its_watcher_only_and_not_tried_again() -> None:
    assert cancel_arrival(arrival(), is_watched=True) is Way.OWNER
    assert isinstance(cancel_arrival(arrival(), is_watched=False), Refusal)
    assert retry_arrival(arrival(reason="is not whole")).why == "is waiting: is not whole"


def test_few_answers_are_told_one_by_one_and_many_in_sums() -> None:
    few = [answer(f"/{number}", "is cancelled") for number in range(MOST_LINES)]
    assert summed(few) == [f"/{number} is cancelled" for number in range(MOST_LINES)]
    assert summed([*few, answer("/x", "is too late")]) == [
        f"{MOST_LINES} pictures: is cancelled",
        "1 pictures: is too late",
    ]
