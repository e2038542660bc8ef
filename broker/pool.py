"""The nodes that may be given one more task, found in no time among thousands. Pure.

They are filed by what they have, since few kinds of nodes make up a large mesh; of each
kind a few are drawn by lot, so a decision costs the same whatever the size of the mesh.
"""

from collections.abc import Iterable, Iterator
from random import Random

from .nodes import Node

SAMPLE = 32


class Pool:
    """The nodes with room, as of each one's last ``update``."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._kinds: dict[frozenset[str], list[Node]] = {}
        self._places: dict[Node, int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, node: Node) -> bool:
        return node in self._places

    def __iter__(self) -> Iterator[Node]:
        return iter(self._places)

    def put(self, node: Node) -> None:
        """Add a node that has room."""
        if node not in self._places:
            kind = self._kinds.setdefault(node.has, [])
            self._places[node] = len(kind)
            kind.append(node)

    def discard(self, node: Node) -> None:
        """Take a node out, if it is in."""
        place = self._places.pop(node, None)
        if place is None:
            return
        kind = self._kinds[node.has]
        last = kind.pop()
        if last is not node:
            kind[place] = last
            self._places[last] = place
        if not kind:
            del self._kinds[node.has]

    def draw(self, needs: frozenset[str]) -> list[Node]:
        """Return nodes with room that have what is needed: all, or a few by lot."""
        if len(self._places) <= SAMPLE:
            return [node for node in self._places if needs <= node.has]
        kinds = [nodes for has, nodes in self._kinds.items() if needs <= has]
        count = sum(map(len, kinds))
        if count <= SAMPLE:
            return [node for nodes in kinds for node in nodes]
        return [_at(kinds, place) for place in self._random.sample(range(count), SAMPLE)]


def _at(kinds: Iterable[list[Node]], place: int) -> Node:
    for nodes in kinds:
        if place < len(nodes):
            return nodes[place]
        place -= len(nodes)
    raise IndexError(place)
