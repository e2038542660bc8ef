"""What people tell a mesh to do: let nodes and folders rest or go on, retry a picture.

Pure. Each order answers with what came of it, and an order that makes no sense is refused
with what would.
"""

from .members import Refused
from .messages import FolderItem, Note
from .names import listed
from .nodes import Node
from .quarantine import is_meant
from .scheduler import Scheduler
from .status import folder_id
from .tasks import Owner


def drain(scheduler: Scheduler, about: str) -> str:
    """Give a node nothing new; it stays, and finishes what it has."""
    node = node_called(scheduler, about)
    node.paused = True
    _changed(scheduler, node)
    return f"{about} gets nothing new and finishes {len(node.active)} tasks"


def resume(scheduler: Scheduler, about: str) -> str:
    """Let a node work again that was drained or quarantined."""
    node = node_called(scheduler, about)
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


def pause(scheduler: Scheduler, about: str) -> str:
    """Have a watched folder take nothing new on; what runs is finished."""
    owner, folder = _folder(scheduler, about)
    scheduler.tell(owner, Note(code="pause", text=folder.out))
    return f"{owner.hello.name} is told to pause {folder.source}"


def unpause(scheduler: Scheduler, about: str) -> str:
    """Have a watched folder go on."""
    owner, folder = _folder(scheduler, about)
    scheduler.tell(owner, Note(code="unpause", text=folder.out))
    return f"{owner.hello.name} is told to go on with {folder.source}"


ORDERS = {
    "drain": drain,
    "resume": resume,
    "retry": retry,
    "pause": pause,
    "unpause": unpause,
}


def _folder(scheduler: Scheduler, about: str) -> tuple[Owner, FolderItem]:
    for owner in scheduler.owners.values():
        for folder in owner.folders:
            if folder_id(owner.id, folder) == about:
                return owner, folder
    raise Refused(
        "refused",
        f"no folder {about!r} is watched",
        "'pixmesh folders list' shows those that are",
    )


def node_called(scheduler: Scheduler, name: str) -> Node:
    """Return the node of that name. Raises Refused."""
    for node in scheduler.nodes.values():
        if node.hello.name == name:
            return node
    known = listed((node.hello.name for node in scheduler.nodes.values()), "none")
    raise Refused("refused", f"no node is called {name!r}", f"connected are: {known}")


def _changed(scheduler: Scheduler, node: Node) -> None:
    scheduler.tasks.changed.add(node)
    scheduler.tasks.aside.node_came()
