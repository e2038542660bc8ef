"""A result's bytes are the same in memory and in the spool."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from pixmesh.node.errors import UsageError
from pixmesh.node.net.address import DEFAULT_PORT, Address, parse_host
from pixmesh.node.owner.content import MemoryContent, Received, SpooledContent
from pixmesh.ops.digest import digest_of

Make = Callable[[int, list[str]], Received]


@pytest.fixture(params=["memory", "spool"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    def in_memory(size: int, closed: list[str]) -> Received:
        return MemoryContent(size, on_close=lambda: closed.append("closed"))

    def in_spool(size: int, closed: list[str]) -> Received:
        return SpooledContent(tmp_path / "r", size, on_close=lambda: closed.append("closed"))

    return in_memory if request.param == "memory" else in_spool


def test_bytes_come_out_as_they_came_in(make: Make, tmp_path: Path) -> None:
    closed: list[str] = []
    content = make(6, closed)
    content.write(3, b"def")
    content.write(0, memoryview(b"abc"))
    file = io.BytesIO()
    content.write_to(file)
    assert (content.size, content.bytes(), file.getvalue()) == (6, b"abcdef", b"abcdef")
    assert content.digest() == digest_of(b"abcdef")
    content.close()
    assert closed == ["closed"]
    content.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("studio", "studio", DEFAULT_PORT),
        (" studio:80 ", "studio", 80),
        ("[::1]", "::1", DEFAULT_PORT),
        ("[fe80::1]:99", "fe80::1", 99),
        ("::1", "::1", DEFAULT_PORT),
    ],
)
def test_an_address_is_read(text: str, host: str, port: int) -> None:
    assert parse_host(text) == (host, port)


@pytest.mark.parametrize("text", ["", "a b", "studio:0", "studio:65536", "[::1", "a:x"])
def test_what_is_no_address_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        parse_host(text)


def test_endpoints_are_beside_each_other() -> None:
    local = Address(folder=Path("run"))
    assert (local.control, local.relay(0)) == ("ipc://run/control", "ipc://run/relay")
    far = Address(host="::1", port=7, key=b"k")
    assert (far.control, far.relay(8), str(far)) == ("tcp://[::1]:7", "tcp://[::1]:8", "[::1]:7")
