"""Plain aligned tables: no lines, no colours, legible at 80 columns. Pure."""

from collections.abc import Sequence

from ..broker.plain import plain


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; columns of numbers are right-aligned."""
    shown = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *shown, strict=True)]
    numbers = [all(_is_number(row[i]) for row in shown) for i in range(len(head))]
    return [
        "  ".join(
            f"{cell:>{width}}" if number else f"{cell:<{width}}"
            for cell, width, number in zip(row, widths, numbers, strict=True)
        ).rstrip()
        for row in (head, *shown)
    ]


def shortened(text: str, width: int) -> str:
    """Return the text, cut to a width with an ellipsis where it is longer."""
    return text if len(text) <= width else text[: width - 1] + "…"


def tail(text: str, width: int) -> str:
    """Return the end of the text, with an ellipsis before it where it is longer."""
    return text if len(text) <= width else "…" + text[1 - width :]


def _is_number(cell: str) -> bool:
    return not cell or cell[0].isdigit()
