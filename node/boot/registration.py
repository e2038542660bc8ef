"""How a service manager is told of a program: a file of its own, and commands around it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Call:
    """A command of the service manager; one that ``may_fail`` may have nothing to do."""

    words: tuple[str, ...]
    may_fail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Everything about one program for one service manager.

    ``begin`` makes it known and starts it, ``renew`` the same for one that may run already
    with an older file; ``end`` stops it and makes it forgotten, before its file is deleted,
    and ``forget`` comes after that.
    """

    manager: str
    file: Path
    content: bytes
    begin: Sequence[Call]
    renew: Sequence[Call]
    end: Sequence[Call]
    forget: Sequence[Call] = ()
    hints: Sequence[str] = ()


def calls(tool: str, *lines: Sequence[str], may_fail: bool = False) -> list[Call]:
    """Return a call of one tool for each line of words."""
    return [Call((tool, *line), may_fail) for line in lines]
