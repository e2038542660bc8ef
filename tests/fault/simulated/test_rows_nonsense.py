"""Row 33 on a virtual clock: members that say anything at all in messages of the right shape."""

import traceback

import pytest

from .mischief import Mischief

SEEDS, AT_ONCE, STEPS = 300, 30, 150


def trouble(seed: int) -> str:
    """Return what broke; nothing if nothing did."""
    mischief = Mischief(seed)
    try:
        for _ in range(STEPS):
            mischief.step()
    except Exception:  # noqa: BLE001  # whatever it is would have ended the broker
        return traceback.format_exc()
    return ""


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_row33_S_whatever_members_say_the_broker_goes_on_and_is_understood(first: int) -> None:
    """Its tables stay consistent, and nothing that it says is out of its range."""
    broken = {seed: error for seed in range(first, first + AT_ONCE) if (error := trouble(seed))}
    assert broken == {}
