"""PROTOCOL.md names everything that goes over the wire, and its numbers are the code's."""

import re
from pathlib import Path

import pytest

from pixmesh.broker import leases, lifecycle, messages, reconcile, relay, windows, wire
from pixmesh.broker.messages import TYPES, End, Kind, Phase
from pixmesh.node import attempts
from pixmesh.node.net import connection, transfer

from .shapes import named

PAGE = (Path(messages.__file__).parent / "PROTOCOL.md").read_text()
ITEMS = [
    messages.HeldItem,
    messages.TaskItem,
    messages.AssignItem,
    messages.Work,
    messages.ReferenceItem,
    messages.EndItem,
    messages.FolderItem,
    messages.Load,
]


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_each_kind_has_a_row_with_each_of_its_fields(kind: Kind) -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith(f"| {kind.name} |")]
    fields = [f"`{name}`" for name in named(TYPES[kind])]
    assert any(all(field in row for field in fields) for row in rows)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.__name__)
def test_each_item_is_told_with_each_of_its_fields(item: type) -> None:
    told = [part for part in PAGE.split("\n\n") if item.__name__ in part]
    assert any(all(f"`{name}`" in part for name in named(item)) for part in told)


def test_the_numbers_of_phases_and_ends_are_told() -> None:
    for one in [*Phase, *End]:
        assert f"{one.name} {int(one)}" in PAGE


@pytest.mark.parametrize("code", sorted(connection.FATAL | {"no-session", "welcome", "gone"}))
def test_each_error_code_has_a_row(code: str) -> None:
    table = PAGE.split("## Error codes")[1]
    assert f"`{code}`" in table


def test_each_code_that_the_broker_answers_has_a_row() -> None:
    table = PAGE.split("## Error codes")[1]
    room = Path(messages.__file__).parent
    text = (room / "server.py").read_text()
    codes = set(re.findall(r'Error\(\s*code="([a-z-]+)"', text))
    codes |= set(re.findall(r'WireError\(\s*"([a-z-]+)"', (room / "wire.py").read_text()))
    assert codes >= {"no-session", "malformed"}
    assert {code for code in codes if f"`{code}`" not in table} == set()


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("beat; HELLO again", leases.BEAT),
        ("beat; HELLO again", connection.HELLO_AGAIN),
        ("suspect: nothing new is given", leases.SUSPECT_AFTER),
        ("lease: evicted, work goes elsewhere", leases.LEASE),
        ("grace after a lost connection", leases.GRACE),
        ("an end is told again; a SUBMIT is missed; a GET is repeated", attempts.TELL_AGAIN),
        ("an end is told again; a SUBMIT is missed; a GET is repeated", transfer.PATIENCE),
        ("an ASSIGN is followed by an empty one", reconcile.FENCE_AFTER),
    ],
)
def test_timings_are_those_of_the_code(words: str, seconds: float) -> None:
    assert f"| {words} | {seconds:g}" in PAGE


def test_limits_are_those_of_the_code() -> None:
    assert f"a task is given up after {lifecycle.MOST_ATTEMPTS} attempts" in PAGE.lower()
    assert f"{relay.MOST_BYTES >> 20} MiB over all" in PAGE
    assert f"{windows.WINDOW_TASKS:,}" in PAGE
    assert f"{windows.ALL_TASKS:,}" in PAGE
    long = ", ".join(kind.name for kind in Kind if kind in wire.LIST_KINDS)
    assert set(long.split(", ")) == set(
        re.findall(r"[A-Z]{4,}", PAGE.split("| msgpack of ")[1].splitlines()[0])
    )
