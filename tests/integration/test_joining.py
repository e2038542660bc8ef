"""What a machine is told that cannot join: what is wrong, and what mends it. All on loopback."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pixmesh.broker.keys import KeyPair, broker_key
from pixmesh.broker.ticket import Ticket
from pixmesh.node.state import StateFolder
from pixmesh.tests.support.elsewhere import Elsewhere, ticket
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import RealMesh, free_ports
from pixmesh.tests.unit.tui.command import Finished, environment, pixmesh

WRONG_KEY_WITHIN = 5.0
OTHER_VERSION = """
import sys
from pixmesh.broker import wire
wire.LOWEST_VERSION = wire.HIGHEST_VERSION = 7
wire.PREFIXES = {kind: wire.MAGIC + bytes([7, kind]) for kind in wire.Kind}
wire.KINDS_BY_PREFIX = {prefix: kind for kind, prefix in wire.PREFIXES.items()}
from pixmesh.tui.cli import main
sys.exit(main())
"""


@pytest.fixture
def there(mesh: RealMesh, state_folder: Path) -> Elsewhere:
    return Elsewhere(mesh, state_folder.parent / "there")


def expect_refused(done: Finished, code: int, *says: str) -> None:
    assert done.code == code, done.err
    assert [one for one in says if one not in done.err] == []
    assert "Traceback" not in done.err


def test_a_ticket_joins_once_and_the_same_machine_again(mesh: RealMesh, there: Elsewhere) -> None:
    """Nothing but the ticket is needed, and nothing at all afterwards."""
    mesh.broker()
    line = ticket(mesh)
    first = there.node("pi4", line)
    assert mesh.node_view("pi4") is not None
    first.tell(15)
    assert first.code() == 0
    second = there.node("pi4", line)
    second.tell(15)
    assert second.code() == 0
    there.node("pi4")


def test_tickets_and_orders_are_data_where_that_is_asked_for(
    mesh: RealMesh, there: Elsewhere
) -> None:
    """The option may stand before the command, after it, or between the two."""
    mesh.broker()
    made = json.loads(pixmesh("ticket", "--json", "new", folder=mesh.folder).out)
    there.node("pi4", made["ticket"])
    (ticket,) = json.loads(pixmesh("ticket", "list", "--json", folder=mesh.folder).out)["tickets"]
    assert (ticket["id"], ticket["used"], ticket["uses"]) == (made["is"]["id"], 1, 1)
    listed = json.loads(pixmesh("--json", "nodes", "list", folder=mesh.folder).out)
    assert [one["name"] for one in listed["members"]] == ["pi4"]
    gone = json.loads(pixmesh("nodes", "forget", "pi4", "--json", folder=mesh.folder).out)
    assert "pi4 forgotten" in gone["told"]


def test_a_used_ticket_is_refused_with_the_remedy(
    mesh: RealMesh, there: Elsewhere, state_folder: Path
) -> None:
    mesh.broker()
    line = ticket(mesh)
    there.node("pi4", line)
    late = Elsewhere(mesh, state_folder.parent / "late")
    expect_refused(late.run("node", line), 4, "this ticket is used up", "pixmesh ticket new")
    assert not (late.state / "mesh.json").exists()


def test_an_expired_ticket_is_refused_with_the_remedy(mesh: RealMesh, there: Elsewhere) -> None:
    mesh.broker()
    line = ticket(mesh, "--expires", "1s")
    eventually(lambda: "expired" in pixmesh("ticket", "list", folder=mesh.folder).out, 10)
    expect_refused(there.run("node", line), 4, "this ticket has expired", "pixmesh ticket new")


def test_a_revoked_ticket_is_refused_with_the_remedy(mesh: RealMesh, there: Elsewhere) -> None:
    mesh.broker()
    line = ticket(mesh)
    name = pixmesh("ticket", "list", folder=mesh.folder).out.splitlines()[1].split()[0]
    assert pixmesh("ticket", "revoke", name, folder=mesh.folder).code == 0
    expect_refused(there.run("node", line), 4, "this ticket was revoked", "pixmesh ticket new")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda line: line[:-3], "not whole"),
        (lambda line: line[:40] + ("a" if line[40] != "a" else "b") + line[41:], "not whole"),
        (lambda line: line.removeprefix("xm1-"), "begins with xm1-"),
        (lambda line: line[:4] + "0189", "letters that no ticket has"),
        (lambda line: line[:4], "not whole"),
    ],
)
def test_a_malformed_ticket_is_refused_with_the_remedy(
    mesh: RealMesh, there: Elsewhere, damage: Callable[[str], str], says: str
) -> None:
    mesh.broker()
    done = there.run("node", damage(ticket(mesh)))
    expect_refused(done, 4, "this is no ticket", says, "pixmesh ticket new")


def test_a_ticket_in_a_file_may_be_broken_into_lines(mesh: RealMesh, there: Elsewhere) -> None:
    mesh.broker()
    line = ticket(mesh)
    file = mesh.folder / "ticket"
    file.write_text(f"{line[:50]}\n  {line[50:100]}\n{line[100:]}\n")
    there.node("pi4", "--ticket-file", str(file))
    expect_refused(there.run("node", line, "--ticket-file", str(file)), 2, "two tickets")
    expect_refused(there.run("node", "--ticket-file", "nowhere"), 2, "nowhere")


def test_a_ticket_that_lets_submit_joins_without_a_node(mesh: RealMesh, there: Elsewhere) -> None:
    mesh.broker()
    line = ticket(mesh, "--role", "submit")
    joined = there.run("node", line)
    assert (joined.code, "not work as a node" in joined.err) == (0, True)
    assert there.run("status").code == 0
    expect_refused(there.run("node", "--name", "pi4"), 4, "may not come as node", "--role node")


def test_another_broker_at_the_address_is_the_wrong_key(mesh: RealMesh, there: Elsewhere) -> None:
    """At once, with a ticket as with a mesh that was joined before."""
    port = free_ports()
    mesh.broker(port)
    other = Ticket(60, KeyPair.fresh().public, KeyPair.fresh(), (("127.0.0.1", port),))
    began = time.monotonic()
    expect_refused(there.run("node", other.text(), "--broker", f"127.0.0.1:{port}"), 4, "wrong key")
    assert time.monotonic() - began < WRONG_KEY_WITHIN
    there.node("pi4", ticket(mesh)).kill()
    pinned = there.state / "mesh.json"
    own = broker_key(StateFolder.open().keys)
    assert own is not None
    pinned.write_text(pinned.read_text().replace(own.decode(), KeyPair.fresh().public.decode()))
    began = time.monotonic()
    expect_refused(there.run("run", "blur", "in", "-o", "out"), 2)
    expect_refused(there.run("status"), 4, "wrong key", "ask for a new ticket")
    assert time.monotonic() - began < 2 * WRONG_KEY_WITHIN


def test_a_closed_port_is_named_with_every_address_that_was_tried(
    mesh: RealMesh, there: Elsewhere
) -> None:
    mesh.broker()
    key = broker_key(StateFolder.open().keys)
    assert key is not None
    ports = [free_ports(), free_ports()]
    places = tuple(("127.0.0.1", port) for port in ports)
    there.node("pi4", ticket(mesh)).kill()
    for port in ports:
        done = there.run(
            "node", Ticket(60, key, KeyPair.fresh(), places).text(), "--broker", f"127.0.0.1:{port}"
        )
        expect_refused(done, 3, f"127.0.0.1:{port}", "connection refused", "--broker")


def test_a_copied_state_folder_is_a_duplicate_identity_and_the_first_is_unaffected(
    mesh: RealMesh, there: Elsewhere, state_folder: Path
) -> None:
    mesh.broker()
    first = there.node("pi4", ticket(mesh))
    copy = Elsewhere(mesh, state_folder.parent / "copy")
    shutil.copytree(there.state, copy.state, dirs_exist_ok=True)
    expect_refused(copy.run("node"), 4, "duplicate identity", "ticket")
    assert not first.ended
    view = mesh.node_view("pi4")
    assert view is not None
    assert view.state == "idle"


def test_another_version_is_refused_and_both_are_named(mesh: RealMesh, there: Elsewhere) -> None:
    mesh.broker()
    there.node("pi4", ticket(mesh)).kill()
    done = subprocess.run(
        [sys.executable, "-P", "-c", OTHER_VERSION, "node", "--slots", "1"],
        cwd=mesh.folder,
        env=environment(PIXMESH_STATE=str(there.state)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    expect_refused(
        Finished(done.returncode, done.stdout, done.stderr),
        1,
        "protocol 1",
        "7-7",
        "install the same",
    )
    assert not mesh.members[0].ended


def test_a_second_node_of_a_machine_that_joined_comes_in_on_its_word(
    mesh: RealMesh, there: Elsewhere
) -> None:
    mesh.broker()
    there.node("pi4", ticket(mesh))
    there.node("gpu")
    there.start("node", "--slots", "1")
    eventually(lambda: mesh.node_view("pi4-2") is not None, 30)
    assert {view.name for view in mesh.status().nodes} == {"pi4", "gpu", "pi4-2"}


def test_a_ticket_of_another_mesh_wins_over_a_broker_of_ones_own(
    mesh: RealMesh, there: Elsewhere
) -> None:
    mesh.broker()
    line = ticket(mesh)
    own = there.start("broker", "--port", "0")
    mesh.ready(own, "pixmesh broker at ")
    there.node("pi4", line)
    assert mesh.node_view("pi4") is not None


def test_a_foreign_service_at_the_port_is_no_broker(mesh: RealMesh, there: Elsewhere) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = Ticket(60, KeyPair.fresh().public, KeyPair.fresh(), (("127.0.0.1", port),)).text()
        done = there.run("node", line, "--broker", f"127.0.0.1:{port}")
    expect_refused(done, 3, f"127.0.0.1:{port}", "no answer")
