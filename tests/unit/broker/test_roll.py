"""What is on disk is what was told; no clock prolongs a ticket; nobody is let in on a guess."""

import stat
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmesh.broker.members import Members
from pixmesh.broker.roll import BadRoll, RollFile

TICKET, MEMBER = b"t" * 32, b"m" * 32
HOUR = 3600.0
LIFE = 2 * HOUR
spans = st.floats(0, LIFE)
jumps = st.floats(-1e6, 1e6)


@dataclass
class Machine:
    """A broker's machine: how long it is up, and what its wall clock is off by."""

    file: Path
    up: float = 500.0
    passed: float = 0.0
    off: float = 1e9

    def live(self, seconds: float) -> None:
        self.up += seconds
        self.passed += seconds

    def boot(self) -> None:
        self.up = 0.0

    def roll(self) -> RollFile:
        return RollFile(self.file, lambda: self.up, lambda: self.passed + self.off)

    def members(self) -> Members:
        return self.roll().load(bytes(32))

    def left(self) -> float:
        return self.members().passes[TICKET].left(self.up)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "members.json")


def with_ticket(machine: Machine) -> Members:
    members = machine.members()
    members.issue(TICKET, machine.up, uses=3, seconds=LIFE, roles=("node",))
    members.join(TICKET, MEMBER, "atlas", machine.up)
    return members


def test_a_new_broker_knows_whom_the_last_one_let_in(machine: Machine) -> None:
    before = with_ticket(machine)
    after = machine.members()
    assert after.members == before.members
    assert after.passes == before.passes
    assert after.roles(MEMBER) == {"node"}
    after.forget("atlas")
    assert machine.members().members == {}


def test_the_file_is_the_users_alone_and_leaves_nothing_beside_it(machine: Machine) -> None:
    with_ticket(machine)
    assert stat.S_IMODE(machine.file.stat().st_mode) == 0o600
    assert [path.name for path in machine.file.parent.iterdir()] == ["members.json"]


def test_a_restart_costs_a_ticket_the_time_that_passed(machine: Machine) -> None:
    with_ticket(machine)
    machine.live(HOUR)
    assert machine.left() == pytest.approx(HOUR)
    machine.live(HOUR)
    assert machine.left() == 0.0


@given(steps=st.lists(st.tuples(spans, jumps), max_size=4), save=st.booleans())
def test_no_restart_and_no_move_of_the_wall_clock_prolongs_a_ticket(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[float, float]], save: bool
) -> None:
    """Whatever is written between them, or not."""
    machine = Machine(tmp_path_factory.mktemp("roll") / "members.json")
    with_ticket(machine)
    for seconds, jump in steps:
        machine.live(seconds)
        machine.off += jump
        members = machine.members()
        assert members.passes[TICKET].left(machine.up) <= max(0.0, LIFE - machine.passed) + 1e-3
        if save:
            members.keep(members.members.values(), members.passes.values())


def test_a_boot_with_a_clock_set_back_counts_what_is_sure_to_have_passed(
    machine: Machine,
) -> None:
    with_ticket(machine)
    machine.boot()
    machine.off -= 10 * HOUR
    machine.live(500 + HOUR)
    assert machine.left() <= HOUR + 1e-3


def test_a_file_without_the_monotonic_moment_is_read_by_the_wall_clock(machine: Machine) -> None:
    with_ticket(machine)
    text = machine.file.read_text()
    assert f'"monotonic":{machine.up}' in text
    machine.file.write_text(text.replace(f'"monotonic":{machine.up},', ""))
    machine.live(HOUR)
    assert machine.left() == pytest.approx(HOUR)


DAMAGE = {
    "empty": b"",
    "no json": b"\x00\xff\xfe garbage",
    "another shape": b'{"written": "today"}',
    "a list": b"[]",
    "no utf-8": b'{"written": 1.0, "members": [{"key": "", "name": "\xff\xff"}]}',
    "too deep": b'{"written": 1.0, "x": ' + b"[" * 200_000,
    "no keys": b'{"written": 1.0, "members": [{"key": "!", "name": "a", "roles": [], "by": ""}]}',
    "no number": b'{"written": NaN}',
}


@pytest.mark.parametrize("what", list(DAMAGE))
def test_a_file_that_cannot_be_read_lets_nobody_in(machine: Machine, what: str) -> None:
    machine.file.write_bytes(DAMAGE[what])
    with pytest.raises(BadRoll, match="who may join"):
        machine.members()
    assert machine.file.read_bytes() == DAMAGE[what]


def test_a_file_cut_off_anywhere_lets_nobody_in(machine: Machine) -> None:
    with_ticket(machine)
    whole = machine.file.read_bytes()
    for size in range(0, len(whole), 7):
        machine.file.write_bytes(whole[:size])
        with pytest.raises(BadRoll):
            machine.members()


def test_a_folder_in_its_place_is_said_too(machine: Machine) -> None:
    machine.file.mkdir()
    with pytest.raises(BadRoll, match="cannot be read"):
        machine.members()
