"""What people cancel is taken back from a run once, and nothing else is touched."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pixmesh.node.errors import PixmeshError
from pixmesh.node.owner.folder_records import Asked, Wish
from pixmesh.tui.listener import Listener

OUT = Path("/out/a.jpg")
CANCEL = Asked(Path("/in/a.jpg"), OUT, None, Wish.CANCEL)
RETRY = Asked(Path("/in/b.jpg"), Path("/out/b.jpg"), None, Wish.RETRY)


@dataclass
class Records:
    """A ledger that others write to."""

    written: int = 0
    asks: list[Asked] = field(default_factory=list)
    looks: int = 0
    answers: list[Asked] = field(default_factory=list)
    broken: bool = False

    def ask(self, *asked: Asked) -> None:
        self.written += 1
        self.asks += asked

    def version(self) -> int:
        return self.written

    def asked(self) -> list[Asked]:
        if self.broken:
            raise PixmeshError("the ledger is locked")
        self.looks += 1
        return list(self.asks)

    def answered(self, asked: Sequence[Asked]) -> None:
        self.answers += asked
        self.asks = [one for one in self.asks if one not in asked]


def test_what_is_cancelled_is_taken_back_once_and_other_wishes_are_left() -> None:
    records, taken = Records(), list[Path]()
    listener = Listener(records, taken.extend)
    listener.look()
    records.ask(CANCEL, RETRY)
    for _ in range(2):
        listener.look()
    assert (taken, records.answers, records.asks) == ([OUT], [CANCEL], [RETRY])


def test_the_rows_are_read_only_after_somebody_wrote() -> None:
    records = Records()
    listener = Listener(records, lambda _: None)
    for _ in range(10):
        listener.look()
    assert records.looks == 1


def test_what_was_asked_while_the_ledger_was_locked_is_done_later() -> None:
    records, taken = Records(broken=True), list[Path]()
    records.ask(CANCEL)
    listener = Listener(records, taken.extend)
    with pytest.raises(PixmeshError):
        listener.look()
    records.broken = False
    listener.look()
    assert taken == [OUT]
