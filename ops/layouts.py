"""The layouts that more than one operation gives. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .operation import Layout, Value


def eight_bits(layout: Layout, _arguments: Mapping[str, Value]) -> Layout:
    """Foretell that the picture is brought to 8 bits."""
    return replace(layout, sample_bytes=1)


def one_channel(layout: Layout, _arguments: Mapping[str, Value]) -> Layout:
    """Foretell a mask, edges or a drawing: 8-bit gray."""
    return replace(layout, channels=1, sample_bytes=1)


def drawn_on(layout: Layout, _arguments: Mapping[str, Value]) -> Layout:
    """Foretell a picture that is drawn on: 8-bit BGR."""
    return replace(layout, channels=3, sample_bytes=1)
