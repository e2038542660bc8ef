"""Attempts' ids that prove to whom the broker gave them. Pure.

    20 bits of chance | 43 bits of a keyed BLAKE2b over them, the node, the owner and the task

A node tells the broker what it did for attempts that were given up, and a broker that was
started anew what it holds: neither broker has a record of those. The id is the record. So no
node can claim a task that was never given to it: not to hold it, not to have its result.
"""

import hashlib

from .messages import AttemptId, MemberId, TaskId

CHANCE_BITS, PROOF_BITS = 20, 43
_CHANCE, _PROOF = (1 << CHANCE_BITS) - 1, (1 << PROOF_BITS) - 1


class Seal:
    """Makes and knows the ids of one broker's attempts, in all of its lives."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = hashlib.blake2b(key=secret, digest_size=8, person=b"pixmesh-seal")

    def attempt(self, chance: int, *, node: MemberId, owner: MemberId, task: TaskId) -> AttemptId:
        """Name an attempt; of ``chance`` the lowest 20 bits count."""
        chance &= _CHANCE
        keyed = self._keyed.copy()
        keyed.update(chance.to_bytes(3, "big") + node + owner + task)
        proof = int.from_bytes(keyed.digest(), "big") & _PROOF
        return AttemptId(chance << PROOF_BITS | proof)

    def holds(self, attempt: int, *, node: MemberId, owner: MemberId, task: TaskId) -> bool:
        """Whether an attempt of this task of this owner was given to this node."""
        chance = attempt >> PROOF_BITS
        return attempt == self.attempt(chance, node=node, owner=owner, task=task)
