"""Members that join, are forgotten, and try to come back; the roll that knows them, the gate.

Row 34's second half: the authenticator dies.
"""

import contextlib
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pixmesh.broker.keys import KeyPair
from pixmesh.broker.messages import Ask, Bye, Message, State, Tell
from pixmesh.node.state import StateFolder
from pixmesh.tests.integration.runs import seconds_until
from pixmesh.tests.support.elsewhere import Elsewhere, ticket
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh, free_ports

from . import hostile
from .gatekeeper import Gatekeeper
from .intruder import code_of, connected, joins, let_in, ticket_for
from .siege import Siege
from .trial import Trial, at_work

CUT_WITHIN = 1.0
BACK_WITHIN = 3.0


@pytest.fixture
def there(mesh: RealMesh, state_folder: Path) -> Elsewhere:
    return Elsewhere(mesh, state_folder.parent / "there")


def connections(process: int, ports: list[int]) -> int:
    """Count a process's connections to these ports."""
    with contextlib.suppress(psutil.NoSuchProcess):
        found = psutil.Process(process).net_connections(kind="tcp")
        return sum(
            one.status == psutil.CONN_ESTABLISHED and one.raddr.port in ports for one in found
        )
    return 0


def names(mesh: RealMesh) -> set[str]:
    return {one.name for one in mesh.status().members}


# ---- tickets ---------------------------------------------------------------------------------


def test_of_many_keys_at_once_a_ticket_lets_in_as_many_as_it_has_uses(mesh: RealMesh) -> None:
    mesh.broker()
    uses, answers, lock = 3, list[Message](), threading.Lock()
    one = ticket_for(mesh, "node", uses=uses)
    start = threading.Barrier(8)

    def try_it() -> None:
        start.wait()
        answer = joins(mesh, one, KeyPair.fresh())
        with lock:
            answers.append(answer)

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(answer, Tell) for answer in answers) == uses
    assert sum(code_of(answer) == "ticket-used" for answer in answers) == 8 - uses
    assert names(mesh) == {"mallory", "mallory-2", "mallory-3"}


def test_who_was_told_to_be_in_is_in_though_the_broker_is_killed_at_that_moment(
    mesh: RealMesh,
) -> None:
    """And whose answer was lost is told again."""
    port = free_ports()
    broker = mesh.broker(port)
    one, key = ticket_for(mesh, "node"), KeyPair.fresh()
    assert isinstance(joins(mesh, one, key), Tell)
    broker.kill()
    roll = StateFolder.open().roll
    assert stat.S_IMODE(roll.stat().st_mode) == 0o600
    again = mesh.broker(port)
    assert names(mesh) == {"mallory"}
    assert isinstance(joins(mesh, one, key), Tell)
    assert code_of(joins(mesh, one, KeyPair.fresh())) == "ticket-used"
    with connected(mesh, again, key) as member:
        assert member.comes_in("node").name == "mallory"
        member.says(Bye())


@pytest.mark.parametrize("damage", [lambda whole: whole[: len(whole) // 2], lambda _: b"\0garbage"])
def test_a_broker_whose_roll_is_broken_does_not_guess(
    mesh: RealMesh, damage: Callable[[bytes], bytes]
) -> None:
    broker = mesh.broker()
    assert isinstance(joins(mesh, ticket_for(mesh), KeyPair.fresh()), Tell)
    broker.tell(15)
    assert broker.code() == 0
    roll = StateFolder.open().roll
    roll.write_bytes(damage(roll.read_bytes()))
    broken = roll.read_bytes()
    second = mesh.start("broker", "--port", "0")
    assert second.code() == 2
    assert str(roll) in second.said()
    assert "who may join" in second.said()
    assert "Traceback" not in second.said()
    assert roll.read_bytes() == broken


# ---- forgotten -------------------------------------------------------------------------------


def test_a_forgotten_node_is_cut_and_its_work_goes_elsewhere(
    trial: Trial, there: Elsewhere, note: Callable[[str, float], None]
) -> None:
    mesh = trial.mesh
    trial.pictures(12)
    broker = mesh.broker()
    pi4 = there.node("pi4", ticket(mesh))
    run = trial.begin(nap=0.3)
    at_work(pi4, 1)
    for slot in pi4.children():
        slot.suspend()
    mesh.node("calm")
    ports = hostile.ports(broker)
    assert connections(pi4.pid, ports) == 2
    mesh.order("forget", "pi4")
    took = seconds_until(lambda: connections(pi4.pid, ports) == 0, 10)
    assert took <= CUT_WITHIN
    assert mesh.node_view("pi4") is None
    for slot in pi4.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            slot.resume()
    trial.judge(run)
    assert pi4.code() == 4
    assert "no member's any more" in pi4.said()
    assert there.run("status").code == 4
    note("recovery", took)


def test_a_forgotten_machines_runs_are_cut_with_it(trial: Trial, there: Elsewhere) -> None:
    mesh = trial.mesh
    trial.pictures(40)
    broker = mesh.broker()
    calm = mesh.node("calm")
    there.node("pi4", ticket(mesh))
    run = there.start("run", "faulty nap=0.3", trial.name, "-o", str(trial.out))
    at_work(calm, 2)
    ports = hostile.ports(broker)
    assert connections(run.pid, ports) == 2
    mesh.order("forget", "pi4")
    assert seconds_until(lambda: connections(run.pid, ports) == 0, 10) <= CUT_WITHIN
    assert run.code() == 4
    assert "no member's any more" in run.said()
    status = mesh.status()
    assert (status.owners, status.batches) == (0, ())
    assert [view.name for view in status.nodes] == ["calm"]
    assert names(mesh) == set()


def test_a_forgotten_member_that_does_not_leave_is_shut_out_and_stays_out(siege: Siege) -> None:
    """Its ticket has a use left: that is for another key, or for the same one once more."""
    mesh, broker = siege.mesh, siege.broker
    one, key = ticket_for(mesh, "node", "submit"), KeyPair.fresh()
    assert isinstance(joins(mesh, one, key), Tell)
    with connected(mesh, broker, key) as mallory, connected(mesh, broker, key) as second:
        mallory.comes_in("node", slots=1)
        assert second.order("status") == ""
        mallory.is_given()
        ports = hostile.ports(broker)
        before = connections(psutil.Process().pid, ports)
        mesh.order("forget", "mallory")
        assert "forgotten" in map(code_of, mallory.hears() or [mallory.asks(State())])
        gone = seconds_until(
            lambda: connections(psutil.Process().pid, ports) <= before - 2, deadline=10
        )
        assert gone <= CUT_WITHIN
        # A connection without a session is no member's: it may stay, and reaches nothing.
        assert second.order("status") == "not-allowed"
        assert code_of(second.asks(State())) == "no-session"
        assert code_of(second.asks(second.greeting("node"))) == "forgotten"
        second.relay.send_multipart([mallory.id, b"x", b"y"])
        assert code_of(second.relayed()[1]) == "no-session"
    assert code_of(joins(mesh, one, key)) == "ticket-used"
    assert {view.name for view in mesh.status().nodes} == {"calm"}
    siege.lifted()


# ---- the gate --------------------------------------------------------------------------------


def test_row34_P_while_the_gate_is_dead_nobody_new_comes_in_and_who_is_in_goes_on(
    trial: Trial, note: Callable[[str, float], None]
) -> None:
    keeper = Gatekeeper.of(trial.mesh)
    trial.pictures(8)
    broker = keeper.broker()
    keeper.node("calm")
    with let_in(trial.mesh, broker, "node") as inside:
        inside.comes_in("node")
        keeper.tell("dies")
        with connected(trial.mesh, broker, inside.key) as outside:
            outside.says(Ask("status"), outside.greeting("node"))
            eventually(lambda: "the gate had died" in broker.said(), 10)
            assert not outside.control.poll(2 * 1000)
        assert inside.order("status") == ""
        trial.judge(trial.begin(nap=0.05))
        keeper.tell("")
        with connected(trial.mesh, broker, inside.key) as outside:
            took = seconds_until(lambda: _is_answered(trial, broker, inside.key), 10)
            assert outside.control.poll(0) == 0
        assert took < BACK_WITHIN
        inside.says(Bye())
    keeper.node("late")
    assert not broker.ended
    note("recovery", took)


def _is_answered(trial: Trial, broker: Member, key: KeyPair) -> bool:
    with connected(trial.mesh, broker, key) as one:
        one.says(Ask("status"))
        return one.control.poll(500) > 0


def test_row34_P_a_key_that_cannot_be_looked_up_stays_out_and_the_gate_lives(
    trial: Trial,
) -> None:
    keeper = Gatekeeper.of(trial.mesh)
    broker = keeper.broker()
    with let_in(trial.mesh, broker, "node") as inside:
        assert inside.order("status") == ""
        keeper.tell("fails")
        for _ in range(3):
            assert not _is_answered(trial, broker, inside.key)
        assert inside.order("status") == ""
        keeper.tell("")
        assert _is_answered(trial, broker, inside.key)
    said = broker.said()
    assert said.count("a key cannot be looked up: as the test says") == 1
    assert "the gate had died" not in said
