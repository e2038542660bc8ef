"""The recipe language: `grayscale | blur ksize=5 | canny low=100 high=200`.

    recipe   = step { "|" step }
    step     = name { name "=" value }
    value    = bare | "'" any "'" | '"' any '"'        in quotes, a backslash takes the next as is
    bare     = anything but white space, "|", "=" and quotes

What a recipe costs and needs is foretold here, from the declarations alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NoReturn

from . import raw
from .errors import RecipeError
from .operation import Layout, Operation, Parameter, Value, write_value
from .reference import Reference, read
from .registry import OPERATIONS, nearest
from .weights import WEIGHTS

if TYPE_CHECKING:
    from .header import Header

LONGEST: Final = 4000
"""Characters a recipe may have: it must fit a message's header."""

CODEC_COST: Final = 0.019
"""Declared CPU seconds per megapixel of decoding and encoding together."""

HEADER_COST: Final = 0.001
"""The same where only the header is read, and the file looked through for its end."""

_SPACE: Final = re.compile(r"\s*")
_WORD: Final = re.compile(r"[^\s|='\"]+")
_QUOTED: Final = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Step:
    """One operation and its arguments: all of them, in the declared order."""

    operation: Operation
    arguments: tuple[tuple[str, Value], ...] = ()

    @property
    def values(self) -> dict[str, Value]:
        """The arguments by name, as the operation's function takes them."""
        return dict(self.arguments)

    @property
    def gives_data(self) -> bool:
        """Whether its result is data, and no picture."""
        return self.operation.gives_data(self.values)

    @property
    def model(self) -> str:
        """The model whose weights it takes, or ""."""
        return self.operation.weights(self.values)

    @property
    def is_shared(self) -> bool:
        """Whether a node loads its model once for all slots."""
        return self.model in WEIGHTS and WEIGHTS[self.model].is_shared

    @property
    def pictures(self) -> tuple[str, ...]:
        """The pictures that it takes beside its own: files, or references."""
        return tuple(str(self.values[one]) for one in self.operation.pictures if self.values[one])

    def with_pictures(self, rename: Callable[[str], str]) -> Step:
        """Return the same step with its pictures called otherwise."""
        named = set(self.operation.pictures)
        arguments = (
            (name, rename(str(value)) if name in named and value else value)
            for name, value in self.arguments
        )
        return Step(self.operation, tuple(arguments))

    def canonical(self) -> str:
        """Return the step's text with every parameter written out."""
        words = (f"{name}={_quote(write_value(value))}" for name, value in self.arguments)
        return " ".join([self.operation.name, *words])


@dataclass(frozen=True, slots=True)
class Recipe:
    """Operations in order; at least one."""

    steps: tuple[Step, ...]

    def canonical(self) -> str:
        """Return the one text of this recipe, from which `parse` gives the same recipe back.

        Every parameter is explicit, so that a changed default makes another recipe.
        """
        return " | ".join(step.canonical() for step in self.steps)

    @property
    def gives_data(self) -> bool:
        """Whether its result is data, and no picture."""
        return self.steps[-1].gives_data

    @property
    def is_of_header(self) -> bool:
        """Whether the file's header is enough: no pixel is decoded."""
        return self.steps[-1].operation.tell is not None

    def cost(self) -> float:
        """Return the declared CPU seconds per megapixel, decoding and encoding included."""
        if self.is_of_header:
            return HEADER_COST
        return CODEC_COST + sum(step.operation.cost for step in self.steps)

    def extras(self) -> tuple[str, ...]:
        """Return which extras of ours a node must have been installed with, sorted."""
        return tuple(sorted({one.operation.extra for one in self.steps} - {""}))

    def weights(self) -> tuple[str, ...]:
        """Return whose weights a node must have, sorted."""
        return tuple(sorted({one.model for one in self.steps} - {""}))

    def with_pictures(self, rename: Callable[[str], str]) -> Recipe:
        """Return this recipe with the pictures that it takes called otherwise.

        So files become references, relative paths whole ones. RecipeError where it gets too long.
        """
        if not any(step.pictures for step in self.steps):
            return self
        named = Recipe(tuple(step.with_pictures(rename) for step in self.steps))
        _refuse_long(named, self.canonical())
        return named

    def pictures(self) -> tuple[str, ...]:
        """Return the pictures that it takes beside the one it works on, each once."""
        return tuple(dict.fromkeys(name for step in self.steps for name in step.pictures))

    def references(self) -> tuple[Reference, ...]:
        """Return those of its pictures that are known by their content, each once."""
        return tuple(one for name in self.pictures() if (one := read(name)) is not None)

    def layouts(self, header: Header) -> tuple[Layout, ...]:
        """Return the shape of the pixels before the first step and after each one."""
        found = [header.layout]
        for step in self.steps:
            found.append(step.operation.layout(found[-1], step.values))
        return tuple(found)

    def memory(self, header: Header) -> int:
        """Return the bytes needed to run on a picture with that header.

        The encoded file, the largest step's input, output and scratch, and turning upright or
        changing depth while decoding and encoding, which hold two pictures at a time, and three
        where camera RAW is developed; besides, of each reference the file, and its pixels twice.
        """
        if self.is_of_header:
            return 2 * header.nbytes
        layouts = self.layouts(header)
        held = 3 if header.format == raw.FORMAT else 2
        codec = max(held * layouts[0].nbytes, 2 * layouts[-1].nbytes)
        steps = (
            before.nbytes + after.nbytes + step.operation.memory * max(before.pixels, after.pixels)
            for step, (before, after) in zip(self.steps, pairwise(layouts), strict=True)
        )
        beside = sum(one.nbytes + 2 * one.layout.nbytes for one in self.references())
        return header.nbytes + max(codec, *steps) + beside


def parse(text: str, operations: Mapping[str, Operation] = OPERATIONS) -> Recipe:
    """Return the recipe that `text` stands for; RecipeError where it stands for none."""
    return _Reader(text, operations).recipe()


class _Reader:
    """Walks once through the text, left to right."""

    def __init__(self, text: str, operations: Mapping[str, Operation]) -> None:
        self.text = text
        self.operations = operations
        self.at = 0

    def recipe(self) -> Recipe:
        if len(self.text) > LONGEST:
            self.fail(f"the recipe is longer than {LONGEST} characters", LONGEST)
        steps = [self.step()]
        while self.skip("|"):
            if steps[-1].gives_data:
                name = steps[-1].operation.name
                self.fail(f"{name} gives data, and no step can follow", self.at, "end there")
            steps.append(self.step())
        recipe = Recipe(tuple(steps))
        _refuse_long(recipe, self.text)
        return recipe

    def step(self) -> Step:
        start = self.blank()
        operation = self.operation()
        given: dict[str, Value] = {}
        while not self.ended():
            name, value = self.argument(operation, given)
            given[name] = value
        arguments = tuple((p.name, given.get(p.name, p.default)) for p in operation.parameters)
        complaint = operation.complaint(dict(arguments))
        if complaint:
            self.fail(complaint, start, operation.usage)
        return Step(operation, arguments)

    def operation(self) -> Operation:
        start, name = self.at, self.word()
        if not name:
            self.fail("a step is empty: an operation's name belongs here", start, self.known())
        if name not in self.operations:
            self.fail(f"there is no operation {name!r}", start, self.known(name))
        return self.operations[name]

    def argument(self, operation: Operation, given: Mapping[str, Value]) -> tuple[str, Value]:
        start, name = self.at, self.word()
        parameter = operation.parameter(name)
        if not name:
            self.fail("a parameter's name belongs here, as in name=value", start, operation.usage)
        if parameter is None:
            self.unknown(operation, name, start)
        if name in given:
            self.fail(f"{name} is given twice", start, "keep one of them")
        self.blank()
        if not self.skip("="):
            self.fail(f"{name} has no value", self.at, _expects(parameter))
        self.blank()
        return name, self.value(parameter)

    def value(self, parameter: Parameter) -> Value:
        start = self.at
        quoted = _QUOTED.match(self.text, start)
        if quoted:
            self.at = quoted.end()
            body = quoted[1] if quoted[1] is not None else quoted[2]
            text = _ESCAPE.sub(r"\1", body)
        elif self.text[start : start + 1] in {"'", '"'}:
            self.fail("the quotes are never closed", start, "end the value with the same quote")
        elif not (text := self.word()):
            self.fail(f"{parameter.name} has no value", start, _expects(parameter))
        try:
            return parameter.read(text)
        except ValueError as error:
            self.fail(f"{parameter.name}: {error}", start, _expects(parameter, text))

    def unknown(self, operation: Operation, name: str, start: int) -> NoReturn:
        if name in self.operations:
            hint = f"write '| {name}' to start another step"
        else:
            hint = _suggest(nearest(name, [p.name for p in operation.parameters]), operation.usage)
        self.fail(f"{operation.name} has no parameter {name!r}", start, hint)

    def known(self, name: str = "") -> str:
        near = nearest(name, list(self.operations)) if name else ""
        return _suggest(near, "operations: " + ", ".join(sorted(self.operations)))

    def ended(self) -> bool:
        return self.blank() == len(self.text) or self.text[self.at] == "|"

    def blank(self) -> int:
        """Pass white space; return the place."""
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
        return self.at

    def word(self) -> str:
        found = _WORD.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found[0] if found else ""

    def skip(self, sign: str) -> bool:
        """Pass `sign` if it stands here; tell whether it did."""
        here = self.text.startswith(sign, self.at)
        self.at += len(sign) if here else 0
        return here

    def fail(self, what: str, position: int, hint: str = "") -> NoReturn:
        raise RecipeError(what, recipe=self.text, position=position, hint=hint)


def _refuse_long(recipe: Recipe, text: str) -> None:
    if len(recipe.canonical()) > LONGEST:
        what = f"with every parameter written out the recipe is longer than {LONGEST} characters"
        raise RecipeError(what, recipe=text, position=len(text))


def _quote(text: str) -> str:
    if _WORD.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _expects(parameter: Parameter, given: str = "") -> str:
    near = nearest(given, parameter.choices) if given else ""
    return _suggest(
        near, f"{parameter.name} is {parameter.range}, by default {_default(parameter)}"
    )


def _default(parameter: Parameter) -> str:
    return _quote(write_value(parameter.default))


def _suggest(near: str, otherwise: str) -> str:
    return f"did you mean {near!r}?\n{otherwise}" if near else otherwise
