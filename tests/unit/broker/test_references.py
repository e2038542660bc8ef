"""References pass through the broker as their owner told of them, and nothing larger does."""

import msgspec
import pytest
from msgspec import Struct, structs

from pixmesh.broker import wire
from pixmesh.broker.messages import (
    MOST_REFERENCES,
    REFERENCE_BYTES,
    Assign,
    ReferenceItem,
    Submit,
    Work,
)

from .records import LATER, NODE, OWNER, Talk, submit

ONE = ReferenceItem(b"t" * 16, b"d" * 32, 40_000)
TWO = ReferenceItem(b"u" * 16, b"e" * 32, REFERENCE_BYTES)


def works(talk: Talk) -> list[Work]:
    assigns = [one for one in talk.heard_by(NODE) if isinstance(one, Assign)]
    return [work for one in assigns for work in one.works]


def test_a_node_is_told_of_a_batchs_references_with_its_attempts() -> None:
    talk = Talk()
    talk.node()
    talk.owner()
    talk.hear(OWNER, structs.replace(submit(1, 2), references=(ONE, TWO)))
    talk.hear(OWNER, submit(3, batch=2, seq=2))
    told = {work.references for work in works(talk)}
    assert told == {(ONE, TWO), ()}


def test_a_broker_that_starts_anew_is_told_again_and_tells_again() -> None:
    asked = structs.replace(submit(1), references=(ONE,))
    for _ in range(2):
        talk = Talk(now=LATER)
        talk.node()
        talk.owner()
        talk.hear(OWNER, asked)
        assert [work.references for work in works(talk)] == [(ONE,)]


def raw(**more: object) -> list[bytes]:
    """Return the frames of a SUBMIT with anything in it."""
    said = msgspec.to_builtins(submit(1), builtin_types=(bytes,)) | more
    prefix = bytes(wire.encode(submit(1))[0][: wire.PREFIX_BYTES])
    return [prefix + msgspec.msgpack.encode(said)]


@pytest.mark.parametrize(
    "references",
    [
        [[b"t" * 16, b"d" * 32, REFERENCE_BYTES + 1]],
        [[b"t" * 16, b"d" * 32, 0]],
        [[b"t" * 16, b"d" * 32, -1]],
        [[b"t" * 15, b"d" * 32, 9]],
        [[b"t" * 16, b"../" * 11, 9]],
        [[b"t" * 16, "d" * 32, 9]],
        [[b"t" * 16, b"d" * 32]],
        [[b"t" * 16, b"d" * 32, 9]] * (MOST_REFERENCES + 1),
        "none",
    ],
)
def test_what_is_out_of_its_range_is_malformed(references: object) -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.decode(raw(references=references))
    assert caught.value.code == "malformed"


def test_the_most_there_may_be_fits() -> None:
    many = [[b"t" * 16, bytes([n]) * 32, 9] for n in range(MOST_REFERENCES)]
    message, _ = wire.decode(raw(references=many))
    assert isinstance(message, Submit)
    assert len(message.references) == MOST_REFERENCES


class OlderWork(Struct, frozen=True, array_like=True):
    """A Work as it was before there were references."""

    owner: bytes
    recipe: str
    output: str


def test_older_peers_and_newer_ones_read_each_other() -> None:
    newer = Work(OWNER, "blur", "", (ONE,))
    older = OlderWork(OWNER, "blur", "")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(newer), type=OlderWork) == older
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(older), type=Work) == Work(
        OWNER, "blur", ""
    )
    assert wire.decode(raw())[0] == submit(1)
