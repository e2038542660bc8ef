"""The hosts are what the other tests here take them for: apart, and joined by the wire alone."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.lan.namespace import NotAllowed, demand_namespaces

from .hosts import Host, Lan

PORT = 7000
BYTES = 100_000
SERVER = """
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    print("listening", flush=True)
    with server.accept()[0] as one:
        while data := one.recv(65536):
            one.sendall(data)
"""
CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as one:
    one.sendall(bytes(int(sys.argv[3])))
    one.shutdown(socket.SHUT_WR)
    print(sum(len(data) for data in iter(lambda: one.recv(65536), b"")))
"""
DATAGRAM = """
import socket, sys
with socket.socket(type=socket.SOCK_DGRAM) as one:
    one.sendto(bytes(1400), (sys.argv[1], 9))
"""


def test_what_one_host_sends_the_other_crosses_the_wire(lan: Lan) -> None:
    """And the machine itself, whose loopback has the same addresses, cannot reach them."""
    one, two = lan.hosts.values()
    words = one.space.within(sys.executable, "-c", SERVER, one.address, str(PORT))
    with subprocess.Popen(words, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"listening\n"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((one.address, PORT), 5)
        said = two.space.run(sys.executable, "-c", CLIENT, one.address, str(PORT), str(BYTES))
    assert int(said) == BYTES
    assert min(*lan.carried(one), *lan.carried(two)) > BYTES


@pytest.mark.parametrize("deaf", [1, 2])
def test_a_cut_loses_what_one_host_is_sent_and_nothing_else(lan: Lan, deaf: int) -> None:
    """Without a word: who sends is told nothing."""
    hearing = 3 - deaf
    for host in lan.hosts.values():
        assert _arrives(lan, host)
    lan.cut(lan.hosts[deaf])
    assert not _arrives(lan, lan.hosts[deaf])
    assert _arrives(lan, lan.hosts[hearing])
    lan.heal()
    assert _arrives(lan, lan.hosts[deaf])


def _arrives(lan: Lan, target: Host) -> bool:
    """Whether a datagram that another host sends gets from the wire to its target."""
    (source,) = (host for host in lan.hosts.values() if host is not target)
    taken, given = lan.carried(source)[0], lan.carried(target)[1]
    source.space.run(sys.executable, "-c", DATAGRAM, target.address)
    eventually(lambda: lan.carried(source)[0] - taken > 1400, 5, "nothing was sent")
    return lan.carried(target)[1] - given > 1400


def test_no_host_has_a_way_out(lan: Lan) -> None:
    interfaces = set(os.listdir("/sys/class/net"))  # noqa: PTH208  # names alone
    for space in (lan.wire, *(host.space for host in lan.hosts.values())):
        lines = space.run("cat", "/proc/net/dev").splitlines()[2:]
        names = {line.partition(":")[0].strip() for line in lines}
        assert names <= {"lo", "eth0", "to-1", "to-2"}
        ways = space.run("ip", "-4", "route", "show", "table", "all", "type", "unicast")
        assert all(way.startswith("127.77.0.") for way in ways.splitlines())
    assert not interfaces & {"to-1", "to-2"}


def test_who_cannot_have_namespaces_is_told_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sys.platform", "darwin")
        with pytest.raises(NotAllowed, match="Linux"):
            demand_namespaces()
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        with pytest.raises(NotAllowed, match="install iproute2 util-linux"):
            demand_namespaces()
