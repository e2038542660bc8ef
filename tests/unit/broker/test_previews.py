"""Of each node the last picture is kept that was asked for; a node is asked once a second."""

import msgspec
import pytest

from pixmesh.broker.messages import MemberId
from pixmesh.broker.previews import ASK_AGAIN, MOST_BYTES, STALE, Previews
from pixmesh.broker.views import Preview, Thumbnail

NODE, OTHER = MemberId(b"node...."), MemberId(b"other...")


def shown(name: str = "a.jpg", jpeg: bytes = b"\xff\xd8") -> bytes:
    small = Thumbnail(6, 4, 100, jpeg)
    return msgspec.msgpack.encode(Preview(name, "canny", small, small, 0.1))


def test_a_node_is_asked_once_a_second_while_somebody_looks() -> None:
    previews = Previews()
    for now, asked in ((0.0, 1), (0.4, 1), (0.8, 1), (ASK_AGAIN, 2), (1.4, 2)):
        assert previews.wanted(NODE, now) is None
        assert previews.asking == [NODE] * asked


def test_what_it_shows_is_kept_with_its_age_until_it_is_old_or_the_node_is_gone() -> None:
    previews = Previews()
    previews.wanted(NODE, 0.0)
    assert previews.came(NODE, shown("a.jpg"), 1.0)
    assert previews.came(NODE, shown("b.jpg"), 2.0)
    last = previews.wanted(NODE, 5.0)
    assert last is not None
    assert (last.name, last.age) == ("b.jpg", 3.0)
    assert previews.wanted(OTHER, 5.0) is None
    assert previews.wanted(NODE, 3.0 + STALE) is None
    previews.came(NODE, shown("c.jpg"), 70.0)
    previews.forget(NODE)
    assert not previews.came(NODE, shown("d.jpg"), 71.0)
    assert previews.wanted(NODE, 71.0) is None


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x90", shown(jpeg=bytes(MOST_BYTES))])
def test_what_is_no_preview_or_too_large_is_not_kept(body: bytes) -> None:
    previews = Previews()
    previews.wanted(NODE, 0.0)
    assert not previews.came(NODE, body, 1.0)
    assert previews.wanted(NODE, 2.0) is None


def test_what_nobody_asked_for_is_not_kept() -> None:
    previews = Previews()
    assert not previews.came(NODE, shown(), 1.0)
