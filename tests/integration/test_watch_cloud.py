"""Folders in the cloud: the drop folder's promises where IN and OUT are URLs, with real servers."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import cv2
import numpy as np
import pytest

from pixmesh.node.state import StateFolder
from pixmesh.tests.fault.processes.proxy import ADDRESS, Proxy, proxied
from pixmesh.tests.integration.drops import PATIENCE, ask, encoded, right
from pixmesh.tests.integration.exact import written
from pixmesh.tests.integration.test_watch import expect_end
from pixmesh.tests.support.cloud import (
    KEY_ID,
    SECRET,
    s3_server,
    s3_settings,
    sftp_server,
    smb_server,
)
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh, free_ports

BUCKETS = ("inb", "outb")


@dataclass(slots=True)
class Buckets:
    """Two buckets on a real server, and a proxy before it that a test may cut."""

    mesh: RealMesh
    client: Any
    proxy: Proxy
    servers: ExitStack
    port: int

    def watch(self, *words: str) -> Member:
        words = ("s3://inb/drop", "-o", "s3://outb/done", "--slots", "1", "--poll", "0.5s", *words)
        return self.mesh.ready(self.mesh.start("watch", "grayscale", *words), "watching")

    def put(self, name: str, data: bytes) -> None:
        self.client.put_object(Bucket="inb", Key=f"drop/{name}", Body=data)

    def lose_the_server(self) -> None:
        """Kill the server, and start it again with what it had: this one keeps it in memory."""
        self.proxy.cut()
        kept = {(bucket, key): self.body(bucket, key) for bucket, key in self.keys()}
        self.servers.close()
        self.serve()
        for (bucket, key), body in kept.items():
            self.client.put_object(Bucket=bucket, Key=key, Body=body)

    def serve(self) -> None:
        """Start a server with two empty buckets."""
        self.servers.enter_context(s3_server(self.port, self.mesh.folder / "s3.log"))
        for bucket in BUCKETS:
            self.client.create_bucket(Bucket=bucket)

    def keys(self) -> list[tuple[str, str]]:
        pages = {
            bucket: self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for bucket in BUCKETS
        }
        return [
            (bucket, one["Key"])
            for bucket, found in pages.items()
            for page in found
            for one in page.get("Contents", ())
        ]

    def body(self, bucket: str, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=bucket, Key=key)["Body"].read())

    def there(self) -> set[str]:
        keys = (key for bucket, key in self.keys() if bucket == "outb")
        return {key.removeprefix("done/") for key in keys if not key.startswith("done/.")}

    def expect(self, wanted: set[str], watcher: Member) -> None:
        """Wait until these outputs are there, and no others."""
        try:
            eventually(lambda: self.there() == wanted, 60 + 1.5 * len(wanted))
        except AssertionError as error:
            there = self.there()
            raise AssertionError(
                f"{error}; missing {wanted - there}, too many {there - wanted};"
                f" it said: {watcher.said()}"
            ) from None

    def is_right(self, name: str, seed: int) -> bool:
        body = np.frombuffer(self.body("outb", f"done/{name}"), np.uint8)
        found = cv2.imdecode(body, cv2.IMREAD_UNCHANGED)
        return found is not None and np.array_equal(found, right(seed))


@pytest.fixture
def buckets(mesh: RealMesh, monkeypatch: pytest.MonkeyPatch) -> Iterator[Buckets]:
    port = free_ports()
    for name, value in s3_settings(ADDRESS, port).items():
        monkeypatch.setenv(name, value)
    with ExitStack() as servers, proxied(port) as proxy:
        client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
        buckets = Buckets(mesh, client, proxy, servers, port)
        try:
            buckets.serve()
            yield buckets
            mesh.end()
        finally:
            client.close()


def says_no_secret(watcher: Member) -> None:
    """Neither what it says nor what it remembers has the credentials in it."""
    with closing(sqlite3.connect(StateFolder.open().ledger)) as ledger:
        said = "\n".join(ledger.iterdump()) + watcher.said() + watcher.data()
    assert KEY_ID not in said
    assert SECRET not in said


def check_promises(buckets: Buckets, pictures: int, others: int) -> None:
    """Pictures and other keys come in while the server is lost; all pictures come out, once."""
    names = [f"{number % 3}/{number:03}.png" for number in range(pictures)]
    for number, name in enumerate(names[: pictures // 2]):
        buckets.put(name, encoded(number))
    for number in range(others):
        buckets.put(f"other/{number:04}.txt", b"no picture")
    buckets.put("zero.png", b"")
    buckets.client.put_object(Bucket="outb", Key="done/foreign.png", Body=b"foreign")
    buckets.put("foreign.png", encoded(5000))
    watcher = buckets.watch("-v")
    eventually(lambda: len(buckets.there()) > min(5, pictures // 3), PATIENCE, watcher.said())
    buckets.lose_the_server()
    for number, name in enumerate(names):
        buckets.put(name, encoded(number))
    eventually(lambda: "paused: " in watcher.said(), 60, watcher.said())
    buckets.proxy.heal()
    notes = {"_failed/zero.png.json", "_failed/foreign.png.json"}
    wanted = {*names, "foreign.png", *notes}
    buckets.expect(wanted, watcher)
    assert [name for number, name in enumerate(names) if not buckets.is_right(name, number)] == []
    eventually(lambda: len(done()) == pictures, 20)
    assert set(done().values()) == {1}
    buckets.put(names[0], encoded(7000))
    eventually(lambda: buckets.is_right(names[0], 7000), 60, watcher.said())
    assert buckets.body("outb", "done/foreign.png") == b"foreign"
    expect_end(watcher)
    says_no_secret(watcher)


def done() -> dict[str, int]:
    query = "SELECT destination, count(*) FROM history WHERE state = 'done' GROUP BY destination"
    return {str(path): int(str(count)) for path, count in ask(query)}


def test_a_lost_server_loses_nothing_and_an_overwritten_key_is_made_anew(buckets: Buckets) -> None:
    check_promises(buckets, pictures=12, others=3)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_200_pictures_and_1100_keys_while_the_server_is_lost(buckets: Buckets) -> None:
    check_promises(buckets, pictures=200, others=900)


@pytest.mark.soak
def test_finished_keys_are_moved_and_a_restart_makes_nothing_again(buckets: Buckets) -> None:
    buckets.put("a.png", encoded(1))
    buckets.put("x/b.png", encoded(2))
    watcher = buckets.watch("--on-done", "move=s3://inb/old")

    def keys() -> set[str]:
        return {one["Key"] for one in buckets.client.list_objects_v2(Bucket="inb")["Contents"]}

    eventually(lambda: keys() == {"old/a.png", "old/x/b.png"}, 60, watcher.said())
    expect_end(watcher)
    buckets.put("a.png", encoded(1))
    again = buckets.watch()
    buckets.put("c.png", encoded(3))
    eventually(lambda: "c.png" in buckets.there(), 60, again.said())
    expect_end(again)
    assert set(done().values()) == {1}


REFUSED = [
    (("s3://inb/drop", "-o", "s3://nobucket/x"), "OUT s3://nobucket/x cannot be opened"),
    (("s3://inb/drop", "-o", "s3://inb/drop/out"), "lies in IN"),
    (("sftp://ann:hunter22@nas/drop", "-o", "out"), "a password does not belong into a URL"),
]


def test_what_cannot_be_reached_or_ordered_is_said_without_secrets(buckets: Buckets) -> None:
    buckets.mesh.broker()
    for words, said in REFUSED:
        watcher = buckets.mesh.start("watch", "grayscale", *words)
        assert watcher.code() == 2, watcher.said()
        assert said in watcher.said()
        assert "hunter22" not in watcher.said()
        says_no_secret(watcher)


# ---- sftp, smb ----------------------------------------------------------------------------------


@pytest.fixture
def sftp(mesh: RealMesh, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    home = mesh.folder / "home"
    with sftp_server(free_ports(), home) as url:
        monkeypatch.setenv("HOME", str(home))
        yield url, home / "shared"
        mesh.end()


def check_share(mesh: RealMesh, url: str, shared: Path) -> None:
    """What is put into a share comes out in it, and its originals are moved."""
    (shared / "in" / "x").mkdir(parents=True)
    for number in range(6):
        (shared / "in" / "x" / f"{number}.png").write_bytes(encoded(number))
    words = ("--slots", "1", "--poll", "0.5s", "--settle", "1s", "--on-done", f"move={url}/old")
    watcher = mesh.start("watch", "grayscale", f"{url}/in", "-o", f"{url}/out", *words)
    outs = [shared / "out" / "x" / f"{number}.png" for number in range(6)]
    olds = [shared / "old" / "x" / f"{number}.png" for number in range(6)]
    eventually(lambda: all(path.exists() for path in (*outs, *olds)), 60, watcher.said())
    assert all(np.array_equal(written(out), right(n)) for n, out in enumerate(outs))
    expect_end(watcher)
    says_no_secret(watcher)
    assert [path.name for path in (shared / "out").rglob(".*")] == []


def test_a_folder_of_an_sftp_server(mesh: RealMesh, sftp: tuple[str, Path]) -> None:
    check_share(mesh, *sftp)


@pytest.mark.soak
def test_a_folder_of_an_smb_server(mesh: RealMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    home = mesh.folder / "home"
    with smb_server(free_ports(), home) as (url, settings):
        monkeypatch.setenv("FSSPEC_CONFIG_DIR", str(settings))
        check_share(mesh, url, home / "shared")
        mesh.end()


def test_a_server_that_nobody_knows_is_refused(mesh: RealMesh, sftp: tuple[str, Path]) -> None:
    url, shared = sftp
    (shared / "in").mkdir()
    (shared.parent / ".ssh" / "known_hosts").write_text("")
    watcher = mesh.start("watch", "grayscale", f"{url}/in", "-o", "out", "--slots", "1")
    assert watcher.code() == 2
    assert "not found in known_hosts" in watcher.said()
