"""What people tell a mesh to do: let a node rest or work again, let a picture be tried again.

Pure. Each order answers with what came of it, and an order that makes no sense is refused
with what would.
"""

from .members import Refused
from .names import listed
from .nodes import Node
from .quarantine import is_meant
from .scheduler import Scheduler


def drain(scheduler: Scheduler, about: str) -> str:
    """Give a node nothing new; it stays, and finishes what it has."""
    node = _node(scheduler, about)
    node.paused = True
    _changed(scheduler, node)
    return f"{about} gets nothing new and finishes {len(node.active)} tasks"


def resume(scheduler: Scheduler, about: str) -> str:
    """Let a node work again that was drained or quarantined."""
    node = _node(scheduler, about)
    was = "quarantined" if node.quarantined else "drained" if node.paused else ""
    node.paused = False
    scheduler.tasks.quarantine.release(node)
    _changed(scheduler, node)
    return f"{about} works again" if was else f"{about} was neither drained nor quarantined"


def retry(scheduler: Scheduler, about: str) -> str:
    """Let a quarantined picture be tried again when its owner next asks."""
    pictures = scheduler.tasks.quarantine.pictures
    meant = [task for task, one in pictures.items() if is_meant(about, task, one.name)]
    if not meant:
        raise Refused(
            "refused",
            f"no picture {about!r} is quarantined",
            "'pixmesh status' lists those that are",
        )
    for task in meant:
        del pictures[task]
    return f"{len(meant)} released; run the same command again to try it"


ORDERS = {"drain": drain, "resume": resume, "retry": retry}


def _node(scheduler: Scheduler, name: str) -> Node:
    for node in scheduler.nodes.values():
        if node.hello.name == name:
            return node
    known = listed((node.hello.name for node in scheduler.nodes.values()), "none")
    raise Refused("refused", f"no node is called {name!r}", f"connected are: {known}")


def _changed(scheduler: Scheduler, node: Node) -> None:
    scheduler.tasks.changed.add(node)
    scheduler.tasks.aside.node_came()
