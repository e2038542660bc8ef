"""Hypothesis strategies for messages, made from their own type hints."""

from enum import IntEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from msgspec import Meta, Struct


def named(shape: type[Struct]) -> list[str]:
    """Return the names of a message's fields."""
    return list(shape.__struct_fields__)


def built(shape: type[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for a struct whose every field is within its limits."""
    hints = get_type_hints(shape, include_extras=True)
    return st.builds(shape, **{name: _of(hints[name]) for name in named(shape)})


def _of(hint: Any) -> st.SearchStrategy[Any]:
    origin = get_origin(hint)
    if origin is Annotated:
        kind, meta = get_args(hint)
        return _of(kind) if get_origin(kind) is tuple else _limited(kind, meta)
    if origin in (Union, UnionType):
        return st.one_of(*(_of(one) for one in get_args(hint)))
    if origin is tuple:
        return st.lists(_of(get_args(hint)[0]), max_size=3).map(tuple)
    return _of_class(hint)


def _of_class(kind: type[Any]) -> st.SearchStrategy[Any]:
    if kind is NoneType:
        return st.none()
    if issubclass(kind, IntEnum):
        return st.sampled_from(list(kind))
    return built(kind) if issubclass(kind, Struct) else _limited(kind, Meta())


def _limited(kind: type, meta: Meta) -> st.SearchStrategy[Any]:
    shortest, longest = meta.min_length or 0, min(meta.max_length or 50, 50)
    if kind is bytes:
        return st.binary(min_size=shortest, max_size=longest)
    if kind is str:
        return st.text(st.characters(codec="utf-8"), min_size=shortest, max_size=longest)
    lowest = meta.ge if meta.ge is not None else -(2**31)
    highest = meta.le if meta.le is not None else 2**31
    if kind is float:
        return st.floats(lowest, highest)
    return st.booleans() if kind is bool else st.integers(int(lowest), int(highest))
