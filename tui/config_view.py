"""Settings in words and in data: each with its value and where that came from. Pure.

The words are TOML: they can stand in a ``pixmesh.toml`` as they are.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..node.config import PROJECT_FILE, Config
from ..node.folder.order import Order

SCHEMA: Final = 1
_APART: Final = frozenset({"recipes", "origins", "watch"})
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A file that settings are read from: whose it is, where it is or would be, and if it was.

    ``path`` None is a project's file that was looked for from ``folder`` upwards.
    """

    whose: str
    path: Path | None
    read: bool
    folder: Path

    def in_words(self) -> str:
        """Say it in a line."""
        if self.path is None:
            return f"{PROJECT_FILE}: not in {self.folder}, nor above it (not read)"
        return f"{self.path} ({self.whose}; {'read' if self.read else 'not there'})"


def as_toml(config: Config, *, origins: bool) -> str:
    """Return every setting in a line of TOML, each with its origin where that is asked for."""
    lines = [
        (_assigned(_key(name), value), config.origin(name)) for name, value in _settings(config)
    ]
    recipes = [
        (_assigned(_recipe_key(name), text), config.origin(f"recipes.{name}"))
        for name, text in sorted(config.recipes.items())
    ]
    width = max(len(line) for line, _ in lines)
    written = [_line(line, origin, width, origins) for line, origin in lines]
    if recipes:
        written += ["", "[recipes]"]
        written += [_line(line, origin, width, origins) for line, origin in recipes]
    for order in config.watch:
        written += ["", _line("[[watch]]", config.origin("watch"), 0, origins)]
        written += [_assigned(name, value) for name, value in _ordered(order)]
    return "\n".join(written)


def as_data(config: Config, places: list[Place]) -> dict[str, object]:
    """Return the same for programs."""
    return {
        "schema": SCHEMA,
        "settings": {
            _key(name): {"value": value, "origin": config.origin(name)}
            for name, value in _settings(config)
        },
        "recipes": {
            name: {"value": text, "origin": config.origin(f"recipes.{name}")}
            for name, text in sorted(config.recipes.items())
        },
        "watch": {
            "value": [dict(_ordered(order)) for order in config.watch],
            "origin": config.origin("watch"),
        },
        "files": [
            {"whose": one.whose, "path": str(one.path) if one.path else None, "read": one.read}
            for one in places
        ],
    }


def _settings(config: Config) -> list[tuple[str, object]]:
    fields = dataclasses.fields(config)
    return [(one.name, getattr(config, one.name)) for one in fields if one.name not in _APART]


def _ordered(order: Order) -> list[tuple[str, object]]:
    """Return what a [[watch]] table would say: all that is not the default."""
    plain = Order(source="", out="")
    said = [
        ("in" if one.name == "source" else _key(one.name), getattr(order, one.name))
        for one in dataclasses.fields(order)
        if getattr(order, one.name) != getattr(plain, one.name)
    ]
    return [(name, dict(value) if isinstance(value, Mapping) else value) for name, value in said]


def _key(name: str) -> str:
    return name.replace("_", "-")


def _recipe_key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _assigned(key: str, value: object) -> str:
    return f"# {key} is not set" if value is None else f"{key} = {_value(value)}"


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case tuple() | list():
            return f"[{', '.join(map(_value, value))}]"
        case Mapping():
            pairs = (f"{_recipe_key(str(key))} = {_value(one)}" for key, one in value.items())
            return f"{{ {', '.join(pairs)} }}"
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    """Quote a text as TOML does: as JSON, but for one control character that JSON lets pass."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _line(line: str, origin: str, width: int, wanted: bool) -> str:
    return f"{line:<{width}}  # {_one_line(origin)}" if wanted else line


def _one_line(text: str) -> str:
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
