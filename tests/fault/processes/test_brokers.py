"""Rows 7 to 9, 38, 40 and 41 with real processes: brokers that stop, die, and come back."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psutil
import zmq

from pixmesh.broker import wire
from pixmesh.broker.keys import KeyPair
from pixmesh.broker.messages import Hello, State, Welcome
from pixmesh.node.net.reach import running_broker
from pixmesh.node.state import StateFolder
from pixmesh.tests.fault.checker import Fact
from pixmesh.tests.integration.runs import seconds_until
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, free_ports

from .trial import Trial, at_work

Note = Callable[[str, float], None]
RETURN_SECONDS = 3.0
MEMBERS = 500


def test_row07_P_a_broker_that_stood_still_for_15_s_expires_nobody(trial: Trial) -> None:
    trial.pictures(4)
    broker = trial.mesh.broker()
    node = trial.mesh.node("atlas")
    run = trial.begin(nap=2.0)
    at_work(node, 2)
    broker.tell(signal.SIGSTOP)
    seconds_until(_passed(15.0), 30)
    broker.tell(signal.SIGCONT)
    trial.judge(run)
    assert trial.facts("gone", "lost") == []
    assert set(trial.tries().values()) == {1}


def _passed(seconds: float) -> Callable[[], bool]:
    """Tell when so much time has gone by: what the row asks for is time itself."""
    over = threading.Event()
    timer = threading.Timer(seconds, over.set)
    timer.start()

    def passed() -> bool:
        return over.wait(0.2)

    return passed


def test_row08_P_an_idle_broker_killed_and_started_again_has_its_nodes_back(trial: Trial) -> None:
    trial.pictures(3)
    first = trial.mesh.broker()
    trial.mesh.node("atlas")
    first.kill()
    again = trial.mesh.broker()
    took = trial.seconds_until(time.monotonic(), _noted_by(again, "joined"))
    assert took <= RETURN_SECONDS
    assert trial.mesh.status().nodes
    trial.judge(trial.begin())


def test_row08_P_what_nodes_run_while_the_broker_is_away_is_not_computed_again(
    trial: Trial, note: Note
) -> None:
    """Two tasks run, two wait at the node, the others at the broker."""
    trial.pictures(8)
    first = trial.mesh.broker()
    node = trial.mesh.node("atlas")
    run = trial.begin(nap=2.0)
    at_work(node, 2)
    eventually(lambda: len(trial.facts("assigned")) == 4, 5)
    seconds_until(_passed(1.0))  # until owners are told where their tasks are
    first.kill()
    trial.mesh.broker()
    trial.judge(run)
    given = [fact["task"] for fact in trial.facts("assigned")]
    assert len(given) == len(set(given)) == 8
    assert trial.facts("adopted")


def test_row08_P_free_tasks_are_given_out_within_3_s_of_the_brokers_return(
    trial: Trial, note: Note
) -> None:
    trial.pictures(40)
    first = trial.mesh.broker()
    node = trial.mesh.node("atlas")
    run = trial.begin(nap=0.2)
    at_work(node, 2)
    eventually(lambda: trial.done() >= 4, 20)
    first.kill()
    again = trial.mesh.broker()
    took = trial.seconds_until(time.monotonic(), _noted_by(again, "assigned"))
    note("recovery", took)
    assert took <= RETURN_SECONDS
    trial.judge(run)


def _noted_by(broker: Member, what: str) -> Callable[[Fact], bool]:
    name = f"broker-broker-{broker.pid}"
    return lambda fact: fact["what"] == what and fact["member"] == name


def test_row09_P_ten_restarts_of_the_broker_under_load_lose_nothing(trial: Trial) -> None:
    trial.pictures(120)
    broker = trial.mesh.broker()
    trial.mesh.nodes("atlas", "pi")
    run = trial.begin(nap=0.2)
    for restart in range(10):
        eventually(lambda: trial.done() > 6 * restart, 40, run.said())  # noqa: B023
        broker.kill()
        broker = trial.mesh.broker()
    trial.judge(run)


def test_row41_P_everything_stopped_and_started_again_goes_on(trial: Trial) -> None:
    """As when all machines are suspended together: longer than a lease, and nobody is judged."""
    trial.pictures(16)
    broker = trial.mesh.broker()
    nodes = trial.mesh.nodes("atlas", "pi")
    run = trial.begin(nap=0.5)
    for node in nodes:
        at_work(node, 2)
    family = [one for member in (broker, *nodes, run) for one in _family(member)]
    for one in family:
        one.suspend()
    seconds_until(_passed(10.0), 20)
    for one in reversed(family):
        one.resume()
    trial.judge(run)
    assert {view.name for view in trial.mesh.status().nodes} == {"atlas", "pi"}


def _family(member: Member) -> list[psutil.Process]:
    process = psutil.Process(member.pid)
    return [*process.children(recursive=True), process]


# ---- what listens where a broker was ------------------------------------------------------


@contextmanager
def another_service(port: int) -> Iterator[None]:
    """Listen as a web server does: it answers whatever is said to it with a page."""
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        while not over.is_set():
            try:
                caller, _ = listener.accept()
            except TimeoutError:
                continue
            with caller:
                caller.recv(1024)
                caller.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(0.2)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def test_row40_P_another_service_on_the_brokers_port_is_a_clear_error(trial: Trial) -> None:
    trial.pictures(1)
    port = free_ports()
    broker = trial.mesh.broker(port)
    broker.kill()
    way = ["--broker", f"127.0.0.1:{port}"]
    with another_service(port):
        members = [
            trial.mesh.node_starting("atlas", 1, *way),
            trial.begin(*way, "--wait", "3"),
            trial.mesh.start("status", *way),
        ]
        for member in members:
            assert member.code(30) == 3, member.said()
            assert f"no broker answers at 127.0.0.1:{port}" in member.said()
            assert "Traceback" not in member.said()


# ---- many at once ----------------------------------------------------------------------------


class Crowd:
    """Hundreds of nodes without slots, in one process: each a connection, greeting and beating."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", count: int) -> None:
        self._context = context
        self._keys = [KeyPair.fresh() for _ in range(count)]
        self._sockets: list[zmq.Socket[bytes]] = []

    def connect(self) -> None:
        """Connect everybody anew."""
        self.close()
        way = running_broker(StateFolder.open())
        assert way is not None
        for number, key in enumerate(self._keys):
            one = self._context.socket(zmq.DEALER)
            one.linger = 0
            one.connect(way.first.control)
            one.send_multipart(wire.encode(_hello(f"n{number}", key)))
            self._sockets.append(one)

    def welcomed(self) -> int:
        """Beat, and count those whom the broker takes in."""
        count = 0
        for one in self._sockets:
            while one.poll(0):
                message, _ = wire.decode(one.recv_multipart())
                count += isinstance(message, Welcome)
            one.send_multipart(wire.encode(State(ready=0)))
        return count

    def close(self) -> None:
        for one in self._sockets:
            one.close()
        self._sockets.clear()


def _hello(name: str, key: KeyPair) -> Hello:
    return Hello(
        role="node",
        name=name,
        key=key.raw,
        boot=key.raw[:8],
        lowest=wire.LOWEST_VERSION,
        highest=wire.HIGHEST_VERSION,
        slots=1,
    )


def test_row38_P_500_members_that_come_back_at_once_all_come_back(trial: Trial, note: Note) -> None:
    """And a real node among them, with a run under way, goes on."""
    trial.pictures(30)
    first = trial.mesh.broker()
    trial.mesh.node("atlas")
    with ExitStack() as stack:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        stack.callback(context.term)
        context.set(zmq.MAX_SOCKETS, 4 * MEMBERS)
        crowd = Crowd(context, MEMBERS)
        stack.callback(crowd.close)
        crowd.connect()
        eventually(lambda: _nodes(trial) == MEMBERS + 1, 30)
        run = trial.begin(nap=0.2)
        eventually(lambda: trial.done() >= 4, 20)
        first.kill()
        trial.mesh.broker()
        crowd.connect()
        took = seconds_until(lambda: crowd.welcomed() >= 0 and _nodes(trial) == MEMBERS + 1, 30)
        note("recovery", took)
        trial.judge(run)


def _nodes(trial: Trial) -> int:
    return len(trial.mesh.status().nodes)
