"""One request for pictures, from its plan to its summary: what `run` and `demo` share.

Owns the order of things for a person: plan everything, stop before anything starts if a
plan may not, open the mesh only when there is work, show how far it is, name what failed.
How a picture becomes an output is the owner's business.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from ..node.config import Config
from ..node.owner.disk import RealDisk
from ..node.owner.formats import converted_kinds, extension_for, output_of
from ..node.owner.inputs import find_inputs
from ..node.owner.ledger import Ledger
from ..node.owner.plan import OnExists, Plan, make_plan
from ..node.owner.references import References
from ..node.owner.report import Summary
from ..node.state import StateFolder
from ..ops.process import Output
from . import forecast, meshes, summary, work
from .options import Common
from .running import Running

SCHEMA: Final = 1
SOME_FAILED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asked for; ``out`` is OUT itself, which no input is taken from.

    ``references`` has those of the recipes, which call them by what is in them.
    """

    common: Common
    config: Config
    wanted: tuple[work.Wanted, ...]
    inputs: tuple[str, ...]
    out: Path
    output: Output
    on_exists: str = "stop"
    first: int | None = None
    local: bool = False
    keep_times: bool = False
    references: References = field(default_factory=References)

    def hows(self) -> list[tuple[work.Wanted, Output]]:
        """Return what is wanted, each with how it is written. Raises UsageError."""
        return [(one, output_of(one.recipe, self.output)) for one in self.wanted]


@dataclass(frozen=True, slots=True)
class Planned:
    """The plans of a request, one for each output, and the ledger that they were made with."""

    plans: tuple[Plan, ...]
    ledger: Ledger
    disk: RealDisk


@contextmanager
def planned(request: Request) -> Iterator[Planned]:
    """Plan a request; nothing is changed. Raises UsageError for what cannot be asked."""
    state = StateFolder.open()
    disk = RealDisk()
    inputs = find_inputs(request.inputs, out=request.out)
    with Ledger(state.ledger) as ledger:
        plans = tuple(
            make_plan(
                inputs=inputs,
                out=one.out,
                recipe=one.recipe.canonical(),
                output=how.canonical(),
                extension_for=extension_for(how),
                ledger=ledger,
                disk=disk,
                on_exists=OnExists(request.on_exists),
                first=request.first,
            )
            for one, how in request.hows()
        )
        yield Planned(plans, ledger, disk)


def foretell(request: Request, planned: Planned) -> None:
    """Show what would be done."""
    known = forecast.forecast(planned.plans, request.wanted, request.output, request.config)
    known["mesh"] = meshes.where(request.config, local=request.local)
    if request.common.json:
        click.echo(json.dumps({"schema": SCHEMA, **known}))
    else:
        click.echo(forecast.in_words(known))


def carried_out(request: Request, planned: Planned) -> int:
    """Do what is planned; say what came of it, and return the exit code."""
    for plan in planned.plans:
        plan.check()
    _say_what_is_special(request, planned.plans[0])
    running = Running(request, planned)
    summaries = running.run()
    _tell(request, planned, summaries)
    if running.trouble is not None:
        raise running.trouble
    failed = any(one.failed or one.taken_back for one in summaries)
    return running.interrupted or (SOME_FAILED if failed else 0)


def _say_what_is_special(request: Request, plan: Plan) -> None:
    names = [entry.picture.relative for entry in plan.entries]
    for suffix, form in converted_kinds(names, request.output).items():
        request.common.say(f"{suffix} cannot be written: those become {form}")
    if plan.skipped:
        request.common.say(f"no pictures, left out: {forecast.kinds(plan.skipped)}")


def _tell(request: Request, planned: Planned, summaries: list[Summary]) -> None:
    later = sum(plan.later for plan in planned.plans)
    if request.common.json:
        click.echo(json.dumps({"schema": SCHEMA, **summary.as_data(summaries, later=later)}))
    for line in summary.in_words(summaries, out=request.out, later=later):
        request.common.say(line)
