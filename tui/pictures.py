"""This machine's pictures, as the dashboard lists them: the latest, and how many there are."""

from dataclasses import dataclass

from .view.jobs import MOST, Listing


@dataclass(frozen=True, slots=True)
class LedgerPictures:
    """The ledger, read anew each time; implements the dashboard's Pictures."""

    def load(self, words: str) -> Listing:
        """Return the latest pictures that have all of these words. Raises PixmeshError."""
        from ..node.owner.listing import Choice
        from .jobs_view import lines
        from .known import opened_ledger

        choice = Choice(words=tuple(words.split()))
        with opened_ledger() as ledger:
            if ledger is None:
                return Listing(words)
            rows = ledger.listing.outputs(choice, most=MOST)
            arrivals = ledger.listing.arrivals(choice, most=MOST)
            counts = ledger.listing.counts(choice)
        return Listing(words, tuple(lines(rows, arrivals, most=MOST)), counts)
