"""Attempts and ends in few words."""

from pixmesh.broker.messages import INLINE_BYTES, Assign, AssignItem, TaskItem, Work
from pixmesh.node.slot_messages import SlotEnd

OWNER = b"owner..."


def assign_item(attempt: int, *, seconds: float = 0.001, large: bool = False) -> AssignItem:
    size = INLINE_BYTES + 1 if large else 10
    task = TaskItem(
        id=attempt.to_bytes(16, "big"),
        token=attempt.to_bytes(16, "little"),
        size=size,
        digest=bytes(32),
        seconds=seconds,
        memory=1,
        inline=None if large else bytes(size),
    )
    return AssignItem(attempt, 0, task, seconds)


def assign(*items: AssignItem, seq: int = 1) -> Assign:
    return Assign(seq=seq, works=(Work(OWNER, "blur", ""),), attempts=items)


def slot_end(attempt: int, *, code: str = "") -> SlotEnd:
    return SlotEnd(attempt, 0.001, 10, None if code else bytes(32), "png", code=code)
