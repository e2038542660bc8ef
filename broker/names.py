"""What members may be called, and what this machine is."""

import re
import socket
import unicodedata
from collections.abc import Iterable
from typing import Final

MOST_LISTED: Final = 8

_NAME: Final = re.compile(r"\w[\w.-]{0,62}")
_UNSEEN: Final = re.compile("[\u115f\u1160\u3164\uffa0]")  # letters, says Unicode, of no width


def is_name(name: str) -> bool:
    """Whether a member may be called so: letters, digits, dots, dashes; at most 63."""
    if _NAME.fullmatch(name) is None or _UNSEEN.search(name):
        return False
    return unicodedata.is_normalized("NFC", name)


def listed(names: Iterable[str], nobody: str) -> str:
    """Return the first names, and how many more there are: a line, however many members are."""
    known = sorted(names)
    more = len(known) - MOST_LISTED
    return ", ".join(known[:MOST_LISTED]) + (f", and {more} more" if more > 0 else "") or nobody


def host_name() -> str:
    """Return this machine's name, without its domain."""
    name = re.sub(r"[^\w.-]", "-", socket.gethostname().split(".")[0])[:63]
    return name if is_name(name) else "host"
