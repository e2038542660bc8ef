"""What a machine is busy with: all, others, and what they left."""

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from pixmesh.broker import wire
from pixmesh.broker.messages import Load, State
from pixmesh.node.load import LoadMeter, _Counters
from pixmesh.tests.support.eventually import eventually

BUSY = "import os, sys\nos.nice(int(sys.argv[1]))\nprint(flush=True)\nwhile True: pass"
IDLE = "import sys\nsys.stdin.read()"


@pytest.fixture
def meter() -> Iterator[LoadMeter]:
    """Measure for another process, which does nothing: what this one's children do is others'."""
    with subprocess.Popen([sys.executable, "-c", IDLE], stdin=subprocess.PIPE) as process:
        yield LoadMeter(psutil.Process(process.pid))


@pytest.fixture
def busy(request: pytest.FixtureRequest) -> Iterator[psutil.Process]:
    """Run a process that does nothing but use a core, as nice as the test says."""
    command = [sys.executable, "-c", BUSY, str(request.param)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield psutil.Process(process.pid)
        process.kill()


def counted(meter: LoadMeter, process: psutil.Process) -> tuple[float, _Counters, _Counters]:
    """Sample before and after a process used half a second; return others' cores in between."""
    meter.sample(time.monotonic())
    before, begun = meter._before, process.cpu_times().user
    eventually(lambda: process.cpu_times().user >= begun + 0.5, 60)
    load = meter.sample(time.monotonic())
    assert before is not None
    assert meter._before is not None
    elapsed = meter._before.at - before.at
    return load.cpu_others * elapsed * (psutil.cpu_count() or 1), before, meter._before


@pytest.mark.parametrize("busy", [0], indirect=True)
def test_what_others_do_is_their_use_of_the_machine(meter: LoadMeter, busy: psutil.Process) -> None:
    seconds, _, _ = counted(meter, busy)
    assert seconds >= 0.4


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not count low priority apart")
@pytest.mark.parametrize("busy", [10], indirect=True)
def test_what_gives_way_is_nobodys_use_of_the_machine(
    meter: LoadMeter, busy: psutil.Process
) -> None:
    _, before, after = counted(meter, busy)
    assert after.polite - before.polite >= 0.4


def test_what_this_process_does_itself_is_its_own() -> None:
    meter = LoadMeter()
    meter.sample(time.monotonic())
    before, begun = meter._before, time.process_time()
    while time.process_time() - begun < 0.3:
        pass
    meter.sample(time.monotonic())
    assert before is not None
    assert meter._before is not None
    assert meter._before.own - before.own == pytest.approx(0.3, abs=0.1)


def test_the_first_sample_has_no_rates_and_room_is_less_than_all_memory() -> None:
    meter = LoadMeter()
    load = meter.sample(0.0)
    assert (load.cpu, load.net_in) == (0.0, 0.0)
    assert 0 < meter.room < psutil.virtual_memory().total


def test_every_sample_can_be_told_however_short_the_time_since_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meter = LoadMeter()
    meter.sample(0.0)
    monkeypatch.setattr("pixmesh.node.load._moved", lambda: (2**62, 0, 2**62, 0))
    (frame,) = wire.encode(State(load=meter.sample(1e-9)))
    message, _ = wire.decode([frame])
    assert isinstance(message, State)
    assert message.load


def test_a_machine_that_cannot_be_looked_at_has_no_known_load(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def nothing_opens() -> None:
        raise OSError(24, "Too many open files")

    meter = LoadMeter()
    meter.sample(0.0)
    monkeypatch.setattr(psutil, "virtual_memory", nothing_opens)
    assert meter.sample(1.0) == Load()
    assert "Too many open files" in caplog.text
