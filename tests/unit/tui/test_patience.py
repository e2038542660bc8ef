"""When a batch is said to wait, and when it is given up, on a virtual clock."""

from pixmesh.tui.patience import Patience


def test_nobody_is_asked_while_pictures_end() -> None:
    patience = Patience(30.0)
    assert not any(patience.should_ask(second, float(second)) for second in range(100))


def test_the_broker_is_asked_when_nothing_has_ended_for_a_moment() -> None:
    patience = Patience(30.0)
    assert not patience.should_ask(5, 0.0)
    assert not patience.should_ask(5, 0.9)
    assert patience.should_ask(5, 1.0)


def test_a_reason_is_said_once_and_again_when_it_changes() -> None:
    patience = Patience(30.0)
    assert "no node is connected; giving up in 30 s" in patience.told("no node is connected", 1.0)
    assert patience.told("no node is connected", 2.0) == ""
    assert "no node has u2net; giving up in 28 s" in patience.told("no node has u2net", 3.0)


def test_it_is_over_after_the_wait_and_not_before() -> None:
    patience = Patience(30.0)
    patience.told("no node is connected", 10.0)
    assert not patience.is_over(39.9)
    assert patience.is_over(40.0)


def test_an_ended_picture_or_a_reason_gone_begins_anew() -> None:
    patience = Patience(30.0)
    patience.should_ask(1, 0.0)
    patience.told("no node is connected", 10.0)
    patience.told("", 20.0)
    assert not patience.is_over(41.0)
    patience.told("no node is connected", 50.0)
    patience.should_ask(2, 60.0)
    assert not patience.is_over(81.0)


def test_work_that_merely_takes_long_is_never_given_up() -> None:
    patience = Patience(30.0)
    for second in range(1000):
        patience.should_ask(0, float(second))
        assert patience.told("", float(second)) == ""
        assert not patience.is_over(float(second))
