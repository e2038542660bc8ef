"""``pixmesh bench operations``: each operation beside the plain expression of the same.

Owns the rounds: each runs what a slot calls and the plain twin next to each other, from the same
encoded photo to an encoded result. The twins are in ``plain``; the method is in METHOD.md.
"""

import argparse
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import cv2
from cv2.typing import MatLike

from ..ops.decode import MAX_PIXELS, decode
from ..ops.operation import Operation
from ..ops.process import Output, output_for, process
from ..ops.recipe import Recipe, parse
from ..ops.reference import taken_from
from ..ops.registry import OWN
from ..ops.supplies import NONE, Supplies
from . import photos as sources
from . import report
from .plain import JPEG, TWINS, Twin

TARGET: Final = 0.9
FEWEST: Final = 3
"""Rounds of an operation that takes long; the target is for the median."""
LONG: Final = 20.0
"""Seconds of one operation after which no further round begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """CPU seconds of one operation's rounds, on both sides."""

    recipe: str
    ours: tuple[float, ...]
    plain: tuple[float, ...]

    @property
    def ratio(self) -> report.Ratio:
        """Our megapixels a second over the plain ones."""
        return report.paired_ratio(self.plain, self.ours)

    @property
    def held(self) -> bool:
        """Whether the target is."""
        return self.ratio.median >= TARGET


def run(
    *,
    photo: Path | None = None,
    megapixels: float = 2.5,
    rounds: int = 15,
    only: Sequence[str] = (),
    as_json: bool = False,
) -> None:
    """Measure and write the report to stdout."""
    cv2.setNumThreads(1)
    pixels = sized(photograph(photo), megapixels)
    data = cv2.imencode(".jpg", pixels, JPEG)[1].tobytes()
    millions = pixels.shape[0] * pixels.shape[1] / 1e6
    taken = []
    for twin in TWINS:
        if not only or twin.operation in only:
            taken.append(compared(twin, data, rounds))
            report.progress(f"{taken[-1].recipe}: {taken[-1].ratio}")
    if as_json:
        report.show_json(document(taken, millions))
    else:
        _show(taken, millions)


def main(words: Sequence[str]) -> int:
    """Run as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser("pixmesh bench operations", description=run.__doc__)
    parser.add_argument(
        "--photo", type=Path, help="a picture; scikit-image's largest photo without it"
    )
    parser.add_argument("--megapixels", type=float, default=2.5, help="the size it is brought to")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=names(), default=())
    asked = parser.parse_args(words)
    if asked.megapixels <= 0 or asked.rounds < 1:
        parser.error("--megapixels is to be above 0, --rounds at least 1")
    run(**vars(asked))
    return 0


def names() -> list[str]:
    """Return what `--only` takes: the operations that are compared."""
    return sorted({twin.operation for twin in TWINS})


def not_compared(operation: Operation) -> str:
    """Return why an operation has no plain twin; "" where it must have one."""
    if operation.has_model:
        return "nearly all of its time is a model's"
    if operation.tell is not None:
        return "it decodes no pixel, and OpenCV reads no headers alone"
    return ""


def photograph(photo: Path | None) -> MatLike:
    """Return the pixels of a photo, of the largest in scikit-image, or of a drawn picture."""
    files = [photo] if photo else [path for path in sources.find() if path.suffix == ".jpg"]
    found = [cv2.imread(str(path)) for path in files]
    read = [pixels for pixels in found if pixels is not None]
    if photo is not None and not read:
        raise SystemExit(f"pixmesh bench operations: {photo} is not a picture that OpenCV reads")
    return max(read, key=lambda pixels: pixels.size, default=sources.drawn(1))


def sized(pixels: MatLike, megapixels: float) -> MatLike:
    """Return the middle of a picture at 3:2, of so many megapixels."""
    height, width = pixels.shape[:2]
    wide, high = min(width, height * 3 // 2), min(height, width * 2 // 3)
    left, top = (width - wide) // 2, (height - high) // 2
    goal = round((megapixels * 1.5e6) ** 0.5), round((megapixels / 1.5e-6) ** 0.5)
    how = cv2.INTER_AREA if goal[0] <= wide else cv2.INTER_CUBIC
    return cv2.resize(pixels[top : top + high, left : left + wide], goal, interpolation=how)


def ours(recipe: str) -> Callable[[bytes], bytes]:
    """Return what a slot does with a picture for this recipe.

    Where it takes another picture, that is the photo itself: decoded before, as in a slot.
    """
    steps = parse(recipe)
    output = output_for(steps, Output())

    @functools.cache
    def prepared(data: bytes) -> tuple[Recipe, Supplies]:
        if not steps.pictures():
            return steps, NONE
        itself, word = decode(data).pixels, taken_from(data, max_pixels=MAX_PIXELS).canonical()
        return steps.with_pictures(lambda _: word), Supplies(reference=lambda _: itself)

    def done(data: bytes) -> bytes:
        known, supplies = prepared(data)
        return process(data, known, output, supplies).data

    return done


def compared(twin: Twin, data: bytes, rounds: int) -> Taken:
    """Measure an operation and its twin; the order turns around from round to round.

    RuntimeError where pictures that should be the same are not: they are not the same work then.
    """
    sides: dict[str, Callable[[bytes], bytes]] = {"ours": ours(twin.recipe), "plain": twin}
    warm = {name: side(data) for name, side in sides.items()}
    if twin.tell is None and not twin.within and warm["ours"] != warm["plain"]:
        raise RuntimeError(f"{twin.recipe} is not what its plain twin gives")
    costs: dict[str, list[float]] = {name: [] for name in sides}
    began = time.monotonic()
    for number in range(rounds):
        if number >= FEWEST and time.monotonic() - began > LONG:
            break
        for name in sides if number % 2 == 0 else reversed(sides):
            costs[name].append(_seconds(functools.partial(sides[name], data)))
    return Taken(recipe=twin.recipe, ours=tuple(costs["ours"]), plain=tuple(costs["plain"]))


def _seconds(work: Callable[[], bytes]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def document(taken: Sequence[Taken], megapixels: float) -> dict[str, object]:
    """Return everything measured, and the verdicts."""
    return {
        "bench": "operations",
        "megapixels": megapixels,
        "target": TARGET,
        "operations": [
            {**asdict(one), "ratio": asdict(one.ratio), "held": one.held} for one in taken
        ],
        "not_compared": _left_out(),
    }


def _left_out() -> dict[str, str]:
    return {name: why for name, one in OWN.items() if (why := not_compared(one))}


def _show(taken: Sequence[Taken], megapixels: float) -> None:
    def row(one: Taken) -> report.Row:
        return report.Row(
            one.recipe,
            f"{megapixels / report.median(one.ours):.1f} MP/s",
            f"{megapixels / report.median(one.plain):.1f} MP/s",
            str(one.ratio),
            f">= {TARGET:.2f}x: {'held' if one.held else 'MISSED'}",
        )

    report.show(
        f"operations: one thread, a photo of {megapixels:.1f} MP, JPEG to JPEG at quality 95",
        [row(one) for one in taken],
        [
            "medians of all rounds; ratios are paired, lowest and highest round in brackets",
            *(f"{name} is not compared: {why}" for name, why in _left_out().items()),
        ],
    )
