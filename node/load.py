"""How busy this machine is, and how much of it is ours. By psutil, about 1 ms a sample."""

import contextlib
from dataclasses import dataclass, field

import psutil

from ..broker.messages import Load

SHARE = 0.8


@dataclass(slots=True)
class LoadMeter:
    """Samples the machine; rates are since the sample before.

    ``room`` is what tasks could reserve as of the last sample: most of what is free, and of
    what this process and its slots have.
    """

    _own_process: psutil.Process = field(default_factory=psutil.Process)
    room: int = 0
    _at: float | None = None
    _own_seconds: float = 0.0
    _bytes: tuple[int, int, int, int] = (0, 0, 0, 0)

    def sample(self, now: float) -> Load:
        """Return the load since the last sample; the first one has no rates."""
        cpu = psutil.cpu_percent(interval=None) / 100
        (own_seconds, own_bytes), moved = self._own(), _moved()
        memory = psutil.virtual_memory()
        self.room = int((memory.available + own_bytes) * SHARE)
        elapsed = now - self._at if self._at is not None else 0.0
        own = rates = None
        if elapsed > 0:
            own = (own_seconds - self._own_seconds) / elapsed / (psutil.cpu_count() or 1)
            rates = [
                max(0.0, (new - old) / elapsed) for new, old in zip(moved, self._bytes, strict=True)
            ]
        self._at, self._own_seconds, self._bytes = now, own_seconds, moved
        return Load(
            cpu=cpu,
            cpu_others=min(1.0, max(0.0, cpu - (own or 0.0))),
            memory=memory.percent / 100,
            **dict(zip(_RATES, rates or [0.0] * len(_RATES), strict=True)),
        )

    def _own(self) -> tuple[float, int]:
        """Return the CPU seconds and the resident bytes of this process and its slots."""
        seconds, resident = 0.0, 0
        for process in [self._own_process, *self._own_process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                used = process.cpu_times()
                seconds += used.user + used.system
                resident += process.memory_info().rss
        return seconds, resident


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
