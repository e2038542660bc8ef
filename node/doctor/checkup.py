"""The whole check-up, in the order in which things depend on each other."""

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from ...broker.interfaces import NoSuchInterface
from .. import settings
from ..config import Config
from ..errors import ConfigError, PixmeshError
from ..load import memory_budget
from ..state import StateFolder, chosen
from . import links, machine, survey
from .aim import aimed
from .finding import Finding, fail
from .probe import look


def examined(read: Callable[[], Config], folders: Sequence[Path]) -> Iterator[Finding]:
    """Look at everything; yield what is found as it is. ``read`` reads the settings.

    Without folders the current one is looked at.
    """
    state, finding = _state()
    yield finding
    config, finding = _settings(read)
    yield finding
    yield _interfaces(config)
    if state is not None:
        yield from _mesh(config, state)
    yield from map(machine.judge_disk, survey.disks(chosen()))
    for place, mount, error in survey.mounts(folders or [Path()]):
        yield machine.judge_mount(place, mount, error)
    yield machine.judge_slots(config.slots, settings.cores())
    yield machine.judge_memory(config.slots, memory_budget())
    yield machine.judge_models(*survey.models())
    files = survey.attainable_files()
    if files is not None:
        yield machine.judge_files(files)


def _state() -> tuple[StateFolder | None, Finding]:
    try:
        state = StateFolder.open()
    except ConfigError as error:
        return None, machine.judge_state(str(chosen()), error.what, error.remedy)
    return state, machine.judge_state(str(state.root), "", "")


def _settings(read: Callable[[], Config]) -> tuple[Config, Finding]:
    try:
        config = read()
    except ConfigError as error:
        words = "; ".join(error.what.splitlines())
        return Config(), machine.judge_settings([], words, error.remedy)
    return config, machine.judge_settings(config.origins.values(), "", "")


def _interfaces(config: Config) -> Finding:
    bound = bool(config.bind)
    try:
        return machine.judge_interfaces(survey.interfaces(config.bind), bound=bound)
    except NoSuchInterface as error:
        return machine.judge_interfaces(survey.interfaces(()), bound=bound, error=str(error))


def _mesh(config: Config, state: StateFolder) -> Iterator[Finding]:
    try:
        with aimed(config.broker, state) as aim:
            yield from links.judge(look(aim), version("pixmesh"))
    except PixmeshError as error:
        yield fail("mesh", error.what, error.remedy or "correct it")
    except OSError as error:
        words = str(error.strerror or error).lower()
        yield fail("mesh", f"the state folder cannot be used: {words}", "see the disk below")
