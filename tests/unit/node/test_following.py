"""What one connection of a follower makes of what it hears."""

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from pixmesh.broker import feed, wire
from pixmesh.broker.changes import Change, Whole, change
from pixmesh.broker.messages import Ask, Error, Message, Tell
from pixmesh.broker.views import Looked
from pixmesh.node.errors import PixmeshError
from pixmesh.node.net.address import Address
from pixmesh.node.net.following import Following, Shown, Told, _Talk
from pixmesh.tests.screens.story import later, node, preview, story

REFUSED = Error("not-allowed", "'preview' takes the admin or submit role", "ask there")


class Line:
    """A follower's connection: what it says is noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[Told] = []
        self.said: list[Ask] = []
        monkeypatch.setattr(feed, "PAGE", 200)
        following = Following(find=cast(Any, None))
        following._told = self.told.append
        us = SimpleNamespace(address=Address(host="127.0.0.1", port=7710))
        socket = SimpleNamespace(send_multipart=self._say)
        self.talk = _Talk(cast(Any, socket), cast(Any, us), following)
        self.following = following

    def _say(self, frames: list[bytes], _flags: int) -> None:
        message, _ = wire.decode(frames)
        assert isinstance(message, Ask)
        self.said.append(message)

    def hear(self, *messages: Message) -> None:
        for message in messages:
            self.talk._hear([bytes(one) for one in wire.encode(message)], 0.0)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(monkeypatch)


def pages_of(what: str, told: object) -> list[Message]:
    return feed.pages(what, msgspec.msgpack.encode(told))


def whole(number: int = 1) -> list[Message]:
    return pages_of(feed.WHOLE, Whole(number, story()))


def changed(number: int) -> list[Message]:
    return pages_of(
        feed.CHANGE, change(story(), later(story(), nodes=(node("x"), node("y"))), number)
    )


def test_pages_are_put_together_and_the_next_change_follows(line: Line) -> None:
    assert len(changed(2)) > 2
    line.hear(*whole(), *changed(2), *changed(3))
    assert [type(one) for one in line.told] == [Whole, Change, Change]


def test_an_answer_that_lost_a_page_is_dropped_and_all_is_asked_for_again(line: Line) -> None:
    line.hear(*whole())
    for missing in (0, 1, len(changed(2)) - 1):
        left = changed(2)
        del left[missing]
        line.hear(*left)
    line.hear(*changed(3))
    assert [type(one) for one in line.told] == [Whole]
    line.talk._ask(0.0)
    assert line.said == [Ask(what="follow", about="")]


def test_pages_of_answers_of_another_length_do_not_mix(line: Line) -> None:
    line.hear(*whole()[:-1], *changed(2)[1:], *whole(5))
    assert [type(one) for one in line.told] == [Whole]


def test_a_picture_is_of_the_node_that_the_answer_names(line: Line) -> None:
    line.hear(*pages_of("preview", Looked("pi4", preview(b"\xff\xd8"))))
    line.hear(*pages_of("preview", Looked("gone", None)))
    assert [one.node for one in line.told if isinstance(one, Shown)] == ["pi4", "gone"]


def test_who_may_not_look_goes_on_following_and_asks_no_more(line: Line) -> None:
    line.following.watch("atlas")
    line.talk._ask(0.0)
    line.hear(REFUSED, REFUSED)
    assert line.told == [Shown("atlas", None, REFUSED.text)] * 2
    line.talk._ask(100.0)
    assert [one.what for one in line.said] == ["follow", "preview", "follow"]


def test_who_may_not_follow_is_told_why(line: Line) -> None:
    with pytest.raises(PixmeshError, match="dashboards"):
        line.hear(Error("refused", "32 dashboards follow the mesh already", "close one"))
    with pytest.raises(PixmeshError, match="'follow'"):
        line.hear(Error("not-allowed", "'follow' takes another role", ""))


def test_what_is_no_message_of_ours_is_said(line: Line) -> None:
    with pytest.raises(PixmeshError, match="no pixmesh broker of this version"):
        line.talk._hear([b"HTTP/1.1 400"], 0.0)


def test_tells_of_what_nobody_asked_for_are_passed_over(line: Line) -> None:
    line.hear(Tell("weather", 0, 1, b""))
    assert line.told == []
