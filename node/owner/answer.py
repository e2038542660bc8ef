"""What a Python user gets back for one picture."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import JobFailed
from .pictures import Picture

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One picture's outcome.

    ``input`` is what was handed in. Where ``ok``, ``bytes`` are the encoded picture in
    ``format``; else ``error`` says why there is none, and ``code`` is its stable name.
    A recipe that gives data has it in ``data``, and ``bytes`` are its JSON.
    ``seconds`` were spent on it in a slot of ``node``, the last of ``attempts`` tries.
    """

    input: Picture
    name: str
    bytes: bytes = field(default=b"", repr=False)
    format: str = ""
    error: str = ""
    code: str = ""
    node: str = ""
    attempts: int = 0
    seconds: float = 0.0
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is a result."""
        return not self.code

    @property
    def array(self) -> "np.ndarray[Any, Any]":
        """The result's pixels: HxW, or HxWxC in OpenCV's order (BGR, BGRA).

        Raises JobFailed when there is none.
        """
        from ...ops.decode import decode

        return decode(self.checked().bytes).pixels

    def save(self, folder: str | Path) -> Path:
        """Write the result into a folder, under its input's name with the right extension.

        Raises JobFailed when there is none, FileExistsError rather than overwrite, and
        NotADirectoryError where a file is named rather than a folder.
        """
        from ...ops.process import extension

        self.checked()
        folder = Path(folder)
        if folder.suffix.lower() == extension(self.format) and not folder.is_dir():
            what = f"{folder} has a file's name, and save takes a folder"
            raise NotADirectoryError(f"{what}: write answer.bytes where the name is to be yours")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{Path(self.name).stem}{extension(self.format)}"
        with path.open("xb") as file:
            file.write(self.bytes)
        return path

    def checked(self) -> "Answer":
        """Return this answer. Raises JobFailed when it is an error."""
        if not self.ok:
            raise JobFailed(f"{self.name}: {self.error}", code=self.code)
        return self
