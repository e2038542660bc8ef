"""The models that this node has loaded, each in a process of its own, lent to all slots.

    cold --wanted, weights here--> warming --READY--> warm --long unused--> cold
                                      |                 |
                                      +-- its process ends --> cold; slots that wait are told

A step that ends the process ends the slot that asked for it too: so its picture is blamed as it
is for every slot that it costs. And where such a slot is ended, so is the process, for both hang.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ..ops.weights import WEIGHTS, Weights
from .cell import TOGETHER
from .slot_messages import BORROWS, READY, ModelEnd, ModelTask
from .slot_process import SlotProcess

log = logging.getLogger(__name__)

LONG_UNUSED: Final = 600.0
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


@dataclass(slots=True, eq=False, kw_only=True)
class Models:
    """``make`` gives the process for a model, ``send`` says something to one of these or a slot.

    ``unloaded`` says which model could not be loaded, and why; ``news`` is whether the heartbeat
    has any.
    """

    slots: Sequence[SlotProcess]
    make: Callable[[str], SlotProcess]
    send: Callable[[str, bytes], None]
    table: Mapping[str, Weights] = field(default_factory=lambda: WEIGHTS)
    unloaded: str = ""
    news: bool = False
    _wanted: set[str] = field(default_factory=set)
    _loaded: dict[str, _Loaded] = field(default_factory=dict)

    @property
    def warming(self) -> str:
        """A model that is being loaded, or ""."""
        return next((name for name, one in self._loaded.items() if not one.warm), "")

    @property
    def memory(self) -> int:
        """Bytes that are theirs and no task's."""
        return sum(self.table[name].memory for name in self._loaded)

    def cold(self, here: Collection[str]) -> tuple[str, ...]:
        """Return which of the models that are here would have to be loaded first."""
        warm = {name for name, one in self._loaded.items() if one.warm}
        return tuple(sorted(one for one in here if self.table[one].is_shared and one not in warm))

    def want(self, model: str) -> None:
        """Have a model loaded as soon as its weights are here."""
        if model in self.table and self.table[model].is_shared:
            self._wanted.add(model)

    def tick(self, here: Collection[str], room: int, now: float) -> None:
        """Load what is wanted; end what was not used for long. ``room`` is in bytes."""
        for model in sorted(self._wanted & set(here)):
            self._wanted.discard(model)
            if model not in self._loaded:
                self._load(model, room - self.memory, now)
        for name, one in self._loaded.items():
            unused = now - one.used_at
            if one.warm and not one.lent and unused >= LONG_UNUSED:
                one.process.part()
            elif not one.warm and not self.unloaded and unused >= LONGEST_LOADING:
                self._is_not_loaded(name, f"it was not loaded after {LONGEST_LOADING:.0f} s")
                one.process.kill("hung", self.unloaded)

    def close(self) -> None:
        """End all of them."""
        for one in self._loaded.values():
            one.process.stop()

    def _load(self, model: str, room: int, now: float) -> None:
        needed = self.table[model].memory
        self.news, self.unloaded = True, ""
        if needed > room:
            has = f"it takes {needed / 1e9:.1f} GB of memory, and {max(0, room) / 1e9:.1f} are free"
            self._is_not_loaded(model, has)
            return
        process = self.make(model)
        process.start_if_due(now)
        if process.alive:
            self._loaded[model] = _Loaded(process, now)
        else:
            self._is_not_loaded(model, "its process cannot be started")

    def _is_not_loaded(self, model: str, why: str) -> None:
        self.unloaded = f"{model}: {why}"[:1000]
        log.warning("cannot load %s", self.unloaded)

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
        one = self._loaded.get(task.model)
        if one is None or not one.warm:
            self.want(task.model)
            self._refuse(slot, task.attempt, f"{task.model} is not loaded")
            return
        one.lent[task.attempt], one.used_at = slot, now
        self.send(one.process.name, body)

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
        if not one.warm and not self.unloaded:
            self._is_not_loaded(model, why)
        if one.lent:
            log.warning("%s: %s", model, why)
        for attempt, slot in one.lent.items():
            if running in {attempt, TOGETHER}:
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
