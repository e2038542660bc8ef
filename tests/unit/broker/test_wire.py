"""Every message survives the wire; whatever is no message is a WireError and nothing else."""

import contextlib

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixmesh.broker import messages, wire
from pixmesh.broker.messages import (
    CHUNK_BYTES,
    INLINE_BYTES,
    KINDS,
    MOST_FOLDERS,
    PATH_LETTERS,
    Chunk,
    FolderItem,
    Kind,
    Load,
    Message,
    State,
)
from pixmesh.broker.wire import LIST_LIMIT, SHORT_LIMIT, WireError, decode, encode

from .shapes import built, named

ID16 = bytes(16)
WIDE = "\U00020000"  # a letter of four bytes
FOLDER = {"source": "in", "out": "out"}


def frame(kind: int, body: bytes, *, version: int = wire.HIGHEST_VERSION) -> bytes:
    return wire.MAGIC + bytes([version, kind]) + body


def assert_refused(code: str, frames: list[bytes]) -> None:
    with pytest.raises(WireError) as caught:
        decode(frames)
    assert caught.value.code == code
    assert caught.value.text


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_each_kind_has_one_shape_and_comes_back_as_it_went(kind: Kind) -> None:
    assert KINDS[messages.TYPES[kind]] is kind

    @settings(max_examples=8, suppress_health_check=list(HealthCheck))
    @given(built(messages.TYPES[kind]))
    def comes_back(message: Message) -> None:
        payload = b"pixels" if kind is Kind.CHUNK else None
        assert decode(encode(message, payload)) == (message, payload)

    comes_back()


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_a_field_of_another_type_is_refused(kind: Kind) -> None:
    wrong: dict[str, object] = dict.fromkeys(named(messages.TYPES[kind]), msgpack.Timestamp(1))
    tail = [b""] if kind is Kind.CHUNK else []
    assert_refused("malformed", [frame(kind, msgpack.packb(wrong)), *tail])


@pytest.mark.parametrize(
    ("code", "frames"),
    [
        ("frame-count", []),
        ("frame-count", [b""] * 100_000),
        ("frame-count", [frame(Kind.STATE, b"\x80"), b"more"]),
        ("frame-count", [frame(Kind.CHUNK, b"\x80")]),
        ("frame-count", [frame(Kind.CHUNK, b"\x80"), b"", b""]),
        ("not-pixmesh", [b""]),
        ("not-pixmesh", [b"PXM\x01"]),
        ("not-pixmesh", [b"HTTP/1.1"]),
        ("version", [frame(Kind.STATE, b"\x80", version=0)]),
        ("version", [frame(Kind.STATE, b"\x80", version=wire.HIGHEST_VERSION + 1)]),
        ("unknown-kind", [frame(0, b"\x80")]),
        ("unknown-kind", [frame(255, b"\x80")]),
        ("too-long", [frame(Kind.STATE, bytes(LIST_LIMIT + 1))]),
        ("too-long", [frame(Kind.WINDOW, bytes(SHORT_LIMIT + 1))]),
        ("too-long", [frame(Kind.CHUNK, b"\x80"), bytes(CHUNK_BYTES + 1)]),
        ("malformed", [frame(Kind.STATE, b"")]),
        ("malformed", [frame(Kind.STATE, b"\xc1")]),
        ("malformed", [frame(Kind.STATE, b"\x80\x80")]),
        ("malformed", [frame(Kind.STATE, b"\x90")]),
        ("malformed", [frame(Kind.STATE, b"\x91" * 200_000)]),
        ("malformed", [frame(Kind.STATE, b"\xdd\xff\xff\xff\xff")]),
        ("malformed", [frame(Kind.STATE, b"\xc6\xff\xff\xff\xff")]),
        ("malformed", [frame(Kind.STATE, msgpack.packb({1: 2}))]),
        ("malformed", [frame(Kind.STATE, b"\x81\x90\x01")]),
        ("malformed", [frame(Kind.NOTE, b"\x82\xa4code\xa1\xff\xa4text\xa0")]),
    ],
)
def test_what_is_no_message_is_refused_by_name(code: str, frames: list[bytes]) -> None:
    assert_refused(code, frames)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Kind.GET, {"token": ID16, "offset": -1, "credit": 1}),
        (Kind.GET, {"token": ID16, "offset": 2**49, "credit": 1}),
        (Kind.GET, {"token": ID16, "offset": 0, "credit": 17}),
        (Kind.GET, {"token": ID16, "offset": 0, "credit": 0}),
        (Kind.GET, {"token": bytes(15), "offset": 0, "credit": 1}),
        (Kind.GET, {"token": ID16, "offset": 0}),
        (Kind.STATE, {"seen": 1.5}),
        (Kind.STATE, {"seen": True}),
        (Kind.STATE, {"seen": msgpack.Timestamp(1)}),
        (Kind.STATE, {"seen": msgpack.ExtType(4, b"x")}),
        (Kind.STATE, {"held": [[1, 9]]}),
        (Kind.STATE, {"held": [[2**63, 0]]}),
        (Kind.STATE, {"folders": [FOLDER] * (MOST_FOLDERS + 1)}),
        (Kind.STATE, {"folders": [{**FOLDER, "source": "x" * (PATH_LETTERS + 1)}]}),
        (Kind.STATE, {"folders": [{**FOLDER, "out": "x" * (PATH_LETTERS + 1)}]}),
        (Kind.STATE, {"folders": [{**FOLDER, "paused": "x" * (PATH_LETTERS + 1)}]}),
        (Kind.STATE, {"folders": [{**FOLDER, "paused": None}]}),
        (Kind.STATE, {"folders": [{**FOLDER, "waiting": -1}]}),
        (Kind.STATE, {"folders": [{**FOLDER, "written": 2**48 + 1}]}),
        (Kind.STATE, {"folders": [{"source": "in"}]}),
        (Kind.STATE, {"folders": FOLDER}),
        (Kind.NOTE, {"code": "x" * 65, "text": ""}),
        (Kind.NOTE, {"code": "", "text": "x" * 1001}),
        (Kind.SUBMIT, {"seq": 1, "batch": 1, "recipe": "r" * 4001, "output": "", "tasks": []}),
    ],
)
def test_a_value_out_of_its_range_is_refused(kind: Kind, fields: dict[str, object]) -> None:
    assert_refused("malformed", [frame(kind, msgpack.packb(fields))])


def test_as_much_as_an_owner_may_tell_of_folders_fits_into_a_message() -> None:
    text, most = WIDE * PATH_LETTERS, 2**48
    folder = FolderItem(text, text, most, most, most, most, most, text)
    told = State(2**48, (), None, 2**48, 2**48, 2**48, (folder,) * MOST_FOLDERS)
    assert decode(encode(told)) == (told, None)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0])
def test_durations_are_numbers(seconds: float) -> None:
    task = [ID16, ID16, 1, bytes(32), seconds, 1, None]
    fields = {"seq": 1, "batch": 1, "recipe": "blur", "output": "", "tasks": [task]}
    assert_refused("malformed", [frame(Kind.SUBMIT, msgpack.packb(fields))])


@pytest.mark.parametrize("load", [float("nan"), float("inf"), -1.0, 1e308])
@pytest.mark.parametrize("field", named(Load))
def test_loads_are_numbers_that_people_can_read(field: str, load: float) -> None:
    assert_refused("malformed", [frame(Kind.STATE, msgpack.packb({"load": {field: load}}))])


def test_inline_pixels_have_a_limit() -> None:
    task = [ID16, ID16, 1, bytes(32), 1.0, 1, bytes(INLINE_BYTES + 1)]
    fields = {"seq": 1, "batch": 1, "recipe": "blur", "output": "", "tasks": [task]}
    assert_refused("malformed", [frame(Kind.SUBMIT, msgpack.packb(fields))])


def test_a_field_that_a_later_version_adds_is_passed_over() -> None:
    assert decode([frame(Kind.STATE, msgpack.packb({"seen": 3, "later": [1]}))])[0] == State(seen=3)


@settings(max_examples=150)
@given(st.lists(st.binary(max_size=60), max_size=3))
def test_random_frames_are_refused(frames: list[bytes]) -> None:
    assert_only_wire_errors(frames)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_fields_that_hold_anything_are_refused_or_a_message(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(Kind)))
    names = st.sampled_from(named(messages.TYPES[kind]))
    fields = data.draw(st.dictionaries(names, ANYTHING) | ANYTHING)
    tail = [b""] if kind is Kind.CHUNK else []
    assert_only_wire_errors([frame(kind, msgpack.packb(fields)), *tail])


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_message_with_one_byte_changed_is_refused_or_a_message(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(Kind)))
    message = data.draw(built(messages.TYPES[kind]))
    frames = [bytearray(one) for one in encode(message, b"" if kind is Kind.CHUNK else None)]
    frames[0][data.draw(st.integers(0, len(frames[0]) - 1))] = data.draw(st.integers(0, 255))
    assert_only_wire_errors([bytes(one) for one in frames])


def assert_only_wire_errors(frames: list[bytes]) -> None:
    """Decode; a WireError is as good as a message, any other exception ends the test."""
    with contextlib.suppress(WireError):
        message, _ = decode(frames)
        assert type(message) in KINDS


def test_a_message_too_long_to_send_is_refused_here() -> None:
    chunk = Chunk(token=ID16, offset=0)
    assert decode(encode(chunk, memoryview(bytes(CHUNK_BYTES))))[0] == chunk
    with pytest.raises(WireError) as caught:
        encode(messages.Settled(tuple([2**62] * 30_000)))
    assert caught.value.code == "too-long"


def test_frames_may_be_views() -> None:
    message = State(seen=4)
    assert decode([memoryview(bytes(one)) for one in encode(message)])[0] == message
