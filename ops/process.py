"""One picture through one recipe: what a slot calls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from . import raw
from .decode import MAX_PIXELS, check, decode, refuse_large
from .encode import WRITERS, encode, format_named
from .errors import PictureError
from .exif import without_place
from .header import Header, probe
from .operation import Operation, Seen
from .picture import Metadata, Picture
from .recipe import Recipe, Step
from .source import Buffer
from .supplies import NONE, Supplies

if TYPE_CHECKING:
    from .picture import Pixels

SAME: Final = "same"
DATA: Final = "json"
_SUFFIXES: Final = {"heic": ".heic", "gif": ".gif", raw.FORMAT: ".dng", DATA: ".json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How the result is written.

    `format` is "same", a format's name or suffix, or "json" for data; `quality` is 1 to 100, None
    for the format's own default; `max_pixels` caps the picture and every step's result; `strip`
    leaves all metadata out, `strip_gps` where it was taken. ValueError where a value is out of
    range.
    """

    format: str = SAME
    quality: int | None = None
    max_pixels: int = MAX_PIXELS
    strip: bool = False
    strip_gps: bool = False

    def __post_init__(self) -> None:
        if self.format not in {SAME, DATA}:
            object.__setattr__(self, "format", format_named(self.format))
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise ValueError(f"quality is {self.quality}, and must be from 1 to 100")
        if self.max_pixels < 1:
            raise ValueError(f"max_pixels is {self.max_pixels}, and must be at least 1")

    def canonical(self) -> str:
        """Return the one text of this output, from which `read_output` gives it back."""
        told = asdict(self)
        if not self.strip_gps:
            del told["strip_gps"]  # texts of outputs without it are older than it is
        return json.dumps(told, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A written result: the file's bytes, its format, and its size in pixels."""

    data: bytes
    format: str
    width: int
    height: int


def output_for(recipe: Recipe, output: Output) -> Output:
    """Return how this recipe's results are written: as its steps say, data as JSON.

    What is asked for besides goes before what the steps say. ValueError where a picture's format is
    asked for data, or JSON for a picture.
    """
    if not recipe.gives_data:
        if output.format == DATA:
            raise ValueError("json is for data, and this recipe gives pictures")
        return _as_steps_say(recipe, output)
    if output.format not in {SAME, DATA}:
        raise ValueError(f"this recipe gives data, which is written as json, not {output.format}")
    return replace(output, format=DATA)


def _as_steps_say(recipe: Recipe, output: Output) -> Output:
    asked = output
    for step in recipe.steps:
        if step.operation.writes is not None:
            told: dict[str, Any] = dict(step.operation.writes(step.values))
            output = replace(output, **told)
    form = asked.format if asked.format != SAME else output.format
    return replace(output, format=form, quality=asked.quality or output.quality)


def read_output(text: str) -> Output:
    """Return the output that a canonical text stands for. ValueError, TypeError for another."""
    return Output(**json.loads(text))


def process(data: Buffer, recipe: Recipe, output: Output, supplies: Supplies = NONE) -> Product:
    """Return the picture in `data` after every step of the recipe, written as `output` says.

    The result is always encoded anew, `identity` included. PictureError where the picture cannot be
    read, a step cannot be done, or the result cannot be written.
    """
    header = probe(data)
    check_limits(recipe, header, output)
    if (tell := recipe.steps[-1].operation.tell) is not None:
        check(data, header)
        return _written(tell(header), header.layout.width, header.layout.height)
    picture = decode(data, max_pixels=output.max_pixels, header=header)
    pixels = picture.pixels
    for step in recipe.steps[: -1 if recipe.gives_data else None]:
        pixels = done(step, pixels, supplies)
    if recipe.gives_data:
        return _found(recipe.steps[-1], Seen(pixels, header), supplies)
    form = output_format(header, output)
    metadata = _kept(picture.metadata, output)
    lossless = form == header.format and getattr(header.facts, "lossless", False)
    written = encode(Picture(pixels, metadata), form, quality=output.quality, lossless=lossless)
    height, width = pixels.shape[:2]
    return Product(data=written, format=form, width=width, height=height)


def check_limits(recipe: Recipe, header: Header, output: Output) -> None:
    """Refuse a picture that is too large, or that a step would make too large, by its header.

    So a reference that is. Raises PictureError.
    """
    refuse_large(header.width * header.height, output.max_pixels)
    for one in recipe.references():
        refuse_large(one.layout.pixels, output.max_pixels, "the reference")
    layouts = recipe.layouts(header)
    for step, layout in zip(recipe.steps, layouts[1:], strict=True):
        what = f"what {step.operation.name} would make of it"
        refuse_large(layout.pixels, output.max_pixels, what)


def _kept(metadata: Metadata, output: Output) -> Metadata:
    if output.strip:
        return Metadata()
    return without_place(metadata) if output.strip_gps else metadata


def _found(step: Step, seen: Seen, supplies: Supplies) -> Product:
    """Return what a step finds, as one line of JSON."""
    height, width = seen.pixels.shape[:2]
    (found,) = measured(step, [seen], supplies)
    return _written(found, width, height)


def _written(found: Mapping[str, object], width: int, height: int) -> Product:
    data = json.dumps(found, separators=(",", ":"), sort_keys=True).encode() + b"\n"
    return Product(data=data, format=DATA, width=width, height=height)


def measured(
    step: Step, seen: Sequence[Seen], supplies: Supplies
) -> Sequence[Mapping[str, object]]:
    """Return what a step that gives data finds in each of these. Raises PictureError."""
    elsewhere, operation = supplies.elsewhere_for(step), step.operation
    with _failures_named(step, seen[0].pixels):
        if elsewhere is not None:
            return [elsewhere.measured(step, one) for one in seen]
        given = _given(step, supplies)
        if operation.measure_many is not None:
            return operation.measure_many(seen, **given)
        return [operation.measure(one, **given) for one in seen] if operation.measure else []


def done(step: Step, pixels: Pixels, supplies: Supplies) -> Pixels:
    """Return what a step that gives pictures makes of these pixels. Raises PictureError."""
    _refuse_unfit(step.operation, pixels)
    elsewhere = supplies.elsewhere_for(step)
    with _failures_named(step, pixels):
        if elsewhere is not None:
            return elsewhere.done(step, pixels)
        return step.operation.run(pixels, **_given(step, supplies))


def _given(step: Step, supplies: Supplies) -> dict[str, Any]:
    """Return a step's arguments, its pictures' pixels, and where its weights are if it has any."""
    given: dict[str, Any] = step.values
    for name in step.operation.pictures:
        given[name] = supplies.reference(str(given[name])) if given[name] else None
    return {**given, "weights": supplies.weights(step.model)} if step.model else given


@contextmanager
def _failures_named(step: Step, pixels: Pixels) -> Iterator[None]:
    import cv2

    try:
        yield
    except (cv2.error, MemoryError, ValueError) as error:
        height, width = pixels.shape[:2]
        what = f"{step.operation.name} failed on {width}x{height} {pixels.dtype}: {error}"
        raise PictureError("operation-failed", what) from error


def _refuse_unfit(operation: Operation, pixels: Pixels) -> None:
    """Refuse pixels that the operation does not declare: it would give nonsense for them."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if pixels.dtype.name in operation.depths and channels in operation.channels:
        return
    takes = f"{' or '.join(operation.depths)} with {' or '.join(map(str, operation.channels))}"
    what = f"{operation.name} takes {takes} channels, and was given {pixels.dtype} with {channels}"
    raise PictureError("operation-failed", what)


def output_format(header: Header, output: Output) -> str:
    """Return the format that the result will have.

    "same" keeps the input's; of those that cannot be written, GIF becomes PNG, HEIC and RAW JPEG.
    It depends on the format alone, so that an output has its name before its picture is opened.
    """
    if output.format != SAME:
        return output.format
    if header.format in WRITERS:
        return header.format
    return "png" if header.format == "gif" else "jpeg"


def extension(form: str) -> str:
    """Return the usual file name extension of a format, dot included: jpeg gives ".jpg"."""
    return WRITERS[form].suffix if form in WRITERS else _SUFFIXES[form]
