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
class PictureFailed:
    """A picture will have no output: a stable code, and a text for people."""

    source: Path
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class PictureCancelled:
    """A picture was taken back before it started; it is for the next run."""

    source: Path


BatchEvent = PictureSubmitted | PictureDone | PictureFailed | PictureCancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What became of a batch. ``seconds`` is the time it took; ``pixels`` those read."""

    done: int
    failed: tuple[PictureFailed, ...]
    skipped: int
    cancelled: int
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
            case PictureCancelled():
                self.cancelled += 1
            case PictureSubmitted():
                pass

    def summary(self, *, skipped: int, seconds: float) -> Summary:
        """Return what it came to."""
        return Summary(
            done=self.done,
            failed=tuple(self.failed),
            skipped=skipped,
            cancelled=self.cancelled,
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            pixels=round(self.pixels),
            seconds=seconds,
        )
