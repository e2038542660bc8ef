"""Parameters that several operations declare alike."""

from __future__ import annotations

from collections.abc import Mapping

from .operation import Parameter, Value
from .paint import colour

LARGEST_KERNEL = 255


def kernel(default: int, *, largest: int = LARGEST_KERNEL, name: str = "ksize") -> Parameter:
    """Declare the side of a square kernel: an odd number of pixels."""
    return Parameter(
        name=name,
        kind="int",
        default=default,
        minimum=1,
        maximum=largest,
        odd=True,
        help="width and height of the kernel, in pixels",
    )


def number(name: str, default: float, low: float, high: float, text: str) -> Parameter:
    """Declare a number in a range."""
    return Parameter(
        name=name, kind="float", default=float(default), minimum=low, maximum=high, help=text
    )


def count(name: str, default: int, low: int, high: int, text: str) -> Parameter:
    """Declare a whole number in a range."""
    return Parameter(name=name, kind="int", default=default, minimum=low, maximum=high, help=text)


def choice(name: str, default: str, choices: tuple[str, ...], text: str) -> Parameter:
    """Declare one word of several."""
    return Parameter(name=name, kind="choice", default=default, choices=choices, help=text)


def give() -> Parameter:
    """Declare whether the result is a picture, or what was found, as data."""
    return choice("give", "picture", ("picture", "data"), "a picture, or what was found, as JSON")


def drawing() -> tuple[Parameter, ...]:
    """Declare how what was found is drawn, or that it is given as data."""
    thickness = count("thickness", 2, 1, 100, "of what is drawn, in pixels")
    return colour("green"), thickness, give()


def wants_data(arguments: Mapping[str, Value]) -> bool:
    """Return whether data is asked for."""
    return arguments["give"] == "data"


def half_kernel(arguments: Mapping[str, Value]) -> int:
    """Return the halo of an operation on ``ksize`` x ``ksize`` pixels."""
    return int(arguments["ksize"]) // 2
