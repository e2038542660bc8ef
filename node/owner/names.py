"""How outputs are called: sources in, destinations out. Pure; no file is looked at.

    one INPUT folder       OUT mirrors it
    several                each under its own name in OUT, with as much of its path as it
                           takes to tell them apart
    a file named itself    directly in OUT
    the extension          stays, unless the caller says that another is written
    two that would meet    keep the source's extension too: ``a.jpg.webp``, ``a.png.webp``;
                           where that is not enough, they are numbered: ``a-2.jpg``

Properties, tested: no two destinations meet, none is a folder of another, none leaves OUT.
"""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...broker.messages import PATH_LETTERS

LONGEST_NAME: Final = 255
"""Bytes that a file's name may have in nearly every file system."""


@dataclass(frozen=True, slots=True)
class Name:
    """Where a source lies: in the folder ``root``, at ``relative``; named itself or found."""

    root: Path
    relative: str
    named: bool = False


def destinations(
    sources: Sequence[Name],
    *,
    extension_for: Callable[[str], str | None],
    fold_case: bool = False,
) -> list[str]:
    """Return each source's destination, relative to OUT, in the order of the sources.

    ``extension_for`` gets a source's relative path and returns the extension to write, with
    its dot, or None where it stays. ``fold_case`` says that OUT's file system does not tell
    ``A`` from ``a``.
    """
    prefixes = _prefixes({source.root: None for source in sources if not source.named})
    plain = [_place(source, prefixes) for source in sources]
    extensions = [extension_for(source.relative) for source in sources]
    first = [_converted(name, ext) for name, ext in zip(plain, extensions, strict=True)]
    taken = Counter(name_key(name, fold_case=fold_case) for name in first)
    folders = _folders(first, fold_case=fold_case)
    chosen: list[str] = []
    for name, source, extension in zip(first, plain, extensions, strict=True):
        key = name_key(name, fold_case=fold_case)
        meets = taken[key] > 1 or key in folders
        chosen.append(_appended(source, extension) if meets else name)
    return _numbered_apart(chosen, fold_case=fold_case)


def numbered(name: str, number: int) -> str:
    """Return ``a-2.jpg`` for ``a.jpg`` and 2."""
    stem, extension = os.path.splitext(name)  # noqa: PTH122  # text, not a file
    return _fitted(stem, f"-{number}{extension}")


def plain(name: str, extension: str | None) -> str:
    """Return what a source's output is called where no other is called so."""
    return _converted(name, extension)


def kept(name: str, extension: str | None) -> str:
    """Return the same with the source's extension before the one that is written."""
    return _appended(name, extension)


def name_key(name: str, *, fold_case: bool) -> str:
    """Return what is equal for names that mean the same file."""
    if name.isascii():
        return name.lower() if fold_case else name
    # Systems that fold case also compare composed and decomposed letters as equal.
    return unicodedata.normalize("NFC", name).casefold() if fold_case else name


def _place(source: Name, prefixes: Mapping[Path, str]) -> str:
    prefix = "" if source.named else prefixes[source.root]
    return prefix + source.relative


def _prefixes(roots: Iterable[Path]) -> dict[Path, str]:
    """Name each of several folders by as many of its last parts as tell it from the others."""
    folders = list(roots)
    if len(folders) <= 1:
        return dict.fromkeys(folders, "")
    depth = dict.fromkeys(folders, 1)
    while clashes := _clashing(depth):
        for folder in clashes:
            depth[folder] += 1
    return {folder: _tail(folder, count) + os.sep for folder, count in depth.items()}


def _clashing(depth: Mapping[Path, int]) -> list[Path]:
    tails = Counter(_tail(folder, count).casefold() for folder, count in depth.items())
    return [
        folder
        for folder, count in depth.items()
        if tails[_tail(folder, count).casefold()] > 1 and count < len(_parts(folder))
    ]


def _tail(folder: Path, count: int) -> str:
    parts = _parts(folder)[-count:]
    return str(Path(*parts)) if parts else "root"


def _parts(folder: Path) -> tuple[str, ...]:
    return folder.parts[1:] if folder.anchor else folder.parts


def _converted(name: str, extension: str | None) -> str:
    if extension is None:
        return name
    stem, _ = os.path.splitext(name)  # noqa: PTH122  # text, not a file
    return _fitted(stem, extension)


def _appended(name: str, extension: str | None) -> str:
    """Keep the source's extension before the one that is written, unless nothing changes."""
    if extension is None or _converted(name, extension) == name:
        return name
    return _fitted(name, extension)


def _fitted(stem: str, ending: str) -> str:
    """Put an ending on a name, shortening the name where the two would be too long."""
    folder, name = os.path.split(stem)
    room = LONGEST_NAME - len(os.fsencode(ending))
    raw = os.fsencode(name)
    if len(raw) > room:
        # Cut between characters: a half one would not come back from the file system.
        while len(os.fsencode(name)) > room:
            name = name[:-1]
    return os.path.join(folder, name + ending)  # noqa: PTH118  # text, not a file


def _folders(names: Iterable[str], *, fold_case: bool) -> set[str]:
    """Return the keys of all folders that these names lie in."""
    found: set[str] = set()
    seen: set[str] = set()
    for name in names:
        folder = os.path.dirname(name)  # noqa: PTH120  # text, not a file
        while folder and folder not in seen:
            seen.add(folder)
            found.add(name_key(folder, fold_case=fold_case))
            folder = os.path.dirname(folder)  # noqa: PTH120
    return found


def _numbered_apart(names: Sequence[str], *, fold_case: bool) -> list[str]:
    """Number those that still meet; whoever comes first keeps the name."""
    folders = _folders(names, fold_case=fold_case)
    used = set(folders)
    counts = Counter(name_key(name, fold_case=fold_case) for name in names)
    alone = {key for key, count in counts.items() if count == 1 and key not in folders}
    used |= alone
    apart: list[str] = []
    for name in names:
        key = name_key(name, fold_case=fold_case)
        apart.append(name if key in alone else _free(name, used, fold_case=fold_case))
    return apart


def _free(name: str, used: set[str], *, fold_case: bool) -> str:
    candidate, number = name, 1
    while (key := name_key(candidate, fold_case=fold_case)) in used:
        number += 1
        candidate = numbered(name, number)
    used.add(key)
    return candidate


def as_unicode(name: str) -> str:
    """Write out what is no Unicode, such as the undecodable bytes of a file's name."""
    return name if name.isascii() else name.encode("utf-8", "backslashreplace").decode()


def fitted(name: str) -> str:
    """Return a name as it is told to the mesh: of one that is too long, the end."""
    return as_unicode(name)[-PATH_LETTERS:]
