"""What recipes find in pictures, printed: a JSON object a line, as it comes.

Nothing is kept: neither files nor rows of the ledger; asked again, it is found again.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Final

import click

from ..node.config import Config
from ..node.owner.answer import Answer
from ..node.owner.asking import Asking
from ..node.owner.inputs import find_inputs
from ..node.owner.names import as_unicode
from ..node.owner.references import References
from ..ops.process import SAME
from ..ops.recipe import Recipe
from . import meshes, work
from .options import Common
from .pace import Counts, counted
from .patience import Watchman

WINDOW: Final = 256
SOME_FAILED: Final = 5
LABEL: Final = "stdout"
"""What the batch is called where people see it: others are called by their OUT."""


def tell(common: Common, config: Config, recipe: str, inputs: Sequence[str], *, local: bool) -> int:
    """Print what is found in each picture; return the exit code.

    Raises PixmeshError, where nobody can do it too, after `wait` seconds.
    """
    references = References(max_pixels=config.max_pixels)
    read = references.read(work.read_recipe(recipe, config.recipes))
    found = find_inputs(inputs)
    for refused in found.refused:
        _tell_failure(common, str(refused.path), refused.reason)
    counts = Counts(total=len(found.pictures))
    if found.pictures:
        with meshes.opened(config, local=local, most=counts.total, say=common.warn) as mesh:
            paths = [picture.path for picture in found.pictures]
            asking = _asking(mesh, config, read, references)
            answers = asking.as_they_come(paths, WINDOW)
            _tell_all(common, config, read, answers, counts=counts, mesh=mesh)
    failed = counts.failed + len(found.refused)
    common.say(f"{counted(counts.done, 'picture')} read, {failed} failed")
    return SOME_FAILED if failed else 0


def _asking(mesh: meshes.Opened, config: Config, recipe: Recipe, references: References) -> Asking:
    return Asking(
        mesh.session,
        recipe.canonical(),
        form=SAME,
        quality=None,
        max_pixels=config.max_pixels,
        label=LABEL,
        references=references,
    )


def _tell_all(
    common: Common,
    config: Config,
    recipe: Recipe,
    answers: Iterator[Answer],
    *,
    counts: Counts,
    mesh: meshes.Opened,
) -> None:
    """Print what comes. Raises PixmeshError where no more will come."""
    session = mesh.session
    watchman = Watchman(
        counts=counts,
        wait=config.wait,
        ask=lambda: mesh.why_waiting(LABEL),
        say=common.warn,
        give_up=lambda _gone: session.close(),
        extras=recipe.extras(),
    )
    with watchman:
        for answer in answers:
            if answer.ok:
                click.echo(_line(answer))
                counts.done += 1
            elif trouble := watchman.verdict or session.trouble:
                raise trouble
            else:
                _tell_failure(common, str(answer.input), answer.error)
                counts.failed += 1


def _line(answer: Answer) -> str:
    return json.dumps({"source": as_unicode(str(answer.input)), "data": answer.data})


def _tell_failure(common: Common, path: str, reason: str) -> None:
    common.warn(f"failed: {as_unicode(path)}: {reason}")
