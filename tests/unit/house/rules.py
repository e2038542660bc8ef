"""The rules of the house that no linter knows, as functions of a checkout's folder.

Each returns its findings, one line each; an empty list means the rule is kept.
"""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

LONGEST_FILE = 500
LONGEST_FUNCTION = 60
ROOMS = ("bench", "broker", "node", "ops", "tui")
CHECKS = frozenset({"raises", "fail", "warns"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(root: Path) -> Iterator[Path]:
    """Walk the checkout's modules, tests included, hidden and built folders left out."""
    for top in (root, *(root / name for name in (*ROOMS, "tests"))):
        found = top.glob("*.py") if top == root else top.rglob("*.py")
        yield from sorted(found)


def long_files(root: Path) -> list[str]:
    """No source file over 500 lines."""
    counted = ((path, len(path.read_text().splitlines())) for path in sources(root))
    return [
        f"{_name(path, root)}: {lines} lines" for path, lines in counted if lines > LONGEST_FILE
    ]


def long_functions(root: Path) -> list[str]:
    """No function over 60 lines."""
    return [
        f"{_name(path, root)}: {function.name} has {_length(function)} lines"
        for path in sources(root)
        for function in _functions(path)
        if _length(function) > LONGEST_FUNCTION
    ]


def unlisted_packages(root: Path) -> list[str]:
    """Every folder with modules is a package listed in pyproject.toml, and no other."""
    listed = set(_settings(root)["tool"]["setuptools"]["packages"])
    folders = {path.parent.relative_to(root) for path in sources(root)}
    there = {
        ".".join(("pixmesh", *folder.parts)) for folder in folders if "tests" not in folder.parts
    }
    return [
        *(
            f"{name}: has modules and is not in pyproject's packages"
            for name in sorted(there - listed)
        ),
        *(f"{name}: in pyproject's packages and has no modules" for name in sorted(listed - there)),
    ]


def folders_without_init(root: Path) -> list[str]:
    """Every folder with modules says by its __init__.py what it is."""
    folders = {path.parent for path in sources(root)}
    return [_name(one, root) for one in sorted(folders) if not (one / "__init__.py").is_file()]


def absolute_imports(root: Path) -> list[str]:
    """Inside the house imports are relative; only what a type checker reads may differ."""
    return [
        f"{_name(path, root)}:{node.lineno}: says pixmesh."
        for path in sources(root)
        if path.relative_to(root).parts[0] in ROOMS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom) and _imports_pixmesh(node)
    ]


def tests_that_cannot_fail(root: Path) -> list[str]:
    """Every test asserts something, itself or through a helper that is named for it."""
    return [
        f"{_name(path, root)}: {function.name} asserts nothing"
        for path in sources(root)
        if path.name.startswith("test_")
        for function in _functions(path)
        if function.name.startswith("test_") and not _asserts(function)
    ]


def sleeping_tests(root: Path) -> list[str]:
    """No test waits by sleeping: there is an event, or ``eventually``."""
    return [
        f"{_name(path, root)}:{node.lineno}: sleeps"
        for path in sources(root)
        if "tests" in path.relative_to(root).parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _called(node) == "sleep"
    ]


def _imports_pixmesh(node: ast.Import | ast.ImportFrom) -> bool:
    match node:
        case ast.ImportFrom(module=str(module), level=0):
            names = [module]
        case ast.Import(names=aliases):
            names = [alias.name for alias in aliases]
        case _:
            return False
    return any(name.partition(".")[0] == "pixmesh" for name in names)


def _asserts(function: Function) -> bool:
    return any(
        isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and _is_check(_called(node)))
        for node in ast.walk(function)
    )


def _is_check(name: str) -> bool:
    words = name.strip("_").split("_")
    return (
        name in CHECKS or name == "eventually" or words[0] in {"assert", "check", "expect", "judge"}
    )


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _functions(path: Path) -> list[Function]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _settings(root: Path) -> dict[str, dict[str, dict[str, list[str]]]]:
    return tomllib.loads((root / "pyproject.toml").read_text())


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
