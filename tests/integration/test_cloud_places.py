"""IN and OUT far away, each way of reaching them: names, what is taken, and what is refused.

In this process, with real servers. What a watcher makes of them is in `test_watch_cloud`.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import boto3
import fsspec.asyn
import fsspec.config
import psutil
import pytest

from pixmesh.node.errors import UsageError
from pixmesh.node.folder.cloud import open_inlet, open_outlet
from pixmesh.node.folder.cloud.inlet import CloudInlet
from pixmesh.node.folder.inlet import Kind
from pixmesh.node.folder.outlet import Outlet
from pixmesh.node.folder.places import as_path
from pixmesh.node.owner.content import InlineContent
from pixmesh.tests.integration.drops import encoded
from pixmesh.tests.support.cloud import (
    SECRET,
    s3_server,
    s3_settings,
    sftp_server,
    smb_server,
)
from pixmesh.tests.support.meshes import free_ports

NAMES = ("plain.png", "a [1].png", "what?.png", "n#1.png", "50%41.png", "x/ü &+.png")


class Place(Protocol):
    """A folder far away, seen from behind."""

    url: str

    def put(self, name: str, data: bytes) -> None: ...

    def files(self) -> dict[str, bytes]: ...


@dataclass(slots=True)
class Shared:
    """A folder that a server shares."""

    url: str
    folder: Path

    def put(self, name: str, data: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def files(self) -> dict[str, bytes]:
        paths = [path for path in self.folder.rglob("*") if path.is_file()]
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}


@dataclass(slots=True)
class Bucket:
    """A bucket."""

    url: str
    client: Any
    name: str = field(default="shelf")

    def put(self, name: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=name, Body=data)

    def files(self) -> dict[str, bytes]:
        keys = [one["Key"] for one in self._page().get("Contents", ())]
        return {key: self._body(key) for key in keys}

    def _page(self) -> dict[str, Any]:
        return dict(self.client.list_objects_v2(Bucket=self.name))

    def _body(self, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=self.name, Key=key)["Body"].read())


@pytest.fixture(scope="module", autouse=True)
def threads_of_fsspec() -> None:
    """Start those that last as long as the process, before leaks are counted."""
    fsspec.asyn.sync(fsspec.asyn.get_loop(), asyncio.to_thread, int)


@pytest.fixture(params=["s3", "sftp", "smb"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    with opened(request.param, tmp_path, monkeypatch) as found:
        yield found


@contextlib.contextmanager
def opened(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    home, port = folder / "home", free_ports()
    if kind == "s3":
        with bucket(port, folder, monkeypatch) as found:
            yield found
    elif kind == "sftp":
        with sftp_server(port, home) as url:
            monkeypatch.setenv("HOME", str(home))
            yield Shared(url, home / "shared")
    else:
        with smb_server(port, home) as (url, _):
            settings = {"username": "root", "password": SECRET}
            monkeypatch.setitem(fsspec.config.conf, "smb", settings)
            yield Shared(url, home / "shared")


@contextlib.contextmanager
def bucket(port: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name, value in s3_settings("127.0.0.1", port).items():
        monkeypatch.setenv(name, value)
    with s3_server(port, folder / "s3.log") as url:
        client = boto3.client("s3", endpoint_url=url)
        client.create_bucket(Bucket="shelf")
        yield Bucket("s3://shelf", client)
        client.close()


@contextlib.contextmanager
def inlet_of(url: str, spool: Path) -> Iterator[CloudInlet]:
    spool.mkdir(exist_ok=True)
    inlet = open_inlet(url, spool, wants=lambda _name: True)
    try:
        yield inlet
    finally:
        inlet.close()


@contextlib.contextmanager
def outlet_of(url: str) -> Iterator[Outlet]:
    outlet = open_outlet(url)
    try:
        yield outlet
    finally:
        outlet.close()


def write(outlet: Outlet, name: str, data: bytes) -> Path:
    path = outlet.root / name
    outlet.write(path, InlineContent(data, on_close=lambda: None), modified_ns=None)
    outlet.sync_file(path)
    return path


def test_names_go_in_and_out_as_they_are_and_a_taken_one_stays(
    place: Place, tmp_path: Path
) -> None:
    names = [name for name in NAMES if "?" not in name or not place.url.startswith("smb:")]
    pictures = {name: encoded(seed) for seed, name in enumerate(names)}
    for name, data in pictures.items():
        place.put(f"in/{name}", data)
    with inlet_of(f"{place.url}/in", tmp_path / "spool") as inlet:
        found = {one.relative: one.identity for one in inlet.sweep()}
        assert set(found) == set(names)
        for name, identity in found.items():
            assert inlet.judge(name, identity).kind in {Kind.WHOLE, Kind.UNPROVED}
            assert inlet.look(name) == identity
            picture = inlet.fetch(name, identity)
            assert picture.path.read_bytes() == pictures[name]
            inlet.release(picture)
            inlet.move(name, identity, as_path(f"{place.url}/old"))
            place.put(f"in/{name}", pictures[name])
        again = next(one for one in inlet.sweep() if one.relative == "a [1].png")
        inlet.move(again.relative, again.identity, as_path(f"{place.url}/old"))
    with outlet_of(f"{place.url}/out") as outlet:
        for name, data in pictures.items():
            temp = write(outlet, f".{name.replace('/', '-')}.part", data)
            outlet.rename(temp, outlet.root / name, replace=False)
            other = write(outlet, ".other.part", b"other")
            with pytest.raises(FileExistsError):
                outlet.rename(other, outlet.root / name, replace=False)
            assert outlet.read(outlet.root / name) == data
        outlet.rename(other, outlet.root / names[0], replace=True)
    moved = {f"old/{name}": data for name, data in pictures.items()}
    left = {f"in/{name}": data for name, data in pictures.items() if name != "a [1].png"}
    outputs = {f"out/{name}": data for name, data in pictures.items()} | {"out/plain.png": b"other"}
    assert place.files() == {
        **moved,
        **left,
        **outputs,
        "old/a [1]-2.png": pictures["a [1].png"],
    }


class SlowContent(InlineContent):
    """Content of which the end is written when it is allowed to be."""

    def __init__(self) -> None:
        super().__init__(b"late", on_close=lambda: None)
        self.began, self.may_end = threading.Event(), threading.Event()

    def write_to(self, file: BinaryIO) -> None:
        self.began.set()
        assert self.may_end.wait(20)
        super().write_to(file)


def test_what_is_given_up_while_it_is_on_its_way_is_not_there_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened("s3", tmp_path, monkeypatch) as place:
        with outlet_of(f"{place.url}/out") as outlet:
            temp, content = outlet.root / ".a.part", SlowContent()
            outlet.write(temp, content, modified_ns=None)
            assert content.began.wait(20)
            removing = threading.Thread(target=outlet.remove, args=(temp,))
            removing.start()
            removing.join(1)  # were it not to wait, it would be through by then
            content.may_end.set()
            removing.join(20)
            assert not removing.is_alive()
        assert place.files() == {}


@pytest.mark.parametrize("kind", ["sftp", "smb"])
def test_of_those_who_take_a_free_name_at_once_one_has_it(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(kind, tmp_path, monkeypatch) as place, contextlib.ExitStack() as stack:
        outlets = [stack.enter_context(outlet_of(f"{place.url}/out")) for _ in range(4)]
        for number in range(5):
            assert len(winners(outlets, f"{number}.png")) == 1


def winners(outlets: list[Outlet], name: str) -> list[int]:
    """Have all take a name at once; return who did."""
    at_once, won = threading.Barrier(len(outlets)), []

    def take(number: int, outlet: Outlet) -> None:
        temp = write(outlet, f".{number}.part", b"x" * number)
        at_once.wait(30)
        with contextlib.suppress(FileExistsError):
            outlet.rename(temp, outlet.root / name, replace=False)
            won.append(number)

    threads = [threading.Thread(target=take, args=one) for one in enumerate(outlets)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won


def test_a_connection_ends_with_the_watcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened("sftp", tmp_path, monkeypatch) as place:
        place.put("in/a.png", encoded(1))
        port = int(place.url.split(":")[2].partition("/")[0])

        def connections() -> int:
            there = psutil.Process().net_connections()
            return sum(bool(one.raddr) and one.raddr.port == port for one in there)

        with inlet_of(f"{place.url}/in", tmp_path), outlet_of(f"{place.url}/out"):
            assert connections() == 2
        assert connections() == 0


def test_keys_that_are_no_pictures_or_no_paths_leave_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bucket(free_ports(), tmp_path, monkeypatch) as place:
        for key in ("in/empty", "in/word", "in//twice.png", "in/../up.png", "in/folder/"):
            place.put(key, b"" if key != "in/word" else b"word")
        place.put("in/a", encoded(1))
        with inlet_of("s3://shelf/in", tmp_path / "spool") as inlet:
            found = {one.relative: one.identity for one in inlet.sweep()}
            assert set(found) == {"a", "empty", "word"}
            kinds = {name: inlet.judge(name, identity).kind for name, identity in found.items()}
        assert kinds == {"a": Kind.WHOLE, "empty": Kind.OTHER, "word": Kind.OTHER}


def test_refused_credentials_are_told_from_what_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing() as port:
        for name, value in s3_settings("127.0.0.1", port).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(UsageError, match="cannot be reached: Forbidden"):
            open_inlet("s3://shelf/in", tmp_path, wants=lambda _name: True)
        with pytest.raises(UsageError, match="cannot be reached: Forbidden"):
            open_outlet("s3://shelf")
    with (
        bucket(free_ports(), tmp_path, monkeypatch),
        pytest.raises(UsageError, match="s3://none is not there"),
    ):
        open_outlet("s3://none")
    with pytest.raises(UsageError, match="there is no kind of place called 'ftp'"):
        open_outlet("ftp://nas/drop")


class Refusal(BaseHTTPRequestHandler):
    """What S3 answers to keys that it does not know."""

    def do_HEAD(self) -> None:
        self.send_response(HTTPStatus.FORBIDDEN)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def refusing() -> Iterator[int]:
    """Run a server that lets nobody in; return its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
