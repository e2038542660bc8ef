"""What a check found: its verdict, in words what, and what mends it."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

GIGA: Final = 1e9


class Verdict(StrEnum):
    """``WARN``: it works, but not well or not everywhere. ``FAIL``: something does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


class Finding(Struct, frozen=True):
    """One check. ``fix`` is the command or deed that mends it; there is none where all is well."""

    name: str
    verdict: Verdict
    what: str
    fix: str = ""


def ok(name: str, what: str) -> Finding:
    """Say that it is as it should be."""
    return Finding(name, Verdict.OK, what)


def warn(name: str, what: str, fix: str) -> Finding:
    """Say what could be better, and how."""
    return Finding(name, Verdict.WARN, what, fix)


def fail(name: str, what: str, fix: str) -> Finding:
    """Say what does not work, and what mends it."""
    return Finding(name, Verdict.FAIL, what, fix)


def gigabytes(size: float) -> str:
    """Write a number of bytes."""
    return f"{size / GIGA:.1f} GB"
