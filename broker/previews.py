"""The last picture that each node has finished, before and after: only while somebody looks.

A node makes one when it is asked, and is asked at most once a second. Bounded: one a node, of
a few kilobytes, for nodes that are here. Pure.
"""

from dataclasses import dataclass, field

import msgspec
from msgspec import structs

from .messages import MemberId
from .views import Preview

ASK_AGAIN = 1.0
MOST_BYTES = 48 * 1024
STALE = 60.0


@dataclass(slots=True, eq=False)
class Previews:
    """What nodes have shown, and who is to be asked to show more."""

    asking: list[MemberId] = field(default_factory=list)
    _shown: dict[MemberId, tuple[Preview, float]] = field(default_factory=dict)
    _asked: dict[MemberId, float] = field(default_factory=dict)

    def wanted(self, node: MemberId, now: float) -> Preview | None:
        """Return what a node has shown last, if it has lately, and have it asked for more."""
        if now - self._asked.get(node, float("-inf")) >= ASK_AGAIN:
            self._asked[node] = now
            self.asking.append(node)
        shown = self._shown.get(node)
        if shown is None or now - shown[1] > STALE:
            return None
        return structs.replace(shown[0], age=now - shown[1])

    def came(self, node: MemberId, body: bytes, now: float) -> bool:
        """Take in what a node shows; False for what it was not asked for, or is none."""
        if node not in self._asked or len(body) > MOST_BYTES:
            return False
        try:
            shown = msgspec.msgpack.decode(body, type=Preview)
        except msgspec.DecodeError:
            return False
        self._shown[node] = (shown, now)
        return True

    def forget(self, node: MemberId) -> None:
        """A node is gone."""
        self._shown.pop(node, None)
        self._asked.pop(node, None)
