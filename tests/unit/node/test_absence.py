"""A broker that is away for long is told of once, and so is that it is back."""

from pixmesh.node.absence import LONG_ENOUGH, Absence


def test_a_short_absence_is_not_worth_a_word() -> None:
    absence = Absence()
    looks = [(0.0, True), (1.0, False), (1.0 + LONG_ENOUGH / 2, False), (3.0, True), (4.0, True)]
    assert [absence.look(now, here=here) for now, here in looks] == [""] * len(looks)


def test_a_long_one_is_told_once_and_its_end_too() -> None:
    absence = Absence()
    looks = [(0.0, False), (LONG_ENOUGH, False), (60.0, False), (61.0, True), (62.0, True)]
    said = [absence.look(now, here=here) for now, here in looks]
    assert said == ["", "says nothing: waiting for it", "", "is back", ""]
    assert absence.look(63.0, here=False) == ""
    assert absence.look(63.0 + LONG_ENOUGH, here=False) == "says nothing: waiting for it"
