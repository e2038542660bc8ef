"""What the ledger knows of an output decides what is to be done, and nothing else does."""

from dataclasses import replace
from pathlib import Path

import pytest

from pixmesh.node.folder.decision import PASSING, Decision, Wish, decide, is_settled
from pixmesh.node.owner.job import FileIdentity, JobId
from pixmesh.node.owner.ledger import CANCELLED
from pixmesh.node.owner.row import Row, State

AS_IT_IS = FileIdentity(10, 20, 30)
WISH = Wish(AS_IT_IS, "blur ksize=5", "same")


def row(state: State, code: str = "") -> Row:
    return Row(
        destination=Path("/out/a.jpg"),
        source=Path("/in/a.jpg"),
        identity=AS_IT_IS,
        digest=b"d",
        job=JobId(b"j"),
        recipe=WISH.recipe,
        output=WISH.output,
        state=state,
        owner="o",
        code=code,
    )


def decided(
    found: Row | None, *, ours: bool = False, alive: bool = False, retry: bool = False
) -> Decision:
    return decide(found, WISH, is_ours=ours, is_alive=alive, retry=retry)


def test_what_is_not_known_is_made() -> None:
    assert decided(None) is Decision.MAKE


@pytest.mark.parametrize(
    ("state", "code", "decision"),
    [
        (State.DONE, "", Decision.WRITTEN),
        (State.FAILED, "corrupt", Decision.FAILED),
        (State.CANCELLED, CANCELLED, Decision.FAILED),
        (State.CANCELLED, "", Decision.MAKE),
        *((State.FAILED, code, Decision.MAKE) for code in sorted(PASSING)),
    ],
)
def test_what_had_its_outcome_keeps_it_while_the_file_is_as_it_was(
    state: State, code: str, decision: Decision
) -> None:
    assert decided(row(state, code)) is decision
    assert is_settled(row(state, code), WISH) is (decision is not Decision.MAKE)


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.CANCELLED])
@pytest.mark.parametrize(
    "change",
    [{"identity": FileIdentity(11, 20, 30)}, {"recipe": "canny"}, {"output": "png"}],
    ids=["content", "recipe", "output"],
)
def test_another_content_recipe_or_format_is_made(state: State, change: dict[str, object]) -> None:
    found = replace(row(state, "corrupt"), **change)  # type: ignore[arg-type]
    assert decided(found) is Decision.MAKE
    assert not is_settled(found, WISH)


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.CANCELLED])
def test_what_a_person_asks_for_again_is_made_again(state: State) -> None:
    assert decided(row(state, "corrupt"), retry=True) is Decision.MAKE


@pytest.mark.parametrize("state", [State.SUBMITTED, State.COMMITTING])
def test_what_another_living_owner_makes_is_left_to_it(state: State) -> None:
    assert decided(row(state), alive=True) is Decision.BUSY
    assert decided(row(state), alive=True, retry=True) is Decision.BUSY


def test_what_a_dead_owner_left_is_finished_or_made() -> None:
    assert decided(row(State.COMMITTING)) is Decision.FINISH
    assert decided(row(State.SUBMITTED)) is Decision.MAKE
    other = replace(row(State.COMMITTING), recipe="canny")
    assert decided(other) is Decision.MAKE
    assert decided(row(State.COMMITTING), ours=True, alive=True) is Decision.MAKE
