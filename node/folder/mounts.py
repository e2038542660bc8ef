"""On which file system a folder is: a disk of this machine, or a share of another.

Owns the list of the network's file systems. Knows nothing of what is in the folder.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NETWORK: Final = frozenset(
    {
        *("nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afpfs", "ncpfs"),
        *("9p", "virtiofs", "afs", "ceph", "glusterfs", "lustre", "beegfs", "davfs", "webdav"),
        *("ocfs2", "gfs2", "remote", "vboxsf", "prl_fs", "vmhgfs", "fuse.vmhgfs-fuse"),
    }
)
LOCAL_FUSE: Final = frozenset({"fuse.portal", "fuse.gvfsd-fuse", "fuse.snapfuse", "fuseblk"})


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system: where, and of which kind."""

    point: str
    kind: str

    @property
    def is_network(self) -> bool:
        """Whether changes there may be made by other machines, which no event tells."""
        kind = self.kind.lower()
        return kind in NETWORK or (kind.startswith("fuse.") and kind not in LOCAL_FUSE)


def mount_of(folder: Path) -> Mount:
    """Return the file system that a folder is on; of an unknown kind where nobody says."""
    import psutil

    found = [Mount(one.mountpoint, one.fstype) for one in psutil.disk_partitions(all=True)]
    return nearest(folder, found)


def nearest(folder: Path, mounts: Iterable[Mount]) -> Mount:
    """Return the mount that a folder is on: the deepest above it, and of those the last."""
    best = Mount(folder.anchor, "")
    for mount in mounts:
        if len(mount.point) >= len(best.point) and _is_above(mount.point, folder):
            best = mount
    return best


def _is_above(point: str, folder: Path) -> bool:
    above, below = os.path.normcase(point).rstrip(os.sep), os.path.normcase(str(folder))
    return below == above or below.startswith(above + os.sep)
