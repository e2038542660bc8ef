"""Weights are found where they are, fetched whole or not at all, and used only when right."""

import hashlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pixmesh.node.errors import PixmeshError, UsageError
from pixmesh.node.weights import WeightsCache
from pixmesh.ops.errors import PictureError
from pixmesh.ops.weights import WEIGHTS, Weights, WeightsFile

CONTENT = bytes(range(256)) * 20_000


@dataclass(slots=True)
class Shop:
    """A server of files, which can be told to misbehave; ``asked`` are the offsets asked for."""

    files: dict[str, bytes]
    cut_at: int | None = None
    ranges: bool = True
    asked: list[int] = field(default_factory=list)
    port: int = 0

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        content = self.files.get(request.path[1:])
        if content is None:
            request.send_error(404)
            return
        told = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        start = int(told[1]) if told and self.ranges else 0
        self.asked.append(int(told[1]) if told else 0)
        body = content[start:]
        request.send_response(206 if told and self.ranges else 200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body if self.cut_at is None else body[: self.cut_at])
        request.close_connection = True


@pytest.fixture
def shop() -> Iterator[Shop]:
    known = Shop({"a.bin": CONTENT, "b.bin": b"b" * 1000})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        known.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield known
        finally:
            server.shutdown()
            thread.join()


def cache_of(shop: Shop, folder: Path, elsewhere: tuple[str, ...] = ()) -> WeightsCache:
    files = tuple(
        WeightsFile(
            name,
            len(content),
            hashlib.sha256(content).hexdigest(),
            f"http://127.0.0.1:{shop.port}/{name}",
        )
        for name, content in shop.files.items()
    )
    one = Weights(name="toy", help="h", source="s", licence="MIT", files=files, elsewhere=elsewhere)
    return WeightsCache(folder / "models", folder / "home", {"toy": one})


def test_what_another_process_fetches_is_left_to_it(shop: Shop, tmp_path: Path) -> None:
    cache = cache_of(shop, tmp_path)
    place = cache.folder / "toy"
    place.mkdir(parents=True)
    holds = "import sys\nfrom pixmesh.broker.locks import lock_now\n"
    holds += "file = open(sys.argv[1], 'ab')\nprint(lock_now(file), flush=True)\ninput()"
    words = [sys.executable, "-P", "-c", holds, str(cache.folder / ".toy.lock")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        with pytest.raises(PixmeshError, match="another pixmesh fetches"):
            cache.pull("toy")
        other.communicate(b"\n")
    assert cache.pull("toy") == place


def test_all_files_are_fetched_once_and_each_is_right(shop: Shop, tmp_path: Path) -> None:
    cache = cache_of(shop, tmp_path)
    assert cache.where("toy") is None
    told: list[tuple[str, int, int]] = []
    place = cache.pull("toy", lambda *how: told.append(how))
    assert {path.name: path.read_bytes() for path in place.iterdir()} == shop.files
    assert told[-1] == ("b.bin", 1000, 1000)
    sizes = [here for name, here, _ in told if name == "a.bin"]
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(CONTENT)
    assert cache.pull("toy") == cache.find("toy") == place
    assert shop.asked == [0, 0]


def test_a_download_that_was_cut_off_goes_on_where_it_ended(shop: Shop, tmp_path: Path) -> None:
    cache, shop.cut_at = cache_of(shop, tmp_path), 1_000_000
    with pytest.raises(PixmeshError, match="cannot be fetched") as lost:
        cache.pull("toy")
    assert "it goes on there" in lost.value.remedy
    assert cache.where("toy") is None
    shop.cut_at = None
    place = cache.pull("toy")
    assert (place / "a.bin").read_bytes() == CONTENT
    assert shop.asked == [0, 1_000_000, 0]
    assert sorted(path.name for path in place.iterdir()) == ["a.bin", "b.bin"]


def test_a_server_that_knows_no_offsets_is_asked_for_all_again(shop: Shop, tmp_path: Path) -> None:
    cache, shop.cut_at = cache_of(shop, tmp_path), 1_000_000
    with pytest.raises(PixmeshError):
        cache.pull("toy")
    shop.cut_at, shop.ranges = None, False
    assert (cache.pull("toy") / "a.bin").read_bytes() == CONTENT


def test_what_comes_wrong_is_thrown_away_and_never_used(shop: Shop, tmp_path: Path) -> None:
    cache = cache_of(shop, tmp_path)
    for wrong in (CONTENT[:-1] + b"x", CONTENT + b"more"):
        shop.files["a.bin"] = wrong
        with pytest.raises(PixmeshError, match=r"is not a\.bin"):
            cache.pull("toy")
        assert cache.where("toy") is None
        assert list((tmp_path / "models" / "toy").iterdir()) == []
    shop.files["a.bin"] = CONTENT
    cache.pull("toy")


def test_what_is_damaged_later_is_seen_and_fetched_anew(shop: Shop, tmp_path: Path) -> None:
    cache = cache_of(shop, tmp_path)
    path = cache.pull("toy") / "a.bin"
    look = path.stat()
    path.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(PictureError, match="the weights of toy are missing"):
        cache.find("toy")
    assert cache.wrong("toy", path.parent) == cache.wrong("toy", path.parent, anew=True)
    assert "should have" in cache.wrong("toy", path.parent)[0]
    # Damage that leaves no trace in the folder is seen when all is read again.
    os.utime(path, ns=(look.st_atime_ns, look.st_mtime_ns))
    assert cache.wrong("toy", path.parent, anew=True)
    path.unlink()
    cache.pull("toy")
    assert path.read_bytes() == CONTENT


def test_what_another_program_has_is_used_where_it_lies(shop: Shop, tmp_path: Path) -> None:
    cache = cache_of(shop, tmp_path, elsewhere=(".theirs",))
    theirs = tmp_path / "home" / ".theirs"
    theirs.mkdir(parents=True)
    for name, content in shop.files.items():
        (theirs / name).write_bytes(content)
    assert cache.pull("toy") == theirs
    assert shop.asked == []
    (theirs / "b.bin").write_bytes(b"c" * 1000)
    assert cache.where("toy") is None


def test_what_was_checked_is_not_read_again(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = cache_of(shop, tmp_path)
    cache.pull("toy")

    def never(*_: object) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr(hashlib, "file_digest", never)
    cache.find("toy")
    monkeypatch.undo()
    (tmp_path / "models" / "toy" / "b.bin").write_bytes(b"c" * 1000)
    assert cache.where("toy") is None
    monkeypatch.setattr(hashlib, "file_digest", never)
    assert cache.where("toy") is None  # nor what is known to be wrong
    (tmp_path / "models" / "seen.json").write_text("nonsense")
    with pytest.raises(AssertionError):
        cache.find("toy")


def test_a_server_that_is_not_there_or_has_nothing_is_said(shop: Shop, tmp_path: Path) -> None:
    cache = cache_of(shop, tmp_path)
    shop.files.clear()
    with pytest.raises(PixmeshError, match="404"):
        cache.pull("toy")
    one = WeightsFile("a.bin", 1, "0" * 64, "http://127.0.0.1:9/a.bin")
    away = Weights(name="toy", help="h", source="s", licence="MIT", files=(one,))
    with pytest.raises(PixmeshError, match="refused") as lost:
        WeightsCache(tmp_path / "models", tmp_path, {"toy": away}).pull("toy")
    assert "copy a.bin from another machine" in lost.value.remedy


def test_a_disk_without_room_is_said_before_anything_is_fetched(shop: Shop, tmp_path: Path) -> None:
    one = WeightsFile("a.bin", 1 << 60, "0" * 64, f"http://127.0.0.1:{shop.port}/a.bin")
    huge = Weights(name="toy", help="h", source="s", licence="MIT", files=(one,))
    with pytest.raises(PixmeshError, match="has room for"):
        WeightsCache(tmp_path / "models", tmp_path, {"toy": huge}).pull("toy")
    assert shop.asked == []


def test_a_name_that_there_is_not_is_said() -> None:
    with pytest.raises(UsageError, match="there is no model 'u2nett'"):
        WeightsCache.open().pull("u2nett")


@pytest.mark.parametrize("one", WEIGHTS.values(), ids=list(WEIGHTS))
def test_the_table_is_whole(one: Weights) -> None:
    assert one.help
    assert one.licence
    assert one.source
    for file in one.files:
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert file.size > 0
        assert file.url.startswith("https://")
        assert "/" not in file.name
