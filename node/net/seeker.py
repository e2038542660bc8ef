"""Looks for a broker that has fallen silent: it may be at another address now.

Looks in a thread of its own, since dialling and asking on the LAN take seconds, and calls
the loop when there is something to know.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import zmq

from ...broker.keys import KeyPair
from ..errors import PixmeshError
from .address import Address
from .dial import NobodyLetsIn, dial
from .entry import remember
from .joining import rejoin
from .way import Way

log = logging.getLogger(__name__)

SILENT = 4.0
LOOK_AGAIN = 5.0


@dataclass(slots=True, eq=False)
class Seeker:
    """Looks again and again while the broker is silent. ``call`` wakes the loop."""

    way: Way
    pair: KeyPair
    call: Callable[[], None]
    _found: Address | None = None
    _thread: threading.Thread | None = None
    _again_at: float = field(default=float("-inf"))

    def tick(self, silent_for: float, now: float) -> None:
        """Begin to look where it is time to."""
        busy = self._thread is not None and self._thread.is_alive()
        if self.way.membership is None or silent_for < SILENT or now < self._again_at or busy:
            return
        self._again_at = now + LOOK_AGAIN
        self._thread = threading.Thread(target=self._look, name="seeker", daemon=True)
        self._thread.start()

    def found(self) -> Address | None:
        """Return where the broker is, once, if that is known anew."""
        found, self._found = self._found, None
        return found

    def close(self) -> None:
        """Wait until nothing is looked for any more."""
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        try:
            way = rejoin(self.way)
            with zmq.Context() as context:
                self._found = dial(context, way.addresses, self.pair)
        except (PixmeshError, NobodyLetsIn) as error:
            log.info("the broker is not found: %s", error)
            return
        remember(self.way, self._found)
        self.call()
