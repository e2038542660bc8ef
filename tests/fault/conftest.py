"""Every fault test's junit entry says what its judgements counted."""

from collections.abc import Iterator

import pytest

from pixmesh.tests.fault import checker


@pytest.fixture(autouse=True)
def counted(request: pytest.FixtureRequest) -> Iterator[None]:
    """Put what was lost and doubled beside the test's result."""
    checker.TALLY.lost = checker.TALLY.doubled = 0
    yield
    request.node.user_properties += [
        ("lost", checker.TALLY.lost),
        ("doubled", checker.TALLY.doubled),
    ]
