"""Shares are told from disks, and a folder's file system is the deepest mounted above it."""

from pathlib import Path

import pytest

from pixmesh.node.folder.mounts import Mount, mount_of, nearest

MOUNTS = [
    Mount("/", "ext4"),
    Mount("/mnt", "tmpfs"),
    Mount("/mnt/nas", "autofs"),
    Mount("/mnt/nas", "nfs4"),
]


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/ann/drop", "ext4"),
        ("/mnt", "tmpfs"),
        ("/mnt/nasty", "tmpfs"),
        ("/mnt/nas", "nfs4"),
        ("/mnt/nas/photos/2026", "nfs4"),
    ],
)
def test_the_deepest_mount_counts_and_of_those_the_last(folder: str, kind: str) -> None:
    assert nearest(Path(folder), MOUNTS).kind == kind


@pytest.mark.parametrize("kind", ["nfs", "cifs", "fuse.sshfs", "fuse.rclone", "smbfs", "NFS4"])
def test_shares_are_of_the_network(kind: str) -> None:
    assert Mount("/x", kind).is_network


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "apfs", "NTFS", "fuseblk", "tmpfs", ""])
def test_disks_are_not(kind: str) -> None:
    assert not Mount("/x", kind).is_network


def test_a_folder_of_this_machine_is_on_a_disk(tmp_path: Path) -> None:
    assert not mount_of(tmp_path).is_network
