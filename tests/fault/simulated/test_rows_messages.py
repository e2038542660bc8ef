"""Rows of the fault matrix on a virtual clock: links, messages, floods, and clocks."""

import pytest
from msgspec import structs

from pixmesh.broker.leases import GRACE, LEASE
from pixmesh.broker.messages import (
    TYPES,
    Assign,
    Drop,
    Error,
    Kind,
    MemberId,
    Message,
    Note,
    Settled,
    Submit,
    TaskItem,
    Window,
)
from pixmesh.broker.windows import ALL_TASKS, WINDOW_TASKS
from pixmesh.node.owner.job import Cancelled
from pixmesh.tests.support.fakes.mesh import VirtualMesh, failures, results
from pixmesh.tests.support.fakes.net import BROKER, Letter, Noise, Which
from pixmesh.tests.support.fakes.node import Work
from pixmesh.tests.support.fakes.owner import make_job

from .rows import FREEZE, busy, facts, judge, owner_of, tries

# ---- links ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ways",
    [
        pytest.param([("atlas", "broker")], id="row12"),
        pytest.param([("broker", "atlas")], id="row13"),
        pytest.param([("atlas", "broker"), ("broker", "atlas")], id="row14"),
    ],
)
def test_row12_S_row13_S_row14_S_a_link_that_loses_what_is_said(
    ways: list[tuple[str, str]],
) -> None:
    """As a lapse where the node cannot be heard; it heals by itself."""
    mesh = busy(40)
    mesh.net.cut.update(ways)
    cut = mesh.clock.now
    if ("atlas", "broker") in ways:
        mesh.run_until(lambda: bool(facts(mesh, "lost")), most=FREEZE)
    else:
        mesh.run(FREEZE)
    assert mesh.clock.now - cut <= FREEZE
    mesh.run(3.0)
    mesh.net.cut.clear()
    mesh.run_until(lambda: mesh.nodes["atlas"].id in mesh.broker.scheduler.nodes, most=LEASE + 2)
    judge(mesh, 40)


def test_row19_S_a_result_that_is_not_what_was_promised_is_made_anew() -> None:
    mesh = busy(0, seconds=0.01)
    jobs = [make_job(number) for number in range(10)]
    for job in jobs[::2]:
        mesh.work[job.id] = Work(spoils=True, size=300_000)
    owner_of(mesh).submit(jobs)
    judge(mesh, 10)
    again = {one.job for one in results(owner_of(mesh)) if one.attempts > 1}
    assert again <= {job.id for job in jobs[::2]}
    assert len(facts(mesh, "assigned")) == 15


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in {Kind.ASK, Kind.TELL}])
def test_row24_S_the_same_message_lost_five_times_running_is_made_good(kind: Kind) -> None:
    mesh = VirtualMesh(1)
    left = 5

    def loses(message: Message) -> bool:
        nonlocal left
        lost = left > 0 and isinstance(message, TYPES[kind])
        left -= lost
        return lost

    mesh.net.loses = loses
    mesh.usual = Work(size=300_000)
    mesh.node("atlas")
    mesh.owner().submit([make_job(number, size=300_000) for number in range(8)])
    judge(mesh, 8)


# ---- messages that come twice, late, or not at all ---------------------------------------------


def test_row23_S_a_result_told_twice_counts_once() -> None:
    mesh = busy(0)
    for nth in range(1, 40):
        mesh.net.copies[Which("atlas", "broker", "RESULT", nth)] = (0.0, 0.3)
        mesh.net.copies[Which("broker", "owner", "RESULT", nth)] = (0.0, 0.0, 0.5)
    owner_of(mesh).submit([make_job(number) for number in range(30)])
    judge(mesh, 30)


def test_row23_S_a_result_after_a_cancel_changes_nothing() -> None:
    mesh = busy(4, seconds=1.0)
    owner = owner_of(mesh)
    owner.cancel([make_job(number, seconds=1.0) for number in range(4)], only_unstarted=False)
    mesh.run(3.0)
    judge(mesh, 4)
    assert all(isinstance(told[0], Cancelled) for told in owner.outcomes.values())


def test_row23_S_a_result_after_an_error_outcome_changes_nothing() -> None:
    """The eighth attempt was lost as well: then an earlier one turns out to have ended well."""
    mesh = VirtualMesh(1)
    mesh.usual = Work(seconds=3.0)
    mesh.node("patient")
    mesh.owner().submit([make_job(1, seconds=3.0)])
    mesh.run(0.5)
    patient = mesh.nodes["patient"]
    mesh.net.cut |= {("patient", "broker"), ("broker", "patient")}
    mesh.broker.disconnected(patient)
    mesh.run(GRACE + 0.5)
    for number in range(7):
        mesh.node(f"hasty{number}")
        mesh.run(0.6)
        mesh.kill(mesh.nodes[f"hasty{number}"])
        mesh.run(GRACE + 0.5)
    assert [one.code for one in failures(owner_of(mesh))] == ["lost"]
    mesh.net.cut.clear()
    judge(mesh, 1, failed=1)


@pytest.mark.parametrize("kind", ["ASSIGN", "SETTLED", "SUBMIT", "DROP", "STATE", "WINDOW"])
@pytest.mark.parametrize("fate", ["lost", "repeated", "late"])
def test_row23_S_messages_lost_repeated_and_reordered(kind: str, fate: str) -> None:
    mesh = busy(0)
    copies = {"lost": (), "repeated": (0.0, 0.0, 0.4), "late": (0.35,)}[fate]
    for sender, receiver in (("broker", "atlas"), ("atlas", "broker"), ("owner", "broker")):
        for nth in range(1, 60, 2):
            mesh.net.copies[Which(sender, receiver, kind, nth)] = copies
    jobs = [make_job(number) for number in range(30)]
    for start in range(0, 30, 5):
        owner_of(mesh).submit(jobs[start : start + 5])
        mesh.run(0.02)
    judge(mesh, 30)


# ---- floods and leaks --------------------------------------------------------------------------


class Flood:
    """An owner that asks for more than it may, and looks at no answer."""

    name = "flood"
    id = MemberId(b"flood...")

    def __init__(self, mesh: VirtualMesh) -> None:
        self.mesh = mesh
        self.windows: list[Window] = []
        mesh.net.peers[self.id] = self
        hello = structs.replace(mesh.owner("pattern").hello(), name="flood")
        mesh.net.send(BROKER, Letter(self, hello))

    def hear(self, letter: Letter) -> None:
        if isinstance(letter.message, Window):
            self.windows.append(letter.message)

    def asks(self, first: int, count: int) -> None:
        items = tuple(_item(number) for number in range(first, first + count))
        submit = Submit(seq=1, batch=1, recipe="blur", output="", tasks=items, needs=("nothing",))
        self.mesh.net.send(BROKER, Letter(self, submit))


def _item(number: int) -> TaskItem:
    return TaskItem(number.to_bytes(16, "big"), bytes(16), 10, bytes(32), 0.01, 1)


def test_row30_S_a_million_submits_are_bounded_and_the_window_closes() -> None:
    mesh = VirtualMesh(1, check_every=10**9)
    flood = Flood(mesh)
    mesh.run(0.1)
    for first in range(0, 1_000_000, 1000):
        flood.asks(first, 1000)
    mesh.run(1.0)
    scheduler = mesh.broker.scheduler
    held = len(scheduler.owners[flood.id].tasks)
    assert WINDOW_TASKS <= held <= WINDOW_TASKS * 5 // 4
    assert held < ALL_TASKS
    mesh.node("atlas")
    mesh.owner().submit([make_job(number) for number in range(10)])
    mesh.run_until(lambda: owner_of(mesh).done, most=5)


@pytest.mark.parametrize("frames", [True, False])
def test_row33_S_what_makes_no_sense_changes_nothing(frames: bool) -> None:
    """Messages in the right shape, from the wrong member, about what is not there."""
    mesh = VirtualMesh(1, frames=frames)
    mesh.node("atlas", slots=2)
    owner = mesh.owner()
    owner.submit([make_job(number, seconds=0.3) for number in range(20)])
    mesh.usual = Work(seconds=0.3)
    mesh.run(0.2)
    nonsense: list[Message] = [
        Settled((1, 2, 3)),
        Window(seen=9, tasks=9, held=9, bytes=9),
        Error(code="gone", text="", token=bytes(16)),
        Drop(attempts=(1,), tasks=(bytes(16),)),
        Assign(seq=1, works=(), attempts=()),
        Note(code="lost"),
    ]
    for message in nonsense:
        for sender in (mesh.nodes["atlas"], owner):
            mesh.net.send(BROKER, Letter(sender, message))
    judge(mesh, 20)


def test_row35_S_clocks_that_are_hours_apart_change_nothing() -> None:
    """Each member has a clock of its own: durations travel, moments never do."""
    mesh = VirtualMesh(1)
    mesh.usual = Work(seconds=0.5)
    mesh.skew = {"atlas": 3600.0, "pi": 86_400.0, "owner": 7.0e6}
    for name in ("atlas", "pi"):
        mesh.node(name, slots=2)
    mesh.owner().submit([make_job(number, size=300_000) for number in range(20)])
    mesh.run(1.0)
    mesh.nodes["atlas"].freeze(LEASE - 2)
    judge(mesh, 20)
    assert facts(mesh, "gone") == []


def test_row37_S_a_node_drained_while_work_is_on_its_way_leaves_with_nothing_lost() -> None:
    mesh = busy(20)
    node = mesh.nodes["atlas"]
    node.drain()
    mesh.run_until(lambda: not node.alive, most=3.0)
    judge(mesh, 20)
    assert tries(mesh) == {1}
    assert len(node.ran) == 2


def test_row37_S_a_node_whose_time_to_drain_is_over_leaves_what_it_has_to_others() -> None:
    mesh = busy(20, seconds=5.0)
    mesh.nodes["atlas"].drain()
    mesh.run(1.0)
    mesh.nodes["atlas"].leave()
    judge(mesh, 20)
    assert not any(fact["suspect"] for fact in facts(mesh, "lost"))


def test_row38_S_500_members_that_come_back_at_once_all_come_back() -> None:
    mesh = VirtualMesh(1, check_every=2000)
    mesh.usual = Work(seconds=2.0)
    for number in range(500):
        mesh.node(f"n{number}", slots=1)
    mesh.owner().submit([make_job(number, seconds=2.0) for number in range(900)])
    mesh.run(1.0)
    mesh.restart_broker(0.2)
    back = mesh.clock.now + 0.2
    mesh.run_until(lambda: len(mesh.broker.scheduler.nodes) == 500, most=4.0)
    assert mesh.clock.now - back < 4.0
    judge(mesh, 900)


def test_row39_S_a_days_worth_of_churn_leaves_every_table_small() -> None:
    """Members come and go a thousand times; whatever is kept of them is bounded."""
    mesh = VirtualMesh(1, check_every=500)
    mesh.usual = Work(seconds=0.05)
    mesh.net.noise = Noise(lost=0.02, doubled=0.02, late=0.05)
    for number in range(1000):
        name = f"n{number % 7}"
        mesh.node(name, slots=1, key=f"{name}-{number}")
        owner = mesh.owner(f"o{number % 3}", key=f"owner-{number}")
        owner.submit([make_job(number * 10 + one) for one in range(5)])
        mesh.run(1.0)
    mesh.net.noise = None
    mesh.run(10.0)
    for owner in mesh.owners.values():
        owner.leave()
    mesh.run(3.0)
    tables = mesh.broker.scheduler
    assert mesh.left_over() == []
    assert len(tables.owners) == 0
    assert len(tables.nodes) == 7
    assert len(tables.tasks.estimate.by_node) <= 7
    assert not tables.tasks.awaited.nodes
    assert not tables.tasks.orphans.holders
    assert not list(tables.tasks.aside)
    assert len(mesh.broker.sessions) == 7
    assert not any(node.strays or node.orphans for node in tables.nodes.values())
