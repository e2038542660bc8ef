"""The signs that are drawn: for terminals that show every letter, and for those of ASCII. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .tone import Tone


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set. ``levels`` rise, the first is nothing; ``bar`` is full, half and empty."""

    levels: str
    bar: tuple[str, str, str]
    states: Mapping[str, str]
    dot: str
    line: str
    arrow: str
    done: str
    failed: str
    running: str
    cursor: str
    mark: str
    more: str
    dash: str
    times: str
    is_ascii: bool = False


FULL: Final = Glyphs(
    levels=" ▁▂▃▄▅▆▇█",
    bar=("█", "▌", "░"),
    states={
        "working": "●",
        "idle": "○",
        "draining": "◐",
        "drained": "◑",
        "warming": "◌",
        "late": "!",
        "quarantined": "⊘",
        "lost": "✗",
    },
    dot="·",
    line="│",
    arrow="→",
    done="✓",
    failed="✗",
    running="⟳",
    cursor="▸",
    mark="✓",
    more="…",
    dash="\N{EN DASH}",
    times="\N{MULTIPLICATION SIGN}",
)
ASCII: Final = Glyphs(
    levels=" .:-=+*%#",
    bar=("#", "=", "."),
    states={
        "working": "*",
        "idle": "o",
        "draining": "/",
        "drained": "-",
        "warming": "~",
        "late": "!",
        "quarantined": "x",
        "lost": "X",
    },
    dot="-",
    line="|",
    arrow="->",
    done="ok ",
    failed="failed ",
    running="running ",
    cursor=">",
    mark="+",
    more="~",
    dash="-",
    times="x",
    is_ascii=True,
)
TONES: Final[Mapping[str, Tone]] = {
    "working": Tone.BUSY,
    "idle": Tone.QUIET,
    "draining": Tone.WARN,
    "drained": Tone.WARN,
    "warming": Tone.WARN,
    "late": Tone.WARN,
    "quarantined": Tone.WARN,
    "lost": Tone.WARN,
}
"""How each state of a node is meant."""


def spark(values: Sequence[float], *, most: float, width: int, glyphs: Glyphs) -> str:
    """Draw the last values as a row of rising signs, the latest at the right."""
    levels = glyphs.levels
    drawn = "".join(levels[_level(value, most, len(levels))] for value in values[-width:])
    return drawn.rjust(width)


def _level(value: float, most: float, count: int) -> int:
    """Return a value's level: 1 at least, 0 being for what is not known."""
    share = min(1.0, max(0.0, value / most)) if most > 0 else 0.0
    return 1 + min(count - 2, int(share * (count - 1)))


def bar(share: float, *, width: int, glyphs: Glyphs) -> str:
    """Draw how much of something is done."""
    full, half, empty = glyphs.bar
    halves = round(min(1.0, max(0.0, share)) * width * 2)
    return (full * (halves // 2) + half * (halves % 2)).ljust(width, empty)


def fitting(environ: Mapping[str, str], encoding: str) -> Glyphs:
    """Return the set that a terminal can show, by its locale and its stream's encoding."""
    if encoding.lower().replace("-", "") != "utf8":
        return ASCII
    named = next((environ[one] for one in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(one)), "")
    return FULL if not named or "utf" in named.lower() else ASCII
