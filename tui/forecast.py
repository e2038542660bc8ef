"""What a request would do, for `--dry-run`: counts, names, room on the disk, time.

Owns the estimate: the headers of some pictures stand for all of them. Changes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..node.config import Config
from ..node.owner.plan import Entry, Plan
from ..ops import header
from ..ops.errors import PictureError
from ..ops.process import Output
from .pace import counted
from .summary import duration, size
from .work import Wanted

SAMPLE: Final = 40
NAMES_SHOWN: Final = 20


def forecast(
    plans: Sequence[Plan], wanted: Sequence[Wanted], output: Output, config: Config
) -> dict[str, Any]:
    """Return what would be done, as plain data."""
    first = plans[0]
    megapixels = _megapixels(first.entries)
    cost = sum(one.recipe.cost() for one in wanted)
    return {
        "pictures": len(first.entries),
        "bytes": first.total_bytes,
        "format": output.format,
        "skipped": dict(first.skipped),
        "known": sum(plan.known for plan in plans),
        "existing": sum(plan.existing for plan in plans),
        "later": sum(plan.later for plan in plans),
        "refused": [{"source": str(one.path), "reason": one.reason} for one in first.refused],
        "conflicts": [str(path) for plan in plans for path in plan.conflicts],
        "busy": [str(path) for plan in plans for path in plan.busy],
        "outputs": [
            {"source": str(entry.picture.path), "destination": str(entry.destination)}
            for plan in plans
            for entry in plan.entries
        ],
        "disk_free": first.disk_free,
        "disk_needed": sum(plan.disk_needed() for plan in plans),
        "megapixels": round(megapixels, 1),
        "seconds": round(megapixels * cost / config.slots, 1),
    }


def in_words(known: Mapping[str, Any]) -> str:
    """Return the same for a person."""
    lines = [
        counted(known["pictures"], "picture")
        + f", {size(known['bytes'])}, {known['megapixels']:.0f} MP"
    ]
    for name, text in (
        ("known", "done before, skipped"),
        ("existing", "skipped: something is there"),
        ("later", "left for later"),
    ):
        if known[name]:
            lines.append(f"{known[name]} {text}")
    if known["skipped"]:
        lines.append(f"no pictures, left out: {kinds(known['skipped'])}")
    lines += [f"cannot be read: {one['source']}: {one['reason']}" for one in known["refused"]]
    lines += [f"in the way: {path}" for path in known["conflicts"]]
    lines += [f"made by another pixmesh now: {path}" for path in known["busy"]]
    lines += _names(known["outputs"])
    free, needed = size(known["disk_free"]), size(known["disk_needed"])
    lines.append(f"disk: about {needed} needed, {free} free")
    lines.append(f"about {duration(known['seconds'])} {_where(known['mesh'])}")
    return "\n".join(lines)


def kinds(skipped: Mapping[str, int]) -> str:
    """Write how many files of which kind were left out."""
    return ", ".join(f"{count} {kind}" for kind, count in skipped.items())


def _names(outputs: Sequence[Mapping[str, str]]) -> list[str]:
    lines = [f"  {one['source']} -> {one['destination']}" for one in outputs[:NAMES_SHOWN]]
    if len(outputs) > NAMES_SHOWN:
        lines.append(f"  and {len(outputs) - NAMES_SHOWN} more (--json names all)")
    return lines


def _where(mesh: Mapping[str, Any]) -> str:
    if mesh["embedded"]:
        return f"on an embedded mesh of {counted(mesh['slots'], 'slot')}"
    return f"on as many slots with the mesh at {mesh['broker']}"


def _megapixels(entries: Sequence[Entry]) -> float:
    """Estimate all pictures' size from a sample spread over them."""
    step = max(1, len(entries) // SAMPLE)
    sample = entries[::step]
    pixels = [found for entry in sample if (found := _header_megapixels(entry)) is not None]
    return sum(pixels) / len(pixels) * len(entries) if pixels else 0.0


def _header_megapixels(entry: Entry) -> float | None:
    try:
        with entry.picture.path.open("rb") as file:
            return header.probe(file).megapixels
    except (OSError, PictureError):
        return None
