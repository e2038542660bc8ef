"""How the outputs of a watched folder are called. Pure.

OUT mirrors IN. Files come one by one, so what another file's output is called already stays:

    what this file's output was called before      if it still has the right extension
    the plain name                                 unless another source has it, or could
    with the source's extension kept               unless another source has it
    numbered
"""

import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..owner.inputs import EXTENSIONS
from ..owner.names import kept, numbered, plain

ExtensionFor = Callable[[str], str | None]


class Namesakes:
    """Which pictures of IN would have outputs of the same plain name. Any thread may look."""

    def __init__(self, extension_for: ExtensionFor) -> None:
        self._extension_for = extension_for
        self._counts: Counter[int] = Counter()

    def add(self, relative: str) -> None:
        """Take in a file that is there."""
        for name in self._name(relative):
            self._counts[name] += 1

    def remove(self, relative: str) -> None:
        """Take out one that is gone."""
        for name in self._name(relative):
            self._counts[name] -= 1
            if self._counts[name] <= 0:
                del self._counts[name]

    def has(self, relative: str) -> bool:
        """Tell whether a picture has namesakes."""
        return any(self._counts[name] > 1 for name in self._name(relative))

    def _name(self, relative: str) -> Iterator[int]:
        """Yield what stands for the plain name: 100,000 texts would take too much memory."""
        suffix = os.path.splitext(relative)[1].lower()  # noqa: PTH122  # text, not a file
        if suffix in EXTENSIONS:
            yield hash(plain(relative, self._extension_for(relative)))


def names(
    relative: str,
    *,
    out: Path,
    extension: str | None,
    before: Sequence[Path],
    has_namesakes: bool,
    is_taken: Callable[[Path], bool],
) -> Iterator[Path]:
    """Yield what the output of a file may be called, the best first, without an end.

    ``before`` is what it was called before. ``is_taken`` tells whether another source has it.
    """
    source = str(Path(relative))
    first = out / plain(source, extension)
    yield from (one for one in before if one.suffix == first.suffix)
    if not has_namesakes and not is_taken(first):
        yield first
    second = kept(source, extension)
    for number in itertools.count(1):
        name = out / (second if number == 1 else numbered(second, number))
        if not is_taken(name):
            yield name
