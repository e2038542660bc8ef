"""Which files of IN are wanted, by patterns such as ``*.jpg`` and ``raw/**``. Pure.

    *       anything within one name          **      anything, over folders too
    ?       one letter of a name              [abc]   one of these

A pattern without ``/`` is about the file's name, wherever it is; one with ``/`` about its path
from IN. Capitals are like small letters.
"""

import functools
import re
from collections.abc import Sequence


def is_wanted(relative: str, *, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> bool:
    """Tell whether a path from IN, with ``/``, is included and not excluded."""
    if include and not any(matches(relative, pattern) for pattern in include):
        return False
    return not any(matches(relative, pattern) for pattern in exclude)


def matches(relative: str, pattern: str) -> bool:
    """Tell whether a pattern is about a path."""
    about = relative if "/" in pattern else relative.rpartition("/")[2]
    return _compiled(pattern.lstrip("/")).fullmatch(about) is not None


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> "re.Pattern[str]":
    parts = re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", pattern, re.DOTALL)
    return re.compile("".join(map(_translated, parts)), re.IGNORECASE | re.DOTALL)


def _translated(part: str) -> str:
    match part:
        case "**/":
            return "(?:.*/)?"
        case "**":
            return ".*"
        case "*":
            return "[^/]*"
        case "?":
            return "[^/]"
        case _ if len(part) > 1:
            inside = part[1:-1].replace("\\", "\\\\").replace("[", "\\[")
            return f"[{'^' + inside[1:] if inside.startswith('!') else inside}]"
        case _:
            return re.escape(part)
