"""A broker's beacon on a LAN, under fire: floods, garbage, lies. Nothing leaves the namespaces."""

import subprocess
import sys

import pytest

from pixmesh.broker.beacon import PORT, QUERY_BYTES
from pixmesh.broker.members import MOST_FROM_ONE, MOST_WAITING
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.lan.capture import Capture
from pixmesh.tests.support.lan.host import Host
from pixmesh.tests.support.lan.lan import Lan

FLOOD = """
import os, random, socket, sys, time
target, port, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def query(name, key=None):
    head = b"PXMQ\\x01" + os.urandom(8) + (key or os.urandom(32))
    return (head + name).ljust(160, b"\\0")
until = time.monotonic() + 2
while time.monotonic() < until:
    if how == "garbage":
        data = os.urandom(random.choice((0, 1, 49, 159, 160, 161, 1400)))
    elif how == "queries":
        data = query(b"x%d" % random.randrange(10**6))
    else:
        data = query(random.choice((b"../x", b"\\x1b[2J", b"atlas", b"", b"\\xff\\xfe", b"a b")))
    try:
        one.sendto(data, (target, port))
    except OSError:
        pass
"""


@pytest.fixture
def hosts(lan: Lan) -> tuple[Host, Host]:
    return lan.hosts["atlas"], lan.hosts["pi4"]


def flood(host: Host, target: str, how: str) -> None:
    """Send for two seconds as fast as a host can."""
    words = (sys.executable, "-c", FLOOD, target, str(PORT), how)
    subprocess.run(host.space.within(*words), check=True, timeout=60)


def broker_at(host: Host) -> None:
    host.ready(host.start("broker"), "pixmesh broker at ")


def answered(wire: Capture, host: Host) -> list[bytes]:
    """Return the replies that crossed the wire: they go to ports that nobody chose."""
    assert host.address
    return [frame[42:] for frame in wire.frames if frame[42:46] == b"PXMR"]


@pytest.mark.parametrize("how", ["garbage", "queries", "lies"])
def test_a_flood_is_answered_seldom_and_a_machine_still_gets_in(
    hosts: tuple[Host, Host], how: str
) -> None:
    atlas, pi4 = hosts
    broker_at(atlas)
    with atlas.capture() as wire:
        flood(pi4, atlas.address, how)
    replies = answered(wire, pi4)
    assert all(len(one) <= QUERY_BYTES for one in replies)
    assert len(replies) <= 4 * 4, len(replies)
    assert bool(replies) == (how != "garbage")
    waiting = atlas.status().waiting
    assert len(waiting) <= MOST_FROM_ONE
    assert all(one.name.isprintable() and "/" not in one.name for one in waiting)
    said = atlas.members[0].said()
    assert all(line.isprintable() for line in said.splitlines())
    assert len(said.splitlines()) < 20
    assert not atlas.members[0].ended
    ticket = atlas.run("ticket", "new").out.split()[-1]
    pi4.ready(pi4.start("node", "--slots", "1", ticket), "pixmesh node pi4: ")


def test_the_list_of_who_waits_is_bounded_whoever_lies_about_its_address(lan: Lan) -> None:
    """Forty addresses of one host ask, each for many."""
    atlas, pi4 = lan.hosts["atlas"], lan.hosts["pi4"]
    broker_at(atlas)
    pi4.space.ip(*(f"addr add 10.77.0.{number}/24 dev eth0" for number in range(100, 140)))
    words = (sys.executable, "-c", MANY, atlas.address, str(PORT))
    subprocess.run(pi4.space.within(*words), check=True, timeout=60)
    eventually(lambda: atlas.status().waiting, 10)
    waiting = atlas.status().waiting
    assert MOST_FROM_ONE < len(waiting) <= MOST_WAITING
    each = [one.address for one in waiting]
    assert max(map(each.count, each)) <= MOST_FROM_ONE


MANY = """
import os, select, socket, sys
target = sys.argv[1], int(sys.argv[2])
for turn in range(6):
    for number in range(100, 140):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind((f"10.77.0.{number}", 0))
        for _ in range(2):
            head = b"PXMQ\\x01" + os.urandom(8) + os.urandom(32)
            one.sendto((head + b"pi%d" % number).ljust(160, b"\\0"), target)
        one.close()
        select.select([], [], [], 0.02)
"""
