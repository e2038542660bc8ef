"""What an operation is: a function on pixels, and the declaration of everything about it.

Declarations are plain data and cost nothing to import: the command line and the owner read
them without loading OpenCV. The functions import it when they first run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from pathlib import Path

    from .header import Header
    from .picture import Pixels

Value: TypeAlias = int | float | bool | str
Kind = Literal["int", "float", "choice", "bool", "text", "colour", "picture"]
CutKind = Literal["pointwise", "neighbourhood", "statistic", "geometry", "whole"]
Depth = Literal["uint8", "uint16", "float32"]
DEPTHS: Final[tuple[Depth, ...]] = get_args(Depth)

_INT: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_FLOAT: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_BOOLS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One named setting of an operation: its type, range, default and a line of help.

    A "picture" is a file's path, or a reference once that was read (`reference`): functions are
    given its pixels, None where it is "".
    """

    name: str
    kind: Kind
    default: Value
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    odd: bool = False

    @property
    def range(self) -> str:
        """The accepted values in words, such as "odd int from 1 to 255"."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "bool":
            return "true or false"
        if self.kind == "colour":
            return "colour: a name or RRGGBB"
        if self.kind == "picture":
            return "picture: its file"
        low = "" if self.minimum is None else f" from {write_value(self.minimum)}"
        high = "" if self.maximum is None else f" to {write_value(self.maximum)}"
        return f"{'odd ' if self.odd else ''}{self.kind}{low}{high}"

    def read(self, text: str) -> Value:
        """Return the value that `text` stands for; ValueError says what is wrong with it."""
        value = _READERS[self.kind](text)
        if value is None or (self.kind == "choice" and value not in self.choices):
            raise ValueError(f"{text!r} is not {_article(self.range)}")
        return self.checked(value)

    def checked(self, value: Value) -> Value:
        """Return `value` if it is in range; ValueError says what is wrong with it."""
        if isinstance(value, str | bool):
            return value
        if self.minimum is not None and value < self.minimum:
            raise ValueError(f"{write_value(value)} is below {write_value(self.minimum)}")
        if self.maximum is not None and value > self.maximum:
            raise ValueError(f"{write_value(value)} is above {write_value(self.maximum)}")
        if self.odd and value % 2 == 0:
            raise ValueError(f"{write_value(value)} is even, and must be odd")
        return value


@dataclass(frozen=True, slots=True)
class Cut:
    """How a picture may be cut into row strips for this operation.

    `pointwise` and `neighbourhood` give identical results per strip (the latter with `halo`
    extra rows, a function of the arguments); `statistic` measures all, then applies;
    `geometry` moves rows; `whole` cannot be cut.
    """

    kind: CutKind
    halo: Callable[[Mapping[str, Value]], int] = lambda _arguments: 0


@dataclass(frozen=True, slots=True)
class Layout:
    """The shape of pixels in memory; channels: 1 gray, 2 gray+alpha, 3 BGR, 4 BGRA."""

    width: int
    height: int
    channels: int
    sample_bytes: int

    @property
    def pixels(self) -> int:
        """How many pixels."""
        return self.width * self.height

    @property
    def nbytes(self) -> int:
        """How many bytes they take."""
        return self.pixels * self.channels * self.sample_bytes


Run: TypeAlias = "Callable[..., Pixels]"
"""Pixels and the arguments by name in, new pixels out; the input is never changed."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an operation looks at that gives data: upright pixels, and the file's header."""

    pixels: Pixels
    header: Header


Measure: TypeAlias = "Callable[..., Mapping[str, object]]"
"""What is seen and the arguments by name in; out what JSON can hold."""

MeasureMany: TypeAlias = "Callable[..., Sequence[Mapping[str, object]]]"
"""The same of several pictures, for which it takes less time together."""

Tell: TypeAlias = "Callable[[Header], Mapping[str, object]]"
"""A file's header in, out what JSON can hold: no pixel is decoded for it."""

Load: TypeAlias = "Callable[[str, Path], object]"
"""Makes a model ready, by its name and the folder of its weights; it stays so in the process."""


def _same(layout: Layout, _arguments: Mapping[str, Value]) -> Layout:
    return layout


def _never(_arguments: Mapping[str, Value]) -> bool:
    return False


def _nothing(_arguments: Mapping[str, Value]) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The declaration of one operation.

    `cost` is CPU seconds per megapixel of the 8-bit pictures it usually gets, on the reference
    core (one 2.x GHz server core); `memory` is scratch bytes per pixel beyond the input and the
    output; `layout` foretells the output's shape; `complaint` says what is wrong with arguments
    that are right one by one ("" when nothing is). Where `gives_data` says so of the arguments, it
    is `measure` that runs, and what it returns is the result; `tell` runs in its place where the
    header is enough. `writes` tells what the arguments change about how the result is written.
    `requires` are modules that must be installed, which `extra` of ours brings; `weights` names the
    model whose weights the arguments take, if any: the functions are then given the folder that
    they are in, as `weights`. Of `models` that take long to load, `load` does it ahead.
    """

    name: str
    help: str
    run: Run
    cut: Cut
    cost: float
    memory: int
    source: str
    parameters: tuple[Parameter, ...] = ()
    requires: tuple[str, ...] = ()
    extra: str = ""
    weights: Callable[[Mapping[str, Value]], str] = _nothing
    models: tuple[str, ...] = ()
    load: Load | None = None
    depths: tuple[Depth, ...] = DEPTHS
    channels: tuple[int, ...] = (1, 2, 3, 4)
    example: str = ""
    layout: Callable[[Layout, Mapping[str, Value]], Layout] = _same
    complaint: Callable[[Mapping[str, Value]], str] = _nothing
    measure: Measure | None = None
    measure_many: MeasureMany | None = None
    tell: Tell | None = None
    gives_data: Callable[[Mapping[str, Value]], bool] = _never
    writes: Callable[[Mapping[str, Value]], Mapping[str, object]] | None = None

    @property
    def has_model(self) -> bool:
        """Whether a model does it, whose weights it takes."""
        return self.weights is not _nothing

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of its parameters that are pictures."""
        return tuple(one.name for one in self.parameters if one.kind == "picture")

    def missing(self) -> tuple[str, ...]:
        """Return which of the modules that it requires are not installed."""
        return tuple(name for name in self.requires if find_spec(name) is None)

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter of that name, or None."""
        return next((p for p in self.parameters if p.name == name), None)

    @property
    def usage(self) -> str:
        """The parameters with their ranges and defaults, a line each."""
        rows = (
            f"  {p.name}={write_value(p.default)}  ({p.range})  {p.help}" for p in self.parameters
        )
        return "\n".join(
            [f"{self.name} takes" + ("" if self.parameters else " no parameters"), *rows]
        )


def write_value(value: Value) -> str:
    """Write a value so that reading it gives the same one; whole floats lose their ".0"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _read_int(text: str) -> int | None:
    return int(text) if _INT.fullmatch(text) else None


def _read_float(text: str) -> float | None:
    value = float(text) if _FLOAT.fullmatch(text) else math.inf
    return value + 0.0 if math.isfinite(value) else None


def _read_bool(text: str) -> bool | None:
    return _BOOLS.get(text.lower())


def _read_colour(text: str) -> str | None:
    from .paint import named

    return named(text)


def _read_text(text: str) -> str | None:
    return text


_READERS: Final[dict[Kind, Callable[[str], Value | None]]] = {
    "int": _read_int,
    "float": _read_float,
    "choice": _read_text,
    "bool": _read_bool,
    "text": _read_text,
    "colour": _read_colour,
    "picture": _read_text,
}


def _article(text: str) -> str:
    if text.startswith(("one of", "true")):
        return text
    return f"an {text}" if text[0] in "aeiou" else f"a {text}"
