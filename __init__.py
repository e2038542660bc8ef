"""Image tasks over every machine of a LAN: the public face of pixmesh.

    import pixmesh
    with pixmesh.Mesh() as mesh:
        for answer in mesh.stream("grayscale | canny", paths):
            ...

Everything is loaded on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .node.errors import (
        CannotRun,
        ConfigError,
        JobFailed,
        MeshUnreachable,
        NotAuthorised,
        PixmeshError,
        UsageError,
    )
    from .node.owner.answer import Answer
    from .node.owner.mesh import Mesh
    from .ops.errors import PictureError, RecipeError

__all__ = [
    "Answer",
    "CannotRun",
    "ConfigError",
    "JobFailed",
    "Mesh",
    "MeshUnreachable",
    "NotAuthorised",
    "PictureError",
    "PixmeshError",
    "RecipeError",
    "UsageError",
]

_HOMES = {
    "Answer": "node.owner.answer",
    "Mesh": "node.owner.mesh",
    "PictureError": "ops.errors",
    "RecipeError": "ops.errors",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'pixmesh' has no attribute {name!r}")
    from importlib import import_module

    home = _HOMES.get(name, "node.errors")
    return getattr(import_module(f".{home}", __name__), name)


def __dir__() -> list[str]:
    return __all__
