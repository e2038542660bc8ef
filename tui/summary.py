"""What came of a request, in words and as data. Pure."""

from pathlib import Path
from typing import TYPE_CHECKING

from .pace import clock, short, speed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..node.owner.report import Summary


def as_data(summaries: "Sequence[Summary]", *, later: int) -> dict[str, object]:
    """Return the sums, and each picture that failed or was taken back, as plain data."""
    failed = [one for summary in summaries for one in summary.failed]
    return {
        "done": sum(one.done for one in summaries),
        "failed": [
            {"source": str(one.source), "code": one.code, "reason": one.reason} for one in failed
        ],
        "skipped": sum(one.skipped for one in summaries),
        "cancelled": sum(one.cancelled for one in summaries),
        "taken_back": [str(source) for one in summaries for source in one.taken_back],
        "later": later,
        "bytes_in": sum(one.bytes_in for one in summaries),
        "bytes_out": sum(one.bytes_out for one in summaries),
        "pixels": sum(one.pixels for one in summaries),
        "seconds": round(sum(one.seconds for one in summaries), 3),
    }


def in_words(summaries: "Sequence[Summary]", *, out: Path, later: int) -> list[str]:
    """Return the sums as lines for a person."""
    if not summaries:
        return []
    done = sum(one.done for one in summaries)
    parts = [f"{done} done"]
    for name, count in (
        ("failed", sum(len(one.failed) for one in summaries)),
        ("cancelled", sum(len(one.taken_back) for one in summaries)),
        ("skipped (done before)", sum(one.skipped for one in summaries)),
        ("left for the next run", later + sum(one.cancelled for one in summaries)),
    ):
        if count:
            parts.append(f"{count} {name}")
    line = ", ".join(parts)
    seconds = sum(one.seconds for one in summaries)
    if done and seconds > 0:
        pixels = sum(one.pixels for one in summaries)
        pace = speed(done / seconds, pixels / 1e6 / seconds)
        line += f" in {duration(seconds)} ({pace})"
    return [f"{line}; see {out}" if done else line]


def duration(seconds: float) -> str:
    """Write how long something took."""
    return f"{short(seconds)} s" if seconds < 60 else clock(seconds)


def size(count: float) -> str:
    """Write a number of bytes, such as "3.4 GB"."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"
