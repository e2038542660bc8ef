"""This machine, judged: its folders and disks, mounts, memory, cores, open files. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from ...broker.interfaces import Choice, Interface
from .finding import Finding, fail, gigabytes, ok, warn

LEAST_FREE: Final = 1_000_000_000
TYPICAL: Final = 350_000_000
"""What a slot needs for a photograph of 24 megapixels, blurred and its edges found."""

LEAST_FILES: Final = 1024
REMOTE: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "afs", "ceph", "9p", "glusterfs"}
    | {"lustre", "gpfs", "beegfs", "ncpfs", "virtiofs", "vboxsf", "drvfs", "davfs", "davfs2"}
    | {"sshfs", "rclone", "s3fs", "gcsfuse", "gvfsd-fuse", "juicefs", "smbnetfs"}
)


# ---- folders ----------------------------------------------------------------------------


def judge_state(root: str, error: str, remedy: str) -> Finding:
    """Judge the state folder by what opening it said."""
    if not error:
        return ok("state folder", f"{root} is yours alone")
    return fail("state folder", error, f"{remedy}; the mesh is not looked at before")


def judge_settings(read: Iterable[str], error: str, remedy: str) -> Finding:
    """Judge the settings by where values came from, or by what is wrong with them."""
    if error:
        return fail("settings", error, f"{remedy}: 'pixmesh config show --origin' shows them")
    places = ", ".join(dict.fromkeys(read))
    return ok("settings", f"from {places}" if places else "all by default")


@dataclass(frozen=True, slots=True)
class Disk:
    """A folder for ``use``; ``free`` bytes, or the ``error`` that writing there gives."""

    use: str
    folder: str
    free: int = 0
    error: str = ""


def judge_disk(disk: Disk) -> Finding:
    """Judge whether there is room to write."""
    name = f"{disk.use} disk"
    if disk.error:
        return fail(
            name,
            f"nothing can be written in {disk.folder}: {disk.error}",
            f"make room or mend its permissions; or {_elsewhere(disk.use)}",
        )
    free = f"{gigabytes(disk.free)} free in {disk.folder}"
    if disk.free < LEAST_FREE:
        return warn(name, free, f"make room there; or {_elsewhere(disk.use)}")
    return ok(name, free)


def _elsewhere(use: str) -> str:
    variable = "PIXMESH_STATE" if use == "state" else "TMPDIR"
    return f"set {variable} to a folder on another disk"


# ---- mounts -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a disk is mounted, and its type."""

    point: str
    kind: str
    remote: bool = False

    @property
    def is_remote(self) -> bool:
        """Whether it is another machine's: that tells nobody here of new files."""
        return self.remote or self.kind.lower().removeprefix("fuse.") in REMOTE


def mounts_in(text: str) -> list[Mount]:
    """Read /proc/mounts."""
    lines = [line.split() for line in text.splitlines()]
    return [Mount(_unescaped(words[1]), words[2]) for words in lines if len(words) > 2]


def _unescaped(word: str) -> str:
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        word = word.replace(code, letter)
    return word


def mount_of(folder: PurePath, mounts: Iterable[Mount]) -> Mount | None:
    """Return the mount that a folder is on: the innermost, and of two at one place the later."""
    on = [one for one in mounts if folder.is_relative_to(one.point)]
    best: Mount | None = None
    for one in on:
        if best is None or len(PurePath(one.point).parts) >= len(PurePath(best.point).parts):
            best = one
    return best


def judge_mount(folder: str, mount: Mount | None, error: str = "") -> Finding:
    """Judge whether new files in a folder are noticed at once."""
    if error:
        return fail("folder", f"{folder}: {error}", "name a folder that is there, or mount it")
    if mount is None:
        return warn("folder", f"{folder}: on no known mount", "see that it is mounted: df .")
    if mount.is_remote:
        return warn(
            "folder",
            f"{folder} is on the network ({mount.kind} at {mount.point}): watched, it is polled",
            "nothing need be done; new pictures are seen at once in a folder on a local disk",
        )
    return ok("folder", f"{folder} is local ({mount.kind} at {mount.point})")


# ---- what slots need --------------------------------------------------------------------


def judge_slots(slots: int, cores: int) -> Finding:
    """Judge the number of slots by the cores."""
    if slots > cores:
        return warn(
            "slots",
            f"{slots} slots on {_counted(cores, 'core')}: they wait for each other",
            f"--slots {cores}, or in pixmesh.toml: slots = {cores}",
        )
    return ok("slots", f"{_counted(slots, 'slot')} on {_counted(cores, 'core')}")


def judge_memory(slots: int, budget: int) -> Finding:
    """Judge the number of slots by what tasks may reserve of the memory."""
    fitting = budget // TYPICAL
    typical = f"a photograph of 24 megapixels takes about {TYPICAL // 10**6} MB"
    what = f"tasks may reserve {gigabytes(budget)} for {_counted(slots, 'slot')}; {typical}"
    if fitting < slots:
        return warn(
            "memory",
            f"{what}: room for {fitting} at a time",
            f"close other programs, or --slots {max(1, fitting)}",
        )
    return ok("memory", what)


def judge_files(attainable: int) -> Finding:
    """Judge how many files a process may have open."""
    if attainable < LEAST_FILES:
        return warn(
            "open files",
            f"a process may have {attainable} at most; a broker of many members needs more",
            f"ulimit -Hn {4 * LEAST_FILES} (as root), or LimitNOFILE= in the systemd unit",
        )
    return ok("open files", f"a process may have {attainable}")


def judge_models(here: Sequence[str], mistakes: Sequence[str]) -> Finding:
    """Judge the weights of models that are on this machine; others are fetched when needed."""
    if mistakes:
        return warn(
            "models",
            "; ".join(mistakes),
            "take those files away: 'pixmesh models pull' fetches them anew, or a node does",
        )
    found = f"weights of {', '.join(here)} are here" if here else "no weights are here"
    return ok("models", f"{found}; others are fetched when pictures need them")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# ---- interfaces -------------------------------------------------------------------------


def judge_interfaces(choice: Choice, *, bound: bool, error: str = "") -> Finding:
    """Judge where this machine meets others; ``bound``: a person named the interfaces."""
    if error:
        return fail("interfaces", error, "correct --bind (or bind in the settings)")
    shown = ", ".join(map(_interface, choice.chosen))
    skipped = f"; skipped: {choice.skipped_in_words()}" if choice.skipped else ""
    if not choice.chosen:
        names = ",".join(name for name, _ in choice.skipped)
        return warn(
            "interfaces",
            f"none leads to a LAN{skipped}",
            f"connect this machine to a network{f', or use --bind {names}' if names else ''}",
        )
    if bound and not choice.reaches_beyond:
        return ok("interfaces", f"{shown}: for this machine alone, as --bind says")
    leads = "named by --bind" if bound else "leading to a LAN"
    hint = " (--bind NAME uses one)" if skipped else ""
    return ok("interfaces", f"{leads}: {shown}{skipped}{hint}")


def _interface(one: Interface) -> str:
    return f"{one.name} ({', '.join(one.addresses)})"
