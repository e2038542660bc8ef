"""A node's agent: the process that talks. It never computes.

Each turn: wait, take in what the broker, the slots and the transfers said, fetch, give
work to slots, send chunks, report ends. What it holds and why is ``attempts``; here are
only sockets, processes and the clock.
"""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import zmq

from ..broker import lifetime, outgoing
from ..broker.leases import BEAT, LEASE
from ..broker.messages import (
    Ask,
    Assign,
    Bye,
    Chunk,
    Drop,
    EndItem,
    Error,
    Get,
    MemberId,
    Note,
    Result,
    Settled,
    Tell,
)
from ..broker.previews import MOST_BYTES
from ..broker.sockets import arrived, put
from .absence import Absence
from .attempts import NO_REFERENCE, Attempts, Held
from .cell import IDLE
from .errors import MeshUnreachable
from .limits import Limits
from .load import LoadMeter
from .models import Models
from .net.connection import Connection, Heard
from .net.refusals import error_of
from .net.waiting import Waiting
from .pixels import Pixels
from .previewing import Previewing
from .provision import Provision
from .references import References
from .slot_messages import READY, SlotEnd, SlotTask
from .slot_process import SlotProcess

if TYPE_CHECKING:
    from .net.seeker import Seeker

log = logging.getLogger(__name__)

Socket = zmq.Socket[bytes]

DRAIN = 256
LONGEST_WAIT_MS = 250
FOUND = b"found"
STOCKED = b"stocked"

read_ends = msgspec.msgpack.Decoder(tuple[SlotEnd, ...]).decode


@dataclass(slots=True, eq=False)
class Agent:
    """The loop and what it stands on."""

    connection: Connection
    slot_socket: Socket
    slots: list[SlotProcess]
    pixels: Pixels
    references: References
    attempts: Attempts
    provision: Provision
    models: Models
    wake: lifetime.Wake
    on_ready: Callable[[], None]
    patience: float = float("inf")
    meter: LoadMeter = field(default_factory=LoadMeter)
    clock: Callable[[], float] = time.monotonic
    limits: Limits = field(default_factory=Limits)
    drain_patience: float = float("inf")
    seeker: "Seeker | None" = None
    previewing: Previewing = field(default_factory=Previewing)
    draining: bool = False
    stopping: bool = False
    unanswered: bool = False
    _beat_at: float = float("-inf")
    _session: object = None
    _ever: object = None
    _began: float = 0.0
    _told_ready: bool = False
    _drain_until: float = float("inf")
    _look_at: float = float("-inf")
    _silent_since: float | None = None
    _absence: Absence = field(default_factory=Absence)

    def serve(self) -> None:
        """Run until drained or told to stop; slots end with it."""
        waiting = Waiting(self.connection, self.wake.fileno, self.slot_socket)
        self._began = self.clock()
        while not self.stopping:
            ready = waiting.wait(LONGEST_WAIT_MS, writing=self.pixels.sender.waiting)
            self.turn(self.clock(), ready)
        self.connection.send(Bye())

    def explain(self) -> None:
        """Raise why the agent ended, unless it was told to."""
        refusal, address = self.connection.refusal, self.connection.address
        if refusal is not None:
            raise error_of(refusal, address)
        if self.unanswered:
            raise MeshUnreachable(
                f"no broker answers at {address} (tried for {self.patience:.0f} s)",
                remedy="start one with 'pixmesh broker', or check the address",
            )

    def turn(self, now: float, ready: Collection[object]) -> None:
        """Take in what there is where something is ``ready``, then do all that follows."""
        if self.wake.fileno in ready:
            for reason in self.wake.reasons():
                self._called(reason, now)
        for one in self.connection.receive(now, ready):
            self._heard(one, now)
        if self.slot_socket in ready:
            self._hear_slots(now)
        self._load_models(now)
        self._keep_session(now)
        for slot in self.slots:
            slot.start_if_due(now)
        self._end_overrun(now)
        self.references.turn(now)
        for held in self.attempts.next_fetches():
            self.pixels.fetch(held, now)
        self._give_work(now)
        self.pixels.receiver.tick(now)
        self.provision.tick(now)
        self.pixels.sender.pump()
        self._report(now)
        self._forget()
        if self.draining and (not self.attempts.busy or self._alone(now) or self._too_long(now)):
            self.stopping = True

    def _alone(self, now: float) -> bool:
        """Whether there has been no broker for a lease: nobody would take what is held."""
        connection = self.connection
        return connection.welcome is None and now - connection.heard_at > LEASE

    def _too_long(self, now: float) -> bool:
        """Whether draining has taken longer than it may."""
        if now < self._drain_until:
            return False
        log.warning(
            "still at work after %.0f s of draining: it goes elsewhere", self.drain_patience
        )
        return True

    # ---- the broker -----------------------------------------------------------------

    def _heard(self, heard: Heard, now: float) -> None:
        match heard.message:
            case Assign():
                self._assigned(heard.message)
            case Drop(attempts=attempts, unstarted=unstarted):
                self.attempts.dropped(attempts, unstarted=unstarted)
            case Settled(attempts):
                self.attempts.settled(attempts)
            case Chunk() | Get() | Error(code="gone"):
                self._transferred(heard, now)
            case Ask():
                self._asked(heard.message, now)
            case Error() | Note():
                log.warning("%s", heard.message.text)
            case Bye():
                log.info("the broker has left; waiting for it to come back")
            case _:
                pass

    def _transferred(self, heard: Heard, now: float) -> None:
        """Take in what is pixels', a reference's or weights': all know their own."""
        source = heard.source
        match heard.message:
            case Chunk() as chunk if heard.payload is not None:
                self.pixels.receiver.take(source, chunk, heard.payload, now)
                self.references.receiver.take(source, chunk, heard.payload, now)
                self.provision.take(source, chunk, heard.payload, now)
            case Get() as get if source is not None:
                self.pixels.serve(source, get)
            case Error() as error:
                self.pixels.receiver.refused(source, error)
                self.references.receiver.refused(source, error)
                self.provision.refused(source, error)
            case _:
                pass

    def _asked(self, ask: Ask, now: float) -> None:
        if ask.what == "preview":
            self.previewing.asked(now)
        elif ask.what == "weights":
            holder = MemberId(ask.holder) if ask.holder is not None else None
            self.models.want(ask.about)
            if ask.about not in self.provision.here:
                self.provision.sent_for(ask.about, holder)
        elif ask.what == "room":
            self.models.make_room(now)

    def _assigned(self, message: Assign) -> None:
        self.attempts.assigned(message)
        if not message.attempts:
            self._beat_at = float("-inf")  # the broker asks what came
        if self.draining:
            self.attempts.give_back_unstarted()

    def _keep_session(self, now: float) -> None:
        self.connection.tick(now)
        self._seek(now)
        welcome = self.connection.welcome
        if welcome is not self._session:
            self._session = welcome
            if welcome is not None:
                self._ever = welcome
                self.attempts.session_began(welcome.boot)
                self._beat_at = float("-inf")
        if said := self._absence.look(now, here=welcome is not None or self._ever is None):
            log.warning("the broker at %s %s", self.connection.address, said)
        if self.connection.refusal is not None:
            self.stopping = True
        if self._ever is None and now - self._began > self.patience:
            self.stopping = self.unanswered = True
        if welcome is not None and now - self._beat_at >= BEAT:
            self._beat(now)

    def _seek(self, now: float) -> None:
        """Look elsewhere for a broker that says nothing."""
        if self.seeker is None:
            return
        silent = self.connection.welcome is None or now - self.connection.heard_at > LEASE
        self._silent_since = (self._silent_since or now) if silent else None
        if self._silent_since is not None:
            self.seeker.tick(now - self._silent_since, now)
        found = self.seeker.found()
        if found is not None and silent and found != self.connection.address:
            self.connection.move(found, now)

    def _beat(self, now: float) -> None:
        self._beat_at = now
        self.attempts.tell_again(now)
        load = self.meter.sample(now)
        state = self.attempts.heartbeat()
        provision, models = self.provision, self.models
        told = msgspec.structs.replace(
            state,
            load=load,
            memory=max(0, self.meter.room - models.memory),
            models=tuple(sorted(provision.here)),
            cold=models.cold(provision.here),
            pulling=provision.pulling,
            warming=models.warming,
            unfetched=provision.unfetched,
            unloaded=models.unloaded,
            loaded=models.loaded,
        )
        self.connection.send(told)
        if self.draining:
            self.connection.send(Bye(draining=True))

    def _report(self, now: float) -> None:
        if self.connection.welcome is None:
            return
        ends = [held.end for held in self.attempts.untold(now) if held.end is not None]
        for page in outgoing.end_pages(ends):
            self._send_ends(page)

    def _send_ends(self, page: list[EndItem]) -> None:
        if not self.connection.send(Result(tuple(page))):
            log.debug("the broker takes no ends now; they are reported again")

    # ---- slots ----------------------------------------------------------------------

    def _load_models(self, now: float) -> None:
        """Load what tasks wait for; whether it is loaded is told at once."""
        self.models.tick(self.provision.here, self.meter.room, now)
        if self.models.news:
            self.models.news = False
            self._beat_at = float("-inf")

    def _hear_slots(self, now: float) -> None:
        for route, body in arrived(self.slot_socket, DRAIN):
            name = route.bytes.decode()
            if self.models.heard(name, body.bytes, now):
                continue
            if body.bytes == READY:
                self._slot_ready(name)
            elif name in self.attempts.benches:
                for end in read_ends(body.buffer):
                    self._slot_ended(name, end)

    def _slot_ended(self, name: str, end: SlotEnd) -> None:
        if end.code == NO_REFERENCE:
            self.references.spoilt(end.attempt)
        self.attempts.ended(name, end)
        if end.preview is not None:
            self._show(end.preview)

    def _show(self, preview: bytes) -> None:
        """Show people a picture before and after; it is nobody's loss where it does not come."""
        if len(preview) <= MOST_BYTES and self.connection.welcome is not None:
            self.connection.send(Tell("preview", 0, 1, preview))

    def _slot_ready(self, name: str) -> None:
        if not any(slot.name == name and slot.alive for slot in self.slots):
            return  # it died with this word on its way
        self.attempts.slot_ready(name)
        self._beat_at = float("-inf")
        if len(self.attempts.benches) == len(self.slots) and not self._told_ready:
            self._told_ready = True
            self.on_ready()

    def _give_work(self, now: float) -> None:
        for name, given in self.attempts.next_work().items():
            tasks = [_slot_task(held) for held in given]
            if self.previewing.next(now):
                shown = given[0].item.task.name
                tasks[0] = msgspec.structs.replace(tasks[0], preview=True, name=shown)
            tell(self.slot_socket, name, msgspec.msgpack.encode(tasks))

    def _end_overrun(self, now: float) -> None:
        """End slots that have run one attempt for longer than its limit."""
        if now < self._look_at:
            return
        self._look_at = now + BEAT
        at_work = {slot.name: slot.running for slot in self.slots if slot.alive}
        held = self.attempts.held
        predicted = {one: held[one].item.seconds for one in at_work.values() if one in held}
        self.models.end_overrun(predicted, now)
        waiting = self.models.waiting
        running = {slot: IDLE if one in waiting else one for slot, one in at_work.items()}
        over = self.limits.overrun(running, predicted, now)
        for slot in self.slots:
            if slot.name in over:
                limit = over[slot.name]
                slot.kill("hung", f"it ran longer than its limit of {limit:.0f} s")

    def _called(self, reason: bytes, now: float) -> None:
        if reason == lifetime.CUT:
            self.stopping = True
        elif reason == lifetime.SIGNAL:
            self.stopping = self.draining
            self.draining = True
            self._drain_until = now + self.drain_patience
            self.attempts.give_back_unstarted()
            self._beat_at = float("-inf")
        elif reason == STOCKED:
            self._beat_at = float("-inf")
        elif reason != FOUND:
            self._hear_slots(now)  # its last words
            if not self.models.died(reason.decode(), now):
                self._slot_died(reason.decode(), now)

    def _slot_died(self, name: str, now: float) -> None:
        self.models.slot_died(name)
        for slot in self.slots:
            if slot.name == name:
                code, reason = slot.why_it_died()
                blamed = self.attempts.slot_died(name, slot.running, code=code, reason=reason)
                slot.ended(now)
                log.warning("slot %s: %s%s", name, reason, f", in {blamed.id}" if blamed else "")
        self._beat_at = float("-inf")

    # ---- the rest -------------------------------------------------------------------

    def _forget(self) -> None:
        for held in self.attempts.forgotten:
            if held.spooled:
                self.pixels.forget(held.id)
        self.attempts.forgotten.clear()


def tell(socket: Socket, name: str, body: bytes) -> None:
    """Say something to a slot, or to a model's process, by its name."""
    try:
        put(socket, [name.encode(), body])
    except zmq.ZMQError as error:
        # Its exit is on the way; what becomes of its work follows from that.
        log.debug("%s takes nothing: %s", name, error)


def _slot_task(held: Held) -> SlotTask:
    task, work = held.item.task, held.work
    return SlotTask(held.id, work.recipe, work.output, task.digest, task.inline)
