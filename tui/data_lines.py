"""What recipes find in pictures, printed: a JSON object a line, as it comes.

Nothing is kept: neither files nor rows of the ledger; asked again, it is found again.
"""

import json
from collections.abc import Sequence
from typing import Final

import click

from ..node.config import Config
from ..node.owner.answer import Answer
from ..node.owner.asking import Asking
from ..node.owner.inputs import find_inputs
from ..node.owner.names import as_unicode
from ..ops.process import SAME
from . import meshes, work
from .options import Common
from .pace import counted

WINDOW: Final = 256
SOME_FAILED: Final = 5


def tell(common: Common, config: Config, recipe: str, inputs: Sequence[str], *, local: bool) -> int:
    """Print what is found in each picture; return the exit code. Raises PixmeshError."""
    text = work.read_recipe(recipe, config.recipes).canonical()
    found = find_inputs(inputs)
    for refused in found.refused:
        _tell_failure(common, str(refused.path), refused.reason)
    paths = [picture.path for picture in found.pictures]
    failed = _tell_all(common, config, text, paths, local=local) if paths else 0
    read = counted(len(paths) - failed, "picture")
    failed += len(found.refused)
    common.say(f"{read} read, {failed} failed")
    return SOME_FAILED if failed else 0


def _tell_all(
    common: Common, config: Config, text: str, paths: Sequence[object], *, local: bool
) -> int:
    failed = 0
    with meshes.opened(config, local=local, most=len(paths), say=common.warn) as mesh:
        asking = Asking(mesh.session, text, form=SAME, quality=None)
        for answer in asking.as_they_come(paths, WINDOW):
            if answer.ok:
                click.echo(_line(answer))
            else:
                failed += 1
                _tell_failure(common, str(answer.input), answer.error)
    return failed


def _line(answer: Answer) -> str:
    return json.dumps({"source": as_unicode(str(answer.input)), "data": answer.data})


def _tell_failure(common: Common, path: str, reason: str) -> None:
    common.warn(f"failed: {as_unicode(path)}: {reason}")
