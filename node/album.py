"""A slot's references: read from its node's spool, decoded once, kept while they are small."""

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..ops.digest import digest_of
from ..ops.reference import Reference, missing, pixels_of, read
from .spool import reference_path

if TYPE_CHECKING:
    from ..ops.picture import Pixels

ROOM: Final = 96 * 1024 * 1024
"""Bytes of decoded pixels that stay: 32 megapixels of colour. Larger ones are decoded each time."""


class Album:
    """Decoded references, by the words that stand for them in recipes."""

    def __init__(self, spool: Path, room: int = ROOM) -> None:
        self._spool = spool
        self._room = room
        self._kept: OrderedDict[str, Pixels] = OrderedDict()

    def find(self, word: str) -> "Pixels":
        """Return a reference's upright pixels, not to be changed. PictureError without it."""
        if word not in self._kept:
            reference = read(word)
            if reference is None:
                raise missing("it is called by a path, which says nothing to a node")
            pixels = self._decoded(reference)
            if pixels.nbytes > self._room:
                return pixels
            self._keep(word, pixels)
        self._kept.move_to_end(word)
        return self._kept[word]

    def _decoded(self, reference: Reference) -> "Pixels":
        path = reference_path(self._spool, reference.digest)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise missing(f"the node's spool: {error.strerror}") from error
        if digest_of(data) != reference.digest:
            path.unlink(missing_ok=True)  # so the agent sees that it is to be fetched anew
            raise missing("its bytes were spoilt")
        pixels = pixels_of(reference, data)
        pixels.flags.writeable = False
        return pixels

    def _keep(self, word: str, pixels: "Pixels") -> None:
        """Keep one, and let those go that were not used for longest."""
        self._kept[word] = pixels
        taken = sum(one.nbytes for one in self._kept.values())
        while taken > self._room:
            _, gone = self._kept.popitem(last=False)
            taken -= gone.nbytes
