"""What a batch tells while it runs, and what it comes to.

Plain values and their sum; who shows them is no concern of theirs.
"""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PictureSubmitted:
    """A picture was read and handed to the mesh."""

    source: Path
    megapixels: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureDone:
    """An output stands under its final name.

    ``seconds``, ``node`` and ``attempts`` are the job's; zero and empty for an output that
    was finished or copied without computing anything.
    """

    source: Path
    destination: Path
    megapixels: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: float = 0.0
    node: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class PictureUnchanged:
    """An output was made of the same content before, and is not made again."""

    source: Path
    destination: Path


@dataclass(frozen=True, slots=True)
class PictureFailed:
    """A picture will have no output: a stable code, and a text for people."""

    source: Path
    code: str
    reason: str
    node: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class PictureCancelled:
    """A picture was taken back before it started; it is for the next run.

    Unless ``by_person``: then nobody asks for it until someone says retry.
    """

    source: Path
    by_person: bool = False


BatchEvent = PictureSubmitted | PictureDone | PictureUnchanged | PictureFailed | PictureCancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What became of a batch. ``seconds`` is the time it took; ``pixels`` those read.

    ``cancelled`` counts what is left for the next run; ``taken_back`` are those that a person
    cancelled.
    """

    done: int
    failed: tuple[PictureFailed, ...]
    skipped: int
    cancelled: int
    taken_back: tuple[Path, ...] = ()
    bytes_in: int
    bytes_out: int
    pixels: int
    seconds: float


@dataclass(slots=True)
class Tally:
    """The sum of events so far."""

    done: int = 0
    failed: list[PictureFailed] = field(default_factory=list)
    cancelled: int = 0
    taken_back: list[Path] = field(default_factory=list)
    bytes_in: int = 0
    bytes_out: int = 0
    pixels: float = 0.0

    def add(self, event: BatchEvent) -> None:
        """Count one event."""
        match event:
            case PictureDone():
                self.done += 1
                self.bytes_in += event.bytes_in
                self.bytes_out += event.bytes_out
                self.pixels += event.megapixels * 1e6
            case PictureFailed():
                self.failed.append(event)
            case PictureCancelled(source, by_person):
                if by_person:
                    self.taken_back.append(source)
                else:
                    self.cancelled += 1
            case PictureSubmitted() | PictureUnchanged():
                pass

    def summary(self, *, skipped: int, seconds: float) -> Summary:
        """Return what it came to."""
        return Summary(
            done=self.done,
            failed=tuple(self.failed),
            skipped=skipped,
            cancelled=self.cancelled,
            taken_back=tuple(self.taken_back),
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            pixels=round(self.pixels),
            seconds=seconds,
        )
