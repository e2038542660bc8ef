"""One watched folder as a person orders it: every field, its default, and how it is read.

Owns what an order may say. Whether it can be carried out shows when it is.
"""

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from .. import settings
from ..anchor import anchored_text
from .places import is_url, with_password

LONGEST: Final = 3600.0
ON_EXISTS: Final = ("stop", "skip", "replace", "number")
MOVE: Final = "move="
_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(ms|s|m|min)?")
_SCALE: Final = {None: 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to make of a folder."""

    source: str
    """IN: a folder, or a URL such as s3://bucket/drop. In a file it is called ``in``."""

    out: str
    """OUT: the folder or URL for what is made; it mirrors IN."""

    recipe: str | None = None
    """What to make: a recipe's text, or its name. Either this or ``to``."""

    to: Mapping[str, str] = field(default_factory=dict)
    """Several things to make, each into a folder of its own in OUT: its name, its recipe."""

    format: str | None = None
    """Which format to write; None keeps each picture's own."""

    quality: int | None = None
    """1 to 100, where the format has it."""

    on_exists: str = "stop"
    """A file at an output's name that is not known as that output: ``stop`` fails the picture."""

    on_done: str = "keep"
    """Originals whose outputs stand are kept, or moved: ``move=DIR``."""

    settle: float = 2.0
    """Seconds without a change after which a file counts as finished."""

    poll: float | None = None
    """Seconds between sweeps, without events; None takes events where there are any."""

    include: tuple[str, ...] = ()
    """Patterns of the files to take; none takes all."""

    exclude: tuple[str, ...] = ()
    """Patterns of files to leave."""

    keep_times: bool = False
    """Whether outputs keep the pictures' times."""


def read_order(table: Mapping[str, object], *, folder: Path | None = None) -> Order:
    """Read an order from a table of settings; relative paths are those of ``folder``.

    Raises ValueError naming all mistakes.
    """
    values: dict[str, Any] = {}
    mistakes: list[str] = []
    for key, value in table.items():
        name = "source" if key == "in" else key.replace("-", "_")
        try:
            values[name] = _reader(key, name)(value)
        except ValueError as error:
            mistakes.append(f"{key}: {error}")
    mistakes += _missing(values) if not mistakes else []
    if mistakes:
        raise ValueError("; ".join(mistakes))
    if folder is not None:
        values = {name: _placed(name, value, folder) for name, value in values.items()}
    return Order(**values)


def read_duration(value: object) -> float:
    """Read a time of more than nothing, in seconds: 2, "2s", "500ms", "1m"."""
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    seconds = float(found[1]) * _SCALE[found[2]] if found else _seconds(value)
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"{value!r} is not a time above 0 and up to {LONGEST:g} s, such as 2s")
    return seconds


def read_on_done(value: object) -> str:
    """Read what becomes of finished originals: ``keep`` or ``move=DIR``."""
    text = _text(value)
    if text != "keep" and (not text.startswith(MOVE) or text == MOVE):
        raise ValueError(f"{text!r} is neither keep nor move=DIR")
    if text != "keep":
        _folder(text.removeprefix(MOVE))
    return text


def _folder(value: object) -> str:
    text = _text(value)
    shown = with_password(text)
    if shown is not None:
        raise ValueError(
            f"{shown}: a password does not belong into a URL: it would be seen in lists of"
            " processes and in logs; use a key, or fsspec's configuration file"
            " (see 'Folders in the cloud' in the README)"
        )
    return text


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not a text")
    return value


def _on_exists(value: object) -> str:
    if value not in ON_EXISTS:
        raise ValueError(f"{value!r} is none of {', '.join(ON_EXISTS)}")
    return str(value)


def _quality(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100:
        raise ValueError(f"{value!r} is not from 1 to 100")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")  # noqa: TRY004  # a setting's
    return value


def _to(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"{value!r} is not a table of names and recipes")
    labels = {_label(label): _text(recipe) for label, recipe in value.items()}
    if len({label.casefold() for label in labels}) < len(labels):
        raise ValueError("two names are equal")
    return labels


def _label(label: object) -> str:
    text = _text(label)
    if text != Path(text).name or text.startswith((".", "_")):
        raise ValueError(f"{text!r} is no name for a folder in OUT")
    return text


_READERS: Final[Mapping[str, Callable[[object], object]]] = {
    "source": _folder,
    "out": _folder,
    "recipe": _text,
    "to": _to,
    "format": _text,
    "quality": _quality,
    "on_exists": _on_exists,
    "on_done": read_on_done,
    "settle": read_duration,
    "poll": read_duration,
    "include": settings.read_words,
    "exclude": settings.read_words,
    "keep_times": _truth,
}


def _reader(key: str, name: str) -> Callable[[object], object]:
    if key == "source" or name not in _READERS:
        keys = ["in", *(one.replace("_", "-") for one in _READERS if one != "source")]
        close = difflib.get_close_matches(key, keys, n=1)
        raise ValueError(f"no such setting{f'; did you mean {close[0]}?' if close else ''}")
    return _READERS[name]


def _missing(values: Mapping[str, object]) -> list[str]:
    needed = [one.name for one in fields(Order) if one.default is one.default_factory is MISSING]
    missing = ["in" if name == "source" else name for name in needed if name not in values]
    mistakes = [f"there is no {name!r}" for name in missing]
    if ("recipe" in values) == ("to" in values):
        mistakes.append("either 'recipe' or 'to' says what to make")
    return mistakes


def _placed(name: str, value: Any, folder: Path) -> Any:
    match name:
        case "source" | "out":
            return _place(value, folder)
        case "recipe":
            return anchored_text(value, folder)
        case "to":
            return {label: anchored_text(recipe, folder) for label, recipe in value.items()}
        case "on_done" if value.startswith(MOVE):
            return MOVE + _place(value.removeprefix(MOVE), folder)
        case _:
            return value


def _place(text: str, folder: Path) -> str:
    return text if is_url(text) else str(folder / Path(text).expanduser())
