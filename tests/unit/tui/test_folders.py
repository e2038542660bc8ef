"""A watched folder is meant by its id, its IN or its OUT, or not at all."""

from pathlib import Path

import pytest

from pixmesh.broker.messages import PATH_LETTERS
from pixmesh.broker.views import FolderView
from pixmesh.node.errors import UsageError
from pixmesh.tui.commands.folders import called


def folder(name: str, source: str, out: str) -> FolderView:
    return FolderView("studio", source, out, 0, 0, 0, 0, 0, "", name)


SMALL = folder("aa11bb22", "/home/ann/drop", "/home/ann/small")
GRAY = folder("cc33dd44", "/home/ann/drop", "/home/ann/gray")
CLOUD = folder("ee55ff66", "s3://bucket/drop", "s3://bucket/out")
FOLDERS = (SMALL, GRAY, CLOUD)


@pytest.mark.parametrize(
    ("about", "meant"),
    [
        ("aa11bb22", SMALL),
        ("/home/ann/gray", GRAY),
        ("/home/ann/gray/", GRAY),
        ("/home/ann/else/../small", SMALL),
        ("s3://bucket/drop", CLOUD),
        ("s3://bucket/out", CLOUD),
    ],
)
def test_it_is_found_by_each_of_its_names(about: str, meant: FolderView) -> None:
    assert called(about, FOLDERS) is meant


def test_a_path_from_here_and_through_a_link_is_that_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "drop")
    monkeypatch.chdir(tmp_path)
    here = folder("99", str(tmp_path / "drop"), "/out")
    assert called("drop", [SMALL, here]) is called("link", [SMALL, here]) is here


def test_a_path_of_which_the_mesh_is_told_the_end_is_found_by_all_of_it() -> None:
    path = "/" + "x" * PATH_LETTERS
    assert called(path, [SMALL, long := folder("99", path[-PATH_LETTERS:], "/out")]) is long


def test_an_id_goes_before_a_folder_of_that_name() -> None:
    other = folder("99", "aa11bb22", "/out")
    assert called("aa11bb22", [other, SMALL]) is SMALL


def test_where_several_are_meant_they_are_named_with_their_ids() -> None:
    with pytest.raises(UsageError, match="IN or OUT of 2 watched folders") as raised:
        called("/home/ann/drop", FOLDERS)
    for one in (SMALL, GRAY):
        assert f"{one.id} ({one.source} -> {one.out})" in raised.value.remedy
    assert CLOUD.id not in raised.value.remedy


def test_where_none_is_meant_it_says_which_there_are() -> None:
    with pytest.raises(UsageError, match="no folder 'nowhere' is watched") as raised:
        called("nowhere", FOLDERS)
    for one in FOLDERS:
        assert one.id in raised.value.remedy
    with pytest.raises(UsageError) as raised:
        called("nowhere", [])
    assert raised.value.remedy == "watched are: none"
