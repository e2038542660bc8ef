"""How busy this machine is, and how much of it is ours. By psutil, about 1 ms a sample.

What runs at a low priority gives way to everything else, so it is nobody's use of the
machine: slots, those of other nodes here too, and whatever else was made nice. Windows does
not count that apart; there, only our own slots are left out.
"""

import contextlib
import logging
from dataclasses import dataclass, field

import psutil

from ..broker.messages import MOST_RATE, Load

log = logging.getLogger(__name__)

SHARE = 0.8


@dataclass(frozen=True, slots=True)
class _Counters:
    """Seconds and bytes since boot; ``polite`` seconds are those at low priority.

    ``memory`` is the share in use.
    """

    at: float
    busy: float
    polite: float
    own: float
    own_polite: float
    moved: tuple[int, int, int, int]
    memory: float


@dataclass(slots=True)
class LoadMeter:
    """Samples the machine; rates are since the sample before.

    ``room`` is what tasks could reserve as of the last sample: most of what is free, and of
    what this process and its slots have.
    """

    _process: psutil.Process = field(default_factory=psutil.Process)
    room: int = 0
    _before: _Counters | None = None

    def sample(self, now: float) -> Load:
        """Return the load since the last sample; the first one has no rates.

        Where the machine cannot be looked at, for want of descriptors, nothing is known.
        """
        try:
            counters = self._counters(now)
        except OSError as error:
            log.warning("this machine's load cannot be read: %s", error)
            return Load()
        before, self._before = self._before, counters
        if before is None or now <= before.at:
            return Load(memory=counters.memory)
        return _between(before, counters)

    def _counters(self, now: float) -> _Counters:
        own, own_polite, resident = self._own()
        memory = psutil.virtual_memory()
        self.room = int((memory.available + resident) * SHARE)
        times = psutil.cpu_times()
        polite = getattr(times, "nice", None)
        busy = sum(times) - times.idle - getattr(times, "iowait", 0.0)
        return _Counters(
            at=now,
            busy=busy - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0),
            polite=polite or 0.0,
            own=own,
            own_polite=own_polite if polite is not None else 0.0,
            moved=_moved(),
            memory=_share(memory.percent / 100),
        )

    def _own(self) -> tuple[float, float, int]:
        """Return the CPU seconds of this process and its slots, the slots', and the bytes."""
        seconds, polite, resident = 0.0, 0.0, 0
        for process in [self._process, *self._process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                used = process.cpu_times()
                seconds += used.user + used.system
                polite += used.user if process is not self._process else 0.0
                resident += process.memory_info().rss
        return seconds, polite, resident


def _between(before: _Counters, after: _Counters) -> Load:
    elapsed = after.at - before.at
    machine = elapsed * (psutil.cpu_count() or 1)
    own = after.own - before.own - (after.own_polite - before.own_polite)
    others = after.busy - before.busy - (after.polite - before.polite) - own
    moved = zip(after.moved, before.moved, strict=True)
    rates = [min(MOST_RATE, max(0.0, (new - old) / elapsed)) for new, old in moved]
    return Load(
        cpu=_share((after.busy - before.busy) / machine),
        cpu_others=_share(others / machine),
        memory=after.memory,
        **dict(zip(_RATES, rates, strict=True)),
    )


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))


_RATES = ("net_in", "net_out", "disk_read", "disk_write")


def _moved() -> tuple[int, int, int, int]:
    """Return the bytes over the network and the disks since boot."""
    net, disk = psutil.net_io_counters(), psutil.disk_io_counters()
    return (
        net.bytes_recv if net else 0,
        net.bytes_sent if net else 0,
        disk.read_bytes if disk else 0,
        disk.write_bytes if disk else 0,
    )


def memory_budget() -> int:
    """Return the bytes that tasks may reserve on this machine: most of what is free now."""
    return int(psutil.virtual_memory().available * SHARE)
