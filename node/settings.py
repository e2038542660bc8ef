"""How one setting is read: from text, or from TOML's own types, to a checked value.

Each reader raises ValueError with what is wrong; where the value was set is added by
whoever asks. Owns the ranges, and the default that comes from the machine.
"""

import ipaddress
import math
import os
import re
from typing import Final

from ..broker.names import is_name

_HOST: Final = re.compile(r"(?=.{1,253}$)[\w-]{1,63}(\.[\w-]{1,63})*\.?")
_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kMG]?)(?:P|px)?")
_SCALE: Final = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}

MOST_SLOTS: Final = 1024
MOST_PIXELS: Final = 2**40


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def read_address(value: object) -> str:
    """Read HOST, HOST:PORT or [IPV6]:PORT; the address is kept as it was given."""
    text = _text(value, "HOST[:PORT]")
    split_address(text, 0)
    return text


def split_address(text: str, port: int) -> tuple[str, int]:
    """Return host and port of an address, the port given here where it names none."""
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::([0-9]+))?", text)
    plain = re.fullmatch(r"([^:]+)(?::([0-9]+))?", text)
    host, digits = text, None
    if found := bracketed or plain:
        host, digits = found.group(1), found.group(2)
    if not _HOST.fullmatch(host) and not _is_ipv6(host):
        raise ValueError(f"{text!r} is not HOST[:PORT]")
    return host, read_port(digits) if digits else port


def _is_ipv6(host: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(host))
    except ValueError:
        return False


def read_slots(value: object) -> int:
    """Read how many slots."""
    return _whole(value, lowest=1, highest=MOST_SLOTS)


def read_name(value: object) -> str:
    """Read a machine's name: letters, digits, dots, dashes; at most 63."""
    text = _text(value, "a name")
    if not is_name(text):
        raise ValueError(f"{text!r} is not a name of letters, digits, dots and dashes (at most 63)")
    return text


def read_share(value: object) -> float:
    """Read a share of the whole, above 0 and at most 1."""
    share = _number(value)
    if not 0 < share <= 1:
        raise ValueError(f"{share:g} is not above 0 and at most 1")
    return share


def read_words(value: object) -> tuple[str, ...]:
    """Read words with commas between them, or a list of words."""
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(one, str) for one in words):
        raise ValueError(f"{value!r} is not a list of words")
    return tuple(word.strip() for word in words if word.strip())


def read_port(value: object) -> int:
    """Read a control port; the next port must exist too. 0 lets the system choose."""
    return _whole(value, lowest=0, highest=65_534)


def read_seconds(value: object) -> float:
    """Read a duration in seconds, such as 30 or "30s"."""
    text = value[:-1] if isinstance(value, str) and value.endswith("s") else value
    seconds = _number(text)
    if not 0 <= seconds <= 1e9:
        raise ValueError(f"{seconds:g} is not a duration in seconds")
    return seconds


def read_pixels(value: object) -> int:
    """Read a number of pixels, such as 256000000 or "256M"."""
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        value = int(float(found.group(1)) * _SCALE[found.group(2)])
    return _whole(value, lowest=1, highest=MOST_PIXELS)


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not {what}")
    return value


def _whole(value: object, *, lowest: int, highest: int) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError(f"{value} is not a whole number")
    if not lowest <= number <= highest:
        raise ValueError(f"{value} is not from {lowest} to {highest}")
    return int(number)


def _number(value: object) -> float:
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError(f"{value!r} is not a number")
    return number
