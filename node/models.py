"""The models that this node has loaded, each in a process of its own, lent to all slots.

    cold --wanted, weights here--> warming --READY--> warm --long unused--> cold
                                      |                 |
                                      +-- its process ends --> cold; slots that wait are told

A step that ends the process ends the slot that asked for it too: so its picture is blamed as it
is for every slot that it costs. And where such a slot is ended, so is the process, for both hang.
Where several were looked at together nobody is blamed, and the next ones are looked at each alone.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from ..broker.messages import LoadedItem
from ..ops.weights import WEIGHTS, Weights
from .limits import limit
from .slot_messages import BORROWS, READY, ModelEnd, ModelTask
from .slot_process import SlotProcess
from .spool import made_path

log = logging.getLogger(__name__)

LONG_UNUSED: Final = 600.0
UNNEEDED: Final = 10.0
"""Seconds without use after which a model makes way for one that is wanted."""

LONGEST_LOADING: Final = 300.0
"""Seconds after which a model that is still not loaded is given up."""

_read_task = msgspec.msgpack.Decoder(ModelTask).decode
_read_end = msgspec.msgpack.Decoder(ModelEnd).decode


@dataclass(slots=True, eq=False)
class _Loaded:
    """A model's process; ``lent`` says by attempt which slot waits for it."""

    process: SlotProcess
    used_at: float
    warm: bool = False
    lent: dict[int, str] = field(default_factory=dict)

    def is_unused(self, now: float, seconds: float) -> bool:
        """Whether it has been ready, and nobody's, for so long."""
        return self.warm and not self.lent and now - self.used_at >= seconds


@dataclass(slots=True, eq=False, kw_only=True)
class Models:
    """``make`` gives the process for a model, ``send`` says something to one of these or a slot.

    Pixels are in the folder ``spool``; ``news`` is whether the heartbeat has any.
    """

    slots: Sequence[SlotProcess]
    make: Callable[[str], SlotProcess]
    send: Callable[[str, bytes], None]
    spool: Path
    table: Mapping[str, Weights] = field(default_factory=lambda: WEIGHTS)
    news: bool = False
    _wanted: set[str] = field(default_factory=set)
    _processes: dict[str, SlotProcess] = field(default_factory=dict)
    _loaded: dict[str, _Loaded] = field(default_factory=dict)
    _unloaded: dict[str, str] = field(default_factory=dict)
    _singly: set[str] = field(default_factory=set)

    @property
    def warming(self) -> str:
        """A model that is being loaded, or ""."""
        return next((name for name, one in self._loaded.items() if not one.warm), "")

    @property
    def unloaded(self) -> str:
        """Which models could not be loaded, and why."""
        return "; ".join(f"{model}: {why}" for model, why in self._unloaded.items())[:1000]

    @property
    def loaded(self) -> tuple[LoadedItem, ...]:
        """Those whose memory is no task's."""
        return tuple(LoadedItem(name, self.table[name].memory) for name in self._loaded)

    @property
    def memory(self) -> int:
        """Bytes that are theirs and no task's."""
        return sum(one.memory for one in self.loaded)

    def cold(self, here: Collection[str]) -> tuple[str, ...]:
        """Return which of the models that are here would have to be loaded first."""
        warm = {name for name, one in self._loaded.items() if one.warm}
        return tuple(sorted(one for one in here if self.table[one].is_shared and one not in warm))

    def want(self, model: str) -> None:
        """Have a model loaded as soon as its weights are here."""
        if model in self.table and self.table[model].is_shared and model not in self._loaded:
            self._wanted.add(model)
            self._unloaded.pop(model, None)

    def tick(self, here: Collection[str], room: int, now: float) -> None:
        """Load what is wanted; end what was not used for long. ``room`` is in bytes."""
        for model in sorted(self._wanted.intersection(here)):
            self._load(model, room, now)
        for model, one in self._loaded.items():
            late = not one.warm and now - one.used_at >= LONGEST_LOADING
            if late and model not in self._unloaded:
                self._is_not_loaded(model, f"it was not loaded after {LONGEST_LOADING:.0f} s")
                one.process.kill("hung", self._unloaded[model])
        self.make_room(now, LONG_UNUSED)

    def make_room(self, now: float, unused: float = 0.0) -> None:
        """End those that nobody has used for so many seconds."""
        for one in self._loaded.values():
            if one.is_unused(now, unused):
                one.process.part()

    def close(self) -> None:
        """End all of them."""
        for one in self._loaded.values():
            one.process.stop()

    def _load(self, model: str, room: int, now: float) -> None:
        """Begin to load it, or give it up; it is wanted still where it can be later."""
        process = self._process_for(model)
        if self._has_memory(model, room, now) and process.start_at <= now:
            self._wanted.discard(model)
            process.start_if_due(now)
            if process.alive:
                self._loaded[model], self.news = _Loaded(process, now), True
            else:
                self._is_not_loaded(model, "its process cannot be started")

    def _process_for(self, model: str) -> SlotProcess:
        if model not in self._processes:
            self._processes[model] = self.make(model)
        return self._processes[model]

    def _has_memory(self, model: str, room: int, now: float) -> bool:
        """Whether there is memory for it; if not, that is said, and models are ended for it."""
        needed, free = self.table[model].memory, max(0, room - self.memory)
        if needed <= free:
            self._unloaded.pop(model, None)
            return True
        if model not in self._unloaded:
            has = f"it takes {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} are free"
            self._is_not_loaded(model, has)
        if needed > room:
            self._wanted.discard(model)
        else:
            self.make_room(now, UNNEEDED)
        return False

    def _is_not_loaded(self, model: str, why: str) -> None:
        self.news, self._unloaded[model] = True, why
        log.warning("cannot load %s: %s", model, why)

    # ---- what is said ---------------------------------------------------------------

    def heard(self, name: str, body: bytes, now: float) -> bool:
        """Take in what a process said; False where that was no word of models."""
        if name.endswith(BORROWS):
            self._lend(name.removesuffix(BORROWS), body, now)
            return True
        for model, one in self._loaded.items():
            if one.process.name == name:
                self._says(model, one, body, now)
                return True
        return False

    def _lend(self, slot: str, body: bytes, now: float) -> None:
        task = _read_task(body)
        if not any(one.name == slot and one.alive for one in self.slots):
            return  # it died with this word on its way
        one = self._loaded.get(task.model)
        if one is None or not one.warm:
            self.want(task.model)
            self._refuse(slot, task.attempt, f"{task.model} is not loaded")
            return
        one.lent[task.attempt], one.used_at = slot, now
        task = msgspec.structs.replace(task, alone=task.model in self._singly)
        self.send(one.process.name, msgspec.msgpack.encode(task))

    def _says(self, model: str, one: _Loaded, body: bytes, now: float) -> None:
        one.used_at = now
        if body == READY:
            one.warm = self.news = True
            return
        end = _read_end(body)
        if not end.attempt:
            self._is_not_loaded(model, end.reason)
        elif (slot := one.lent.pop(end.attempt, None)) is not None:
            self.send(f"{slot}{BORROWS}", body)
        else:
            made_path(self.spool, end.attempt).unlink(missing_ok=True)

    def _refuse(self, slot: str, attempt: int, why: str) -> None:
        end = ModelEnd(attempt, code="no-model", reason=why)
        self.send(f"{slot}{BORROWS}", msgspec.msgpack.encode(end))

    # ---- what has ended -------------------------------------------------------------

    def died(self, name: str, now: float) -> bool:
        """Take in that a process is gone; False where it was no model's."""
        for model, one in self._loaded.items():
            if one.process.name == name:
                del self._loaded[model]
                self._mourn(model, one, now)
                return True
        return False

    def _mourn(self, model: str, one: _Loaded, now: float) -> None:
        running, why = one.process.running, f"its model's process {one.process.how_it_ended}"
        one.process.ended(now)
        self.news = True
        if not one.warm and model not in self._unloaded:
            self._is_not_loaded(model, why)
        if one.lent:
            log.warning("%s: %s", model, why)
        if one.lent and running not in one.lent:
            self._singly.add(model)  # one of these may have ended it
        else:
            self._singly.discard(model)
        for attempt, slot in one.lent.items():
            if attempt == running:
                self._end_slot(slot, why)
            else:
                self._refuse(slot, attempt, why)

    def _end_slot(self, name: str, why: str) -> None:
        for slot in self.slots:
            if slot.name == name:
                slot.kill("crashed", why)

    def slot_died(self, name: str) -> None:
        """Take in that a slot is gone: what it had asked for is nobody's."""
        for model, one in self._loaded.items():
            asked = [attempt for attempt, slot in one.lent.items() if slot == name]
            for attempt in asked:
                del one.lent[attempt]
            if one.process.running in asked:
                one.process.kill("crashed", f"{model} was at work for a slot that is gone")

    # ---- how long it takes ----------------------------------------------------------

    @property
    def waiting(self) -> frozenset[int]:
        """The attempts for which no process is at work alone: nothing is known of each."""
        return frozenset(
            attempt
            for one in self._loaded.values()
            for attempt in one.lent
            if attempt != one.process.running
        )

    def end_overrun(self, predicted: Mapping[int, float], now: float) -> None:
        """End a process that has said nothing for longer than all may take that wait for it.

        That is, by ``predicted``, in seconds. For an attempt that it is at work for alone, the
        limit is its slot's.
        """
        for model, one in self._loaded.items():
            most = limit(sum(predicted.get(attempt, 0.0) for attempt in one.lent))
            waited = one.lent and one.process.running not in one.lent
            if waited and now - one.used_at >= most:
                log.warning("%s: it has said nothing for %.0f s", model, most)
                one.process.kill("hung", f"it said nothing for {most:.0f} s")
