"""An intruder: a machine that was let in, and says what a program of ours never does.

Owns its keys, its connections to both ports of a broker, and frames made by hand.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from pixmesh.broker import wire
from pixmesh.broker.keys import KeyPair
from pixmesh.broker.messages import (
    Ask,
    Assign,
    Error,
    Hello,
    MemberId,
    Message,
    State,
    Tell,
    TicketTerms,
    Welcome,
)
from pixmesh.broker.ticket import Ticket
from pixmesh.node.net.address import Address
from pixmesh.node.net.reach import named_broker, new_ticket
from pixmesh.node.state import StateFolder
from pixmesh.tests.support.meshes import Member, RealMesh

from . import hostile
from .hostile import PATIENCE_MS, Frames, Socket, answer, dealer

BOOT = bytes(range(8))
HAS = ("blur", "faulty", "identity")


def network(mesh: RealMesh) -> Address:
    """Return the broker's network door."""
    return named_broker(mesh.status().broker, StateFolder.open()).first


def ticket_for(mesh: RealMesh, *roles: str, uses: int = 1) -> Ticket:
    """Have a ticket made, as the broker's user does."""
    made = new_ticket(mesh.way(), TicketTerms(uses=uses, roles=roles))
    return Ticket.read(made.text)


def code_of(message: Message) -> str:
    """Return the code of a refusal, nothing for anything else."""
    return message.code if isinstance(message, Error) else ""


@dataclass(slots=True, eq=False)
class Intruder:
    """One key with a connection to each port."""

    key: KeyPair
    control: Socket
    relay: Socket

    @property
    def id(self) -> MemberId:
        """Who it is on the wire."""
        return self.key.member

    # ---- control --------------------------------------------------------------------

    def greeting(self, role: str, name: str = "mallory", *, slots: int = 0) -> Hello:
        """Return its HELLO."""
        return Hello(
            role=role,
            name=name,
            key=self.key.raw,
            boot=BOOT,
            lowest=1,
            highest=1,
            slots=slots,
            memory=2**30,
            has=HAS,
        )

    def asks(self, message: Message) -> Message:
        """Say something to the broker and return the answer."""
        self.says(message)
        return answer(self.control)

    def says(self, *messages: Message) -> None:
        """Say something to the broker."""
        for message in messages:
            self.control.send_multipart(wire.encode(message))

    def sends(self, frames: Frames) -> Message:
        """Send frames that are no message; return the answer."""
        self.control.send_multipart(frames)
        return answer(self.control)

    def comes_in(self, role: str, *, slots: int = 0) -> Welcome:
        """Have a session, relay and all."""
        hello = self.greeting(role, slots=slots)
        welcome = self.asks(hello)
        assert isinstance(welcome, Welcome), welcome
        self.relay.send_multipart([b"", *wire.encode(hello)])
        assert code_of(self.relayed()[1]) == "welcome"
        return welcome

    def order(self, what: str, about: str = "") -> str:
        """Return the code by which an order or question is refused; nothing if it is not."""
        return code_of(self.asks(Ask(what, about, terms=TicketTerms())))

    def hears(self) -> list[Message]:
        """Return what the broker has said since."""
        heard = []
        while self.control.poll(0):
            heard.append(wire.decode(self.control.recv_multipart())[0])
        return heard

    def is_given(self, *, slots: int = 1) -> Assign:
        """Be idle until the broker gives it tasks."""
        self.says(State(ready=slots))
        until = time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < until and self.control.poll(PATIENCE_MS):
            message, _ = wire.decode(self.control.recv_multipart())
            if isinstance(message, Assign) and message.attempts:
                return message
        raise AssertionError("it was given nothing")

    # ---- relay ----------------------------------------------------------------------

    def tells(self, to: MemberId, message: Message) -> Message:
        """Say something to another member, and return what that says."""
        self.relay.send_multipart([to, *wire.encode(message)])
        source, reply = self.relayed()
        assert source == to
        return reply

    def relayed(self) -> tuple[bytes, Message]:
        """Return what came over the relay, and from whom."""
        assert self.relay.poll(PATIENCE_MS), "nothing came"
        source, *frames = self.relay.recv_multipart()
        return source, wire.decode(frames)[0]


@contextlib.contextmanager
def connected(mesh: RealMesh, broker: Member, key: KeyPair) -> Iterator[Intruder]:
    """Connect with a key to both ports."""
    control = network(mesh)
    (port,) = {*hostile.ports(broker)} - {control.port}
    with (
        dealer(control.control, server=control.key, key=key) as one,
        dealer(control.relay(port), server=control.key, key=key) as two,
    ):
        yield Intruder(key, one, two)


def joins(mesh: RealMesh, ticket: Ticket, key: KeyPair, name: str = "mallory") -> Message:
    """Have a ticket let a key in; return the broker's answer."""
    there = network(mesh)
    with dealer(there.control, server=there.key, key=ticket.key) as one:
        one.send_multipart(wire.encode(Ask("join", name, key=key.raw)))
        return answer(one)


@contextlib.contextmanager
def let_in(
    mesh: RealMesh, broker: Member, *roles: str, name: str = "mallory"
) -> Iterator[Intruder]:
    """Join by a ticket with these roles, and connect."""
    key = KeyPair.fresh()
    told = joins(mesh, ticket_for(mesh, *roles), key, name)
    assert isinstance(told, Tell), told
    with connected(mesh, broker, key) as one:
        yield one


def told(message: Message) -> object:
    """Return what a one-page answer says."""
    assert isinstance(message, Tell), message
    return msgspec.msgpack.decode(message.body)
