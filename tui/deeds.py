"""What is asked for on the dashboard, carried out as the command line does it."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .view.actions import OF_THE_LEDGER, Deed, What

if TYPE_CHECKING:
    from ..node.net.way import Way


@dataclass(slots=True, eq=False)
class Deeds:
    """Who carries them out; implements the dashboard's Doer. ``find`` returns the way."""

    find: Callable[[], "Way"]

    def do(self, deed: Deed) -> str:
        """Do one. Raises PixmeshError."""
        if deed.what in OF_THE_LEDGER:
            return self._ask_the_ledger(deed)
        from ..node.net.reach import order

        return order(self.find(), deed.what.value, deed.about)

    def join_line(self) -> str:
        """Return what to paste on another machine: how to install it, and a new ticket."""
        from .installation import joining

        return joining(self.find())

    def _ask_the_ledger(self, deed: Deed) -> str:
        from ..node.net.reach import order
        from .asking import Asking, unknown_to_us
        from .known import opened_ledger
        from .wishes import summed

        warnings: list[str] = []
        with contextlib.ExitStack() as stack:
            ledger = stack.enter_context(opened_ledger())
            if ledger is None:
                raise unknown_to_us(deed.about)
            asking = Asking(
                ledger, lambda about: order(self.find(), "retry", about), warnings.append
            )
            if deed.what is What.RETRY:
                answers, told = asking.retry([deed.about])
            else:
                answers, told = asking.cancel([deed.about], under=deed.under), []
        return "; ".join([*summed(answers), *told, *warnings])
