"""Row 34: strangers who only connect, more than a broker has room for.

What a broker may take for them: 4,096 connections of some 11 KiB each in libzmq (a session, an
engine, its buffers), so 46 MiB, and the handshakes that are being answered; twice that is the
bound here, whatever their number. Without a cap 9,600 took 104 MiB, and as
many descriptors.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pixmesh.broker.doors import MOST_STRANGERS
from pixmesh.broker.messages import Bye
from pixmesh.node.net.reach import ask_status, named_broker
from pixmesh.node.state import StateFolder
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh

from . import hostile
from .crowd import Crowd, descriptors, handshake
from .intruder import let_in, network
from .siege import Siege
from .trial import Trial, at_work

CROWD = 10_000
ROOM = 2 * MOST_STRANGERS * 11 * 1024
SPARE = 500  # for this process's own files, and members'
FEW = 128  # descriptors of a broker that has few
IDLE = 0.5  # of one core: what a broker may use while a crowd only stands there


def crowd_at(mesh: RealMesh, broker: Member) -> Crowd:
    return Crowd(hostile.ports(broker), handshake(network(mesh).key))


def descriptors_of(broker: Member) -> int:
    return psutil.Process(broker.pid).num_fds()


def busy(broker: Member, seconds: float) -> float:
    """Return how much of one core a broker uses for a while."""
    return psutil.Process(broker.pid).cpu_percent(interval=seconds) / 100


def test_row34_P_ten_thousand_strangers_do_not_stop_a_job_nor_keep_a_member_out(
    siege: Siege, note: Callable[[str, float], None]
) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < CROWD + SPARE:
        pytest.skip(f"this process may have {hard} descriptors: too few for a crowd")
    with descriptors(CROWD + SPARE):
        crowd = crowd_at(siege.mesh, siege.broker)
        try:
            began = time.monotonic()
            crowd.come(CROWD)
            note("crowded", time.monotonic() - began)
            assert descriptors_of(siege.broker) < MOST_STRANGERS + SPARE
            status = ask_status(named_broker(siege.mesh.status().broker, StateFolder.open()))
            assert [node.name for node in status.nodes] == ["calm"]
            with let_in(siege.mesh, siege.broker, "node") as late:
                late.comes_in("node")
                late.says(Bye())
            grown = siege.broker.memory() - siege.memory
            note("megabytes", grown / 2**20)
            assert grown < ROOM
            assert busy(siege.broker, 1.0) < IDLE
            siege.lifted(ROOM)
            eventually(lambda: descriptors_of(siege.broker) < SPARE, 30)
        finally:
            crowd.leave()


LIMIT = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({FEW}, {FEW}))"


@pytest.fixture
def few(trial: Trial) -> Member:
    """A broker that may have few descriptors, and a job in its middle."""
    mesh = trial.mesh
    trial.pictures(12)
    starting = mesh.start("broker", "--port", "0", lines=LIMIT)
    broker = mesh.ready(starting, "pixmesh broker at ")
    mesh.node("calm")
    return broker


def test_row34_P_a_broker_with_few_descriptors_neither_ends_nor_spins_nor_drops_members(
    trial: Trial, few: Member
) -> None:
    mesh, node = trial.mesh, trial.mesh.members[-1]
    run = trial.begin(nap=0.3)
    at_work(node, 2)
    ports = hostile.ports(few)
    before = {one.laddr for one in psutil.Process(node.pid).net_connections("tcp")}
    crowd = crowd_at(mesh, few)
    with descriptors(CROWD):
        try:
            for _ in range(4):
                crowd.come(FEW * 4)
                crowd.here()
            assert not few.ended, few.said()
            assert busy(few, 1.0) < IDLE
            trial.judge(run)
        finally:
            crowd.leave()
    assert {one.laddr for one in psutil.Process(node.pid).net_connections("tcp")} == before
    assert hostile.ports(few) == ports
    with let_in(mesh, few, "node") as late:
        late.comes_in("node")
        late.says(Bye())
    assert "Traceback" not in few.said()


def test_row34_P_a_broker_whose_descriptors_are_all_taken_goes_on_when_some_are_free(
    trial: Trial, few: Member
) -> None:
    """Taken by members, over whose number no cap stands; its own needs have to wait."""
    mesh, node = trial.mesh, trial.mesh.members[-1]
    run = trial.begin(nap=0.3)
    at_work(node, 2)
    there = network(mesh)
    with descriptors(CROWD):
        hoard = subprocess.Popen(
            [sys.executable, "-P", "-c", HOARD, there.control, there.key.decode(), *_own_key()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            eventually(lambda: descriptors_of(few) >= FEW - 1, 20)
            eventually(lambda: "Too many open files" in few.said(), 10)
            assert not few.ended, few.said()
            trial.judge(run)
        finally:
            hoard.communicate(b"\n")
    assert not few.ended, few.said()
    with let_in(mesh, few, "node") as late:
        late.comes_in("node")
        late.says(Bye())
    assert "Traceback" not in few.said()


HOARD = """
import sys, zmq
from pixmesh.broker import wire
from pixmesh.broker.messages import Ask
where, server, public, secret = sys.argv[1:]
context = zmq.Context()
hoard = [context.socket(zmq.DEALER) for _ in range(200)]
for one in hoard:
    one.curve_serverkey, one.curve_publickey = server.encode(), public.encode()
    one.curve_secretkey = secret.encode()
    one.connect(where)
    one.send_multipart(wire.encode(Ask("status")))
sys.stdin.readline()
context.destroy(linger=0)
"""


def _own_key() -> list[str]:
    public, secret = (
        Path(StateFolder.open().keys, "node-calm.key").read_text(encoding="ascii").split()
    )
    return [public, secret]
