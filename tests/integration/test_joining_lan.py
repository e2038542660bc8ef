"""Two machines of a LAN: one line joins the second, and nobody can read what they say."""

import json
import time
from pathlib import Path

import pytest

from pixmesh.tests.integration import exact
from pixmesh.tests.integration.runs import Run
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.lan.host import Host
from pixmesh.tests.support.lan.lan import Lan
from pixmesh.tests.support.meshes import Member

JOINED_WITHIN = 9.0
"""3 s is what people are promised; here five lanes of tests share two cores."""
FOUND_WITHIN = 30.0
PIECE = 48


@pytest.fixture
def hosts(lan: Lan) -> tuple[Host, Host]:
    return lan.hosts["atlas"], lan.hosts["pi4"]


def up(host: Host, *words: str) -> str:
    """Have a mesh at a host, and return the ticket that it prints."""
    member = host.start("up", "--slots", "1", *words)
    host.ready(member, "is ready")
    return next(line.split()[-1] for line in member.data().splitlines() if "xm1-" in line)


def node(host: Host, *words: str) -> Member:
    return host.ready(host.start("node", "--slots", "1", *words), f"pixmesh node {host.name}: ")


def places(host: Host) -> list[list[object]]:
    """Return where a host believes its broker to be, the last good place first."""
    found: list[list[object]] = json.loads((host.home / "state" / "mesh.json").read_text())[
        "places"
    ]
    return found


def pieces(path: Path) -> list[bytes]:
    """Return parts of a file that nothing else has by chance."""
    data = path.read_bytes()
    return [
        data[at : at + PIECE] for at in range(len(data) // 4, len(data) - PIECE, len(data) // 4)
    ]


def test_the_printed_line_joins_in_time_and_a_job_crosses_a_wire_that_tells_nothing(
    hosts: tuple[Host, Host],
) -> None:
    atlas, pi4 = hosts
    job = Run(pi4, 12, ksize=31, times=3)
    with atlas.capture() as wire:
        ticket = up(atlas)
        pasted = time.monotonic()
        node(pi4, ticket)
        took = time.monotonic() - pasted
        run = job.begin()
        assert run.code() == 0, run.said()
    assert took <= JOINED_WITHIN
    assert exact.wrong(job.pairs, lambda path: exact.blurred_expected(path, 31, 3)) == []
    done = {view.name: view.done for view in atlas.status().nodes}
    assert sum(done.values()) == 12
    assert min(done.values()) > 0, done
    written = [path for pair in job.pairs for path in pair]
    assert wire.bytes_carried > sum(path.stat().st_size for path in job.sources)
    secret = [path.name.encode() for path in written] + [
        b"blur ksize",
        b"numeric",
        b"holder",
    ]
    secret += [piece for path in written for piece in pieces(path)]
    assert [one for one in secret if wire.contains(one)] == []


def test_a_second_start_needs_no_argument_and_finds_a_broker_that_has_moved(
    hosts: tuple[Host, Host],
) -> None:
    """Its address changes under a node that runs, and again while none does."""
    atlas, pi4 = hosts
    ticket = up(atlas)
    first = node(pi4, ticket)
    first.tell(15)
    assert first.code() == 0
    again = node(pi4)
    atlas.change_address("10.77.0.77/24")
    eventually(lambda: places(pi4)[0] == ["10.77.0.77", 7710], FOUND_WITHIN)
    eventually(lambda: [one.state for one in atlas.status().nodes if one.name == "pi4"] == ["idle"])
    assert not again.ended
    again.tell(15)
    assert again.code() == 0
    atlas.change_address("10.77.0.78/24")
    node(pi4)
    assert places(pi4)[0] == ["10.77.0.78", 7710]


def test_a_ticket_with_several_addresses_is_joined_by_the_one_that_leads_there(lan: Lan) -> None:
    atlas, pi4 = lan.hosts["atlas"], lan.hosts["pi4"]
    lan.add_interface(atlas, "eth1", "10.99.0.1/24")
    member = atlas.start("up", "--slots", "1", "--bind", "eth1,eth0")
    atlas.ready(member, "is ready")
    ticket = member.data().split()[-1]
    began = time.monotonic()
    joined = node(pi4, ticket)
    assert time.monotonic() - began <= JOINED_WITHIN
    assert places(pi4)[0] == ["10.77.0.1", 7710]
    for one in (joined, member):
        one.tell(15)
        assert one.code() == 0
    for words in (("node", ticket), ("node",)):
        closed = pi4.run(*words)
        assert closed.code == 3
        assert "10.77.0.1:7710: connection refused" in closed.err
        assert "10.99.0.1:7710: " in closed.err


def test_ipv6_joins_too(lan: Lan) -> None:
    if not lan.ipv6:
        pytest.skip("this kernel's namespaces have no IPv6")
    atlas, pi4 = lan.hosts["atlas"], lan.hosts["pi4"]
    ticket = up(atlas)
    node(pi4, ticket, "--broker", f"[{atlas.link_local}%eth0]:7710")
    assert places(pi4)[0] == [f"{atlas.link_local}%eth0", 7710]


def test_interfaces_that_look_virtual_are_left_out_and_named(lan: Lan) -> None:
    atlas, pi4 = lan.hosts["atlas"], lan.hosts["pi4"]
    lan.add_interface(atlas, "docker0", "172.17.0.1/16")
    lan.add_interface(atlas, "wg0", "10.8.0.1/24")
    lan.add_interface(pi4, "docker0", "172.17.0.1/16")
    member = atlas.start("up", "--slots", "1")
    atlas.ready(member, "is ready")
    said = member.said()
    assert "broker at 10.77.0.1:7710" in said
    assert "172.17.0.1" not in said
    assert "10.8.0.1" not in said
    assert "not listening on docker0 (looks virtual), wg0 (looks virtual)" in said
    node(pi4, member.data().split()[-1])
    assert places(pi4)[0] == ["10.77.0.1", 7710]


def test_an_interface_that_looks_virtual_is_listened_at_when_it_is_named(lan: Lan) -> None:
    atlas = lan.hosts["atlas"]
    lan.add_interface(atlas, "wg0", "10.8.0.1/24", "vpn")
    lan.add_interface(lan.hosts["pi4"], "wg0", "10.8.0.2/24", "vpn")
    ticket = up(atlas, "--bind", "wg0")
    node(lan.hosts["pi4"], ticket)
    assert places(lan.hosts["pi4"])[0] == ["10.8.0.1", 7710]


def test_where_nobody_can_be_asked_a_named_broker_still_lets_in(lan: Lan) -> None:
    """The broker has moved, and broadcasts are not passed on."""
    atlas, pi4 = lan.hosts["atlas"], lan.hosts["pi4"]
    ticket = up(atlas)
    atlas.change_address("10.77.0.77/24")
    lan.stop_broadcasts()
    lost = pi4.run("node", ticket)
    assert lost.code == 3
    assert "10.77.0.1:7710" in lost.err
    node(pi4, ticket, "--broker", "10.77.0.77")
    assert places(pi4)[0] == ["10.77.0.77", 7710]


def test_a_machine_without_a_ticket_is_let_in_when_a_person_approves_it(
    hosts: tuple[Host, Host],
) -> None:
    """Both screens show one fingerprint."""
    atlas, pi4 = hosts
    up(atlas)
    asking = pi4.start("node", "--slots", "1")
    eventually(lambda: "waits for approval" in asking.said(), 10)
    shown = asking.said().split()[-1]
    (waiting,) = atlas.status().waiting
    assert (waiting.name, waiting.fingerprint, waiting.address) == ("pi4", shown, "10.77.0.2")
    assert shown in atlas.members[0].said()
    refused = atlas.run("nodes", "approve", "pi4")
    assert (refused.code, shown in refused.err) == (2, True)
    assert atlas.run("nodes", "approve", shown).code == 0
    pi4.ready(asking, "pixmesh node pi4: ")
    assert atlas.status().waiting == ()


def test_nobody_there_is_said_with_what_was_asked_and_what_was_not(lan: Lan) -> None:
    pi4 = lan.hosts["pi4"]
    lan.add_interface(pi4, "docker0", "172.17.0.1/16")
    alone = pi4.run("node")
    assert alone.code == 3
    assert "asked on: eth0 (10.77.0.2" in alone.err
    assert "skipped: docker0 (looks virtual)" in alone.err
    assert "pixmesh up" in alone.err


def test_a_broker_starts_before_its_addresses_are_there_and_listens_when_they_come(
    lan: Lan,
) -> None:
    """As at boot, when a machine has no network yet."""
    atlas, pi4 = lan.hosts["atlas"], lan.hosts["pi4"]
    atlas.space.ip("link set eth0 down")
    member = atlas.start("up", "--slots", "1")
    atlas.ready(member, "is ready")
    assert "broker at 127.0.0.1:7710" in member.said()
    atlas.space.ip("link set eth0 up")
    atlas.change_address("10.77.0.1/24")
    eventually(lambda: atlas.status().broker == "10.77.0.1:7710", 10)
    line = atlas.run("ticket", "new").out.split()[-1]
    node(pi4, line)
    assert places(pi4)[0] == ["10.77.0.1", 7710]


def test_a_machine_finds_a_broker_that_was_there_before_its_network(lan: Lan) -> None:
    atlas, pi4 = lan.hosts["atlas"], lan.hosts["pi4"]
    atlas.space.ip("link set eth0 down")
    up(atlas)
    atlas.space.ip("link set eth0 up")
    atlas.change_address("10.77.0.1/24")
    eventually(lambda: atlas.status().broker == "10.77.0.1:7710", 10)
    asking = pi4.start("node", "--slots", "1")
    eventually(lambda: "waits for approval" in asking.said(), 10)
    assert atlas.run("nodes", "approve", asking.said().split()[-1]).code == 0
    pi4.ready(asking, "pixmesh node pi4: ")
