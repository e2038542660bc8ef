"""This machine's pictures, as the dashboard lists them: the latest, and how many there are."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .view.jobs import MOST, Listing

if TYPE_CHECKING:
    from ..node.owner.ledger import Ledger


@dataclass(frozen=True, slots=True)
class LedgerPictures:
    """The ledger, read anew each time; implements the dashboard's Pictures."""

    def load(self, words: str) -> Listing:
        """Return the latest pictures that have all of these words. Raises PixmeshError."""
        from ..node.errors import PixmeshError
        from .known import opened_ledger

        with opened_ledger() as ledger:
            try:
                return _listed(ledger, words) if ledger is not None else Listing(words)
            except (TypeError, ValueError) as error:  # rows that make no sense
                raise PixmeshError(f"the ledger is damaged: {error}") from error


def _listed(ledger: "Ledger", words: str) -> Listing:
    from ..node.owner.listing import Choice
    from .jobs_view import lines

    listing, choice = ledger.listing, Choice(words=tuple(words.split()))
    arrivals = listing.arrivals(choice, most=MOST)
    if choice.words:
        rows, outputs = listing.page(choice, most=MOST)
        counts = listing.arrived(choice) | outputs
    else:
        rows, counts = listing.outputs(choice, most=MOST), listing.counts(choice)
    return Listing(words, tuple(lines(rows, arrivals, most=MOST)), counts)
