"""Operations of other packages: whatever they declare under the entry point ``pixmesh.operations``.

    [project.entry-points."pixmesh.operations"]
    sepia = "my_package:SEPIA"          # an Operation, or several in a tuple

A package is code that somebody installed on this machine, on purpose: nothing here comes over
the mesh. One that cannot be used is named in the log and left out.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

from .operation import Operation

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

log = logging.getLogger(__name__)

GROUP: Final = "pixmesh.operations"


def found(taken: Collection[str]) -> dict[str, Operation]:
    """Return the operations of every installed package, by name; ``taken`` names are ours."""
    from importlib.metadata import entry_points  # slow to load: most have no plug-in to look for

    operations: dict[str, Operation] = {}
    for point in entry_points(group=GROUP):
        for operation in _declared(point):
            if operation.name in taken or operation.name in operations:
                log.warning("%s: there is an operation %r already", _whose(point), operation.name)
            else:
                operations[operation.name] = operation
    return operations


def _declared(point: EntryPoint) -> list[Operation]:
    try:
        declared = point.load()
    except Exception as error:  # noqa: BLE001  # somebody else's code: it must not end ours
        log.warning("%s cannot be loaded: %s: %s", _whose(point), type(error).__name__, error)
        return []
    several = list(declared) if isinstance(declared, Iterable) else [declared]
    right = [one for one in several if isinstance(one, Operation)]
    if len(right) < len(several):
        log.warning("%s is no pixmesh.ops.operation.Operation", _whose(point))
    return right


def _whose(point: EntryPoint) -> str:
    package = f" of {point.dist.name}" if point.dist is not None else ""
    return f"the plug-in {point.value}{package}"
