"""What a broker's refusal means to a person: the error, its exit code, and what to do."""

from ...broker.messages import Error
from ..errors import NotAuthorised, PixmeshError, UsageError
from .address import Address

NO_ENTRY = frozenset(
    {"not-approved", "forgotten", "not-allowed", "role", "identity", "duplicate"}
    | {"ticket-used", "ticket-expired", "ticket-revoked"}
)
USAGE = frozenset({"refused", "name", "kin", "full"})


def error_of(refusal: Error, address: Address) -> PixmeshError:
    """Return the error to raise for a refusal by the broker at an address."""
    text = f"the broker at {address} refuses: {refusal.text}"
    if refusal.code in NO_ENTRY:
        return NotAuthorised(text, remedy=refusal.remedy)
    if refusal.code in USAGE:
        return UsageError(refusal.text, remedy=refusal.remedy)
    return PixmeshError(text, remedy=refusal.remedy)


SHUT_OUT = Error(
    code="not-approved",
    text="the broker does not let this machine's key in any more",
    remedy="join again: 'pixmesh ticket new' on the broker's machine makes a ticket",
)
"""What a refused handshake says, in words."""
