"""The `pixmesh` command's two ends: how it starts, and with which exit code it ends.

Owns the map from errors to exit codes and to what is said on stderr. Knows no subcommand,
and imports nothing heavy: what it needs is loaded after the current folder is off the
import path, so a stray `numpy.py` there breaks nothing.

    0 all done         1 unexpected       2 usage           3 mesh unreachable
    4 not authorised   5 some pictures failed               6 no node can do this
    130 Ctrl-C         141 broken pipe    143 terminated
"""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

INTERRUPTED = 128 + signal.SIGINT
BROKEN_PIPE = 141
TERMINATED = 128 + signal.SIGTERM


class Terminated(BaseException):
    """SIGTERM, where the command does not handle it itself."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    _forget_the_current_folder()
    words = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        return _run(words)
    except (KeyboardInterrupt, Terminated) as end:
        return TERMINATED if isinstance(end, Terminated) else INTERRUPTED
    except BrokenPipeError:
        _quieten_the_pipe()
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001  # the outermost edge: every error ends here
        return _tell(error, words)


def _run(words: list[str]) -> int:
    from .group import root

    _complete_shell_words()
    with root.make_context("pixmesh", words) as context:
        root.invoke(context)
    sys.stdout.flush()
    return 0


def _tell(error: Exception, words: list[str]) -> int:
    """Say on stderr what happened and what to do; return the exit code."""
    import click

    from ..broker.plain import plain_lines
    from ..node.errors import PixmeshError
    from ..ops.errors import PictureError, RecipeError

    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort):
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, PixmeshError | PictureError | RecipeError):
        click.echo(plain_lines(f"pixmesh: {error}"), err=True)
        return _code_of(error)
    _tell_unexpected(error, words)
    return 1


def _code_of(error: Exception) -> int:
    from ..node.errors import PixmeshError
    from ..ops.errors import PictureError

    if isinstance(error, PixmeshError):
        return error.exit_code
    return 5 if isinstance(error, PictureError) else 2


def _tell_unexpected(error: Exception, words: list[str]) -> None:
    import traceback

    import click

    from ..broker.plain import plain_lines

    if any(word in {"-v", "-vv", "--verbose"} for word in words):
        trace = "".join(traceback.format_exception(error))
        click.echo(plain_lines(trace), err=True, nl=False)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    click.echo(plain_lines(f"pixmesh: unexpected error: {what}"), err=True)
    click.echo("run the same command with -v to see where it happened", err=True)


def _forget_the_current_folder() -> None:
    """Import nothing from where the user happens to stand."""
    here = os.getcwd()  # noqa: PTH109  # pathlib would resolve links
    if not sys.flags.safe_path and sys.path and sys.path[0] in {"", here}:
        del sys.path[0]


def _complete_shell_words() -> None:
    instruction = os.environ.get("_PIXMESH_COMPLETE")
    if instruction:
        from click.shell_completion import shell_complete

        from .group import root

        sys.exit(shell_complete(root, {}, "pixmesh", "_PIXMESH_COMPLETE", instruction))


def _quieten_the_pipe() -> None:
    """Let the interpreter's last flush go nowhere, instead of complaining."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


if __name__ == "__main__":
    sys.exit(main())
