"""Waiting ends at the first truthy value, or at the deadline with a reason."""

import time

import pytest

from pixmesh.tests.support.eventually import eventually


def test_the_first_truthy_value_comes_back() -> None:
    answers = iter([0, 0, 7, 8])
    assert eventually(lambda: next(answers)) == 7


def test_an_exception_is_not_yet_an_answer() -> None:
    tries: list[int] = []

    def appears() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise FileNotFoundError("not there yet")
        return "there"

    assert eventually(appears) == "there"
    assert len(tries) == 3


def test_the_deadline_tells_the_last_value_and_keeps_time() -> None:
    began = time.monotonic()
    with pytest.raises(AssertionError, match=r"three nodes within 0.05 s; last time it was \[\]"):
        eventually(list, deadline=0.05, message="three nodes")
    assert 0.05 <= time.monotonic() - began < 1


def test_the_deadline_tells_the_last_exception_and_chains_it() -> None:
    def broken() -> bool:
        raise ValueError("no such node")

    with pytest.raises(AssertionError, match="no such node") as caught:
        eventually(broken, deadline=0.01)
    assert isinstance(caught.value.__cause__, ValueError)
