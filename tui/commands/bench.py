"""`pixmesh bench`: measurements with their method. The only place that names that room."""

import click

from ..options import Common, common

EVERYTHING = {"ignore_unknown_options": True, "help_option_names": []}


@click.group("bench")
@common
@click.pass_context
def command(ctx: click.Context, common: Common) -> None:
    """Measure this machine; the method is in bench/METHOD.md."""
    ctx.obj = common


@command.command("dispatch", context_settings=EVERYTHING, add_help_option=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def dispatch(words: tuple[str, ...]) -> None:
    """Tasks per second through broker and slots, beside a bare pyzmq chain."""
    from ...bench import dispatch as measurement

    click.get_current_context().exit(measurement.main(list(words)))


@command.command("pictures", context_settings=EVERYTHING, add_help_option=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def pictures(words: tuple[str, ...]) -> None:
    """CPU and wall time for photographs, beside an OpenCV loop and a Pool."""
    from ...bench import pictures as measurement

    click.get_current_context().exit(measurement.main(list(words)))


@command.command("operations", context_settings=EVERYTHING, add_help_option=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def operations(words: tuple[str, ...]) -> None:
    """Each operation's megapixels a second, beside plain OpenCV."""
    from ...bench import operations as measurement

    click.get_current_context().exit(measurement.main(list(words)))


@command.command("folder", context_settings=EVERYTHING, add_help_option=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def folder(words: tuple[str, ...]) -> None:
    """The drop folder beside `run`, and how soon a photo is through."""
    from ...bench import folder as measurement

    click.get_current_context().exit(measurement.main(list(words)))


@command.command("curve", context_settings=EVERYTHING, add_help_option=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def curve(words: tuple[str, ...]) -> None:
    """What encryption adds to the CPU seconds that photographs take."""
    from ...bench import curve as measurement

    click.get_current_context().exit(measurement.main(list(words)))


@command.command("simulate", context_settings=EVERYTHING, add_help_option=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def simulate(words: tuple[str, ...]) -> None:
    """The scheduler over a thousand simulated nodes, beside round robin and least loaded."""
    from ...bench.simulate import command as measurement

    click.get_current_context().exit(measurement.main(list(words)))


@command.command("faults", context_settings=EVERYTHING, add_help_option=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def faults(words: tuple[str, ...]) -> None:
    """The fault matrix, row by row, as a checkout's tests find it now."""
    from ...bench import faults as measurement

    click.get_current_context().exit(measurement.main(list(words)))
