"""A LAN's hosts are apart, hear each other as on a switch, and are heard by captures."""

import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from pixmesh.tests.support.lan.host import Host
from pixmesh.tests.support.lan.lan import ROUTER, Lan

PORT = 7000
NETWORK = "10.77.0.255"
EVERYBODY = "255.255.255.255"
ALL_NODES = "ff02::1"
HEAR = """
import socket, sys
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
    one.bind(("::", int(sys.argv[1])))
    print("listening", flush=True)
    while True:
        print(one.recv(2000).decode(), flush=True)
"""
SAY = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.socket(family, socket.SOCK_DGRAM) as one:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    where = socket.getaddrinfo(sys.argv[1], int(sys.argv[2]), family)[0][4]
    one.sendto(sys.argv[3].encode(), where)
"""
SERVE = """
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    print("listening", flush=True)
    while True:
        with server.accept()[0] as one:
            print(one.recv(2000).decode(), flush=True)
"""
CALL = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), float(sys.argv[4])) as one:
    for piece in sys.argv[3].split("|"):
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.sendall(piece.encode())
"""
A_MOMENT = 0.3
PATIENCE = 10.0


def python(host: Host, code: str, *arguments: object) -> str:
    return host.space.run(sys.executable, "-I", "-c", code, *map(str, arguments))


class Ear:
    """What a listening process hears, line by line."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        self._stdout = process.stdout

    def next(self) -> str:
        assert select.select([self._stdout], [], [], PATIENCE)[0], "nothing is heard"
        return self._stdout.readline().decode().strip()


@contextmanager
def hearing(host: Host, code: str, *arguments: object) -> Iterator[Ear]:
    """Let a process listen at a host while the block runs."""
    words = host.space.within(sys.executable, "-I", "-c", code, *map(str, arguments))
    with subprocess.Popen(words, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            ear = Ear(process)
            assert ear.next() == "listening"
            yield ear
        finally:
            process.kill()


def call(source: Host, address: str, word: str, patience: float = 5.0) -> None:
    python(source, CALL, address, PORT, word, patience)


def say(source: Host, address: str, word: str, port: int = PORT) -> None:
    python(source, SAY, address, port, word)


@pytest.fixture
def atlas(lan: Lan) -> Host:
    return lan.hosts["atlas"]


@pytest.fixture
def pi4(lan: Lan) -> Host:
    return lan.hosts["pi4"]


def test_hosts_reach_each_other_and_nobody_else(atlas: Host, pi4: Host) -> None:
    with hearing(pi4, SERVE, pi4.address, PORT) as ear:
        call(atlas, pi4.address, "by TCP")
        assert ear.next() == "by TCP"
    with pytest.raises(AssertionError, match=r"unreachable|No route"):
        call(atlas, "192.0.2.1", "to the world")
    assert "default via" in pi4.space.run("ip", "route")


def test_broadcasts_and_multicasts_reach_the_other_host(lan: Lan, atlas: Host, pi4: Host) -> None:
    with hearing(pi4, HEAR, PORT) as ear:
        for where in (pi4.address, NETWORK, EVERYBODY):
            say(atlas, where, f"to {where}")
            assert ear.next() == f"to {where}"
        if lan.ipv6:
            for where in (ALL_NODES, pi4.link_local):
                say(atlas, f"{where}%eth0", f"to {where}")
                assert ear.next() == f"to {where}"


def test_a_switch_that_stops_broadcasts_passes_all_else(lan: Lan, atlas: Host, pi4: Host) -> None:
    """Also to an address that is new, and back."""
    lan.stop_broadcasts()
    with hearing(pi4, HEAR, PORT) as ear, pi4.capture() as capture:
        say(atlas, NETWORK, "unheard")
        say(atlas, EVERYBODY, "unheard")
        pi4.change_address("10.77.0.77/24")
        say(atlas, pi4.address, "heard")
        assert ear.next() == "heard"
        assert not capture.contains(b"unheard")
        lan.pass_broadcasts()
        say(atlas, EVERYBODY, "heard again")
        assert ear.next() == "heard again"


def test_closed_ports_are_silent_and_others_open(atlas: Host, pi4: Host) -> None:
    pi4.close_ports("tcp", PORT)
    pi4.close_ports("udp", PORT - 10, PORT)
    with hearing(pi4, SERVE, pi4.address, PORT) as server, hearing(pi4, HEAR, PORT) as ear:
        with pytest.raises(AssertionError, match="timed out"):
            call(atlas, pi4.address, "unheard", A_MOMENT)
        say(atlas, pi4.address, "unheard")
        say(atlas, NETWORK, "unheard")
        pi4.open_ports()
        call(atlas, pi4.address, "heard")
        say(atlas, pi4.address, "heard")
        assert (server.next(), ear.next()) == ("heard", "heard")


def test_a_changed_address_takes_the_place_of_the_old_one(atlas: Host, pi4: Host) -> None:
    old = pi4.address
    pi4.change_address("10.77.0.20/24")
    assert pi4.address == "10.77.0.20"
    with hearing(pi4, SERVE, "0.0.0.0", PORT) as ear:  # noqa: S104  # in its namespace
        call(atlas, pi4.address, "moved")
        assert ear.next() == "moved"
        with pytest.raises(AssertionError, match=r"No route|timed out"):
            call(atlas, old, "gone", A_MOMENT)


def test_a_capture_has_what_is_sent_in_clear_and_counts_it(atlas: Host, pi4: Host) -> None:
    """Also what begins in one frame and ends in the next; and not what others said before."""
    say(atlas, pi4.address, "before")
    with hearing(pi4, SERVE, pi4.address, PORT) as ear, atlas.capture() as capture:
        call(atlas, pi4.address, "in cl|ear")
        ear.next()
        say(atlas, NETWORK, "to all", 9)
    assert capture.contains(b"in clear")
    assert not any(b"in clear" in frame for frame in capture.frames)
    assert not capture.contains(b"before")
    assert capture.datagrams(9) == [b"to all"]
    assert capture.bytes_carried == sum(map(len, capture.frames)) > 300


def test_more_interfaces_are_there_and_are_captured(lan: Lan, atlas: Host, pi4: Host) -> None:
    lan.add_interface(atlas, "docker0", "172.17.0.1/16")
    for host, address in ((atlas, "10.9.0.1/24"), (pi4, "10.9.0.2/24")):
        lan.add_interface(host, "wg0", address, "vpn")
    lan.add_interface(atlas, "tun0", "10.8.0.1/24")
    names = python(atlas, "import socket; print(*sorted(n for _, n in socket.if_nameindex()))")
    assert names.split() == ["docker0", "eth0", "lo", "tun0", "wg0"]
    with atlas.capture("docker0") as docker, pi4.capture() as eth0:
        say(atlas, "172.17.255.255", "to containers", 9)
        with hearing(pi4, HEAR, PORT) as ear:
            say(atlas, "10.9.0.255", "to the other network")
            assert ear.next() == "to the other network"
    assert docker.datagrams(9) == [b"to containers"]
    assert not eth0.contains(b"to ")


def test_each_host_has_its_own_name_folders_and_loopback(atlas: Host, pi4: Host) -> None:
    code = "import socket; print(socket.gethostname())"
    assert [python(host, code).strip() for host in (atlas, pi4)] == ["atlas", "pi4"]
    assert os.uname().nodename not in {"atlas", "pi4"}
    broker = atlas.broker()
    doors = [host.space.run("ss", "-Htlnp") for host in (atlas, pi4)]
    assert [f"pid={broker.pid}," in door for door in doors] == [True, False]
    assert atlas.status().nodes == ()
    done = pi4.run("--version")
    assert (done.code, done.err) == (0, "")
    assert [host.state().broker_file.exists() for host in (atlas, pi4)] == [True, False]
    with hearing(atlas, SERVE, "127.0.0.1", PORT):
        call(atlas, "127.0.0.1", "to itself")
        with pytest.raises(AssertionError, match="refused"):
            call(pi4, "127.0.0.1", "to itself")


def test_a_command_that_does_not_end_is_ended(atlas: Host) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        atlas.run("broker", patience=A_MOMENT)
    assert atlas.left_over() == []


def test_members_and_namespaces_end_with_the_lan(lan: Lan, atlas: Host, pi4: Host) -> None:
    """A killed one as well, with what it left in its folder for temp files."""
    pixmesh = [atlas.broker(), pi4.broker(), pi4.node("pi4", 1)]
    holders = [space.holder.pid for space in (atlas.space, pi4.space, lan.switch)]
    pixmesh[2].kill()
    lan.close()
    assert all(member.ended for member in pixmesh)
    assert not any(map(psutil.pid_exists, holders))


def test_a_lan_is_told_from_the_machine_it_is_on(lan: Lan) -> None:
    """No interface of the machine's is in it, and none of its on the machine."""
    assert not any("plug" in name or name == "lan" for _, name in socket.if_nameindex())
    lines = lan.switch.run("ip", "-br", "link").splitlines()
    assert {line.split("@")[0].split()[0] for line in lines} == {"lo", "lan", "plug0", "plug1"}
    assert lan.switch.run("ip", "route", "get", str(ROUTER)).startswith("local")
    with pytest.raises(AssertionError, match="No route"):
        lan.switch.run("ip", "route", "get", "192.0.2.1")
