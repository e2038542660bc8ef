"""Pictures are found by name or first bytes; the rest is counted, and nothing ends the walk."""

import os
from pathlib import Path

import pytest

from pixmesh.node.errors import UsageError
from pixmesh.node.owner.inputs import HIDDEN_KIND, find_inputs, looks_like_picture

from .fakes import picture

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 30


def names(*inputs: Path, out: Path | None = None) -> list[str]:
    return [one.relative for one in find_inputs(inputs, out=out).pictures]


def test_a_folder_gives_its_pictures_sorted_and_counts_the_rest_by_kind(tmp_path: Path) -> None:
    for name in ["b.jpg", "a/z.PNG", "a/notes.txt", "no_extension", "README", "t.txt"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"text")
    (tmp_path / "no_extension").write_bytes(PNG)
    found = find_inputs([tmp_path])
    assert [one.relative for one in found.pictures] == ["a/z.PNG", "b.jpg", "no_extension"]
    assert found.skipped == {".txt": 2, "no extension": 1}
    assert found.total_bytes == 4 + 4 + len(PNG)


@pytest.mark.parametrize(
    "name",
    [
        *("a.jpg.part", "a.jpg.tmp", "a.jpg.crdownload", "a.jpg~", ".a.jpg", "._a.jpg"),
        *("Thumbs.db", "@eaDir/a.jpg", ".hidden/a.jpg"),
    ],
)
def test_temporary_and_system_names_in_folders_are_not_pictures(tmp_path: Path, name: str) -> None:
    picture(tmp_path / name)
    found = find_inputs([tmp_path])
    assert (found.pictures, found.skipped) == ((), {HIDDEN_KIND: 1})


def test_a_file_named_by_the_person_is_taken_whatever_it_is(tmp_path: Path) -> None:
    for name in ["notes.txt", ".hidden.jpg", "x.part"]:
        (tmp_path / name).write_bytes(b"text")
        (found,) = find_inputs([tmp_path / name]).pictures
        assert (found.path, found.named, found.relative) == (tmp_path / name, True, name)


@pytest.mark.parametrize(
    "name",
    ["with space.jpg", "-dash.jpg", "quote'\"$(x).jpg", "new\nline.jpg", "🖼.jpg", b"\xff\xe9.jpg"],
)
def test_hostile_names_are_found_and_named(tmp_path: Path, name: str | bytes) -> None:
    text = os.fsdecode(name)
    picture(tmp_path / text)
    assert names(tmp_path) == names(tmp_path / text) == [text]


def test_links_that_go_round_end_and_every_folder_is_walked_once(tmp_path: Path) -> None:
    picture(tmp_path / "b" / "c" / "p.jpg")
    (tmp_path / "b" / "c" / "up").symlink_to(tmp_path)
    (tmp_path / "a_link").symlink_to(tmp_path / "b")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert names(tmp_path) == ["b/c/p.jpg"]


def test_linked_folders_elsewhere_and_linked_files_are_followed(tmp_path: Path) -> None:
    elsewhere = picture(tmp_path / "elsewhere" / "p.jpg").parent
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "folder").symlink_to(elsewhere)
    (tmp_path / "in" / "file.jpg").symlink_to(elsewhere / "p.jpg")
    assert names(tmp_path / "in") == ["file.jpg", "folder/p.jpg"]


def test_a_broken_link_that_says_picture_is_refused_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "p.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "notes").symlink_to(tmp_path / "nowhere")
    found = find_inputs([tmp_path])
    (refused,) = found.refused
    assert (refused.path.name, refused.code) == ("p.jpg", "unreadable")
    assert found.skipped == {"broken link": 1}


def test_special_files_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.jpg")
    assert find_inputs([tmp_path]).skipped == {"not a regular file": 1}
    (refused,) = find_inputs([tmp_path / "p.jpg"]).refused
    assert refused.code == "not-a-picture"


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every folder")
def test_a_folder_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    picture(tmp_path / "open" / "p.jpg")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    found = find_inputs([tmp_path])
    assert [one.relative for one in found.pictures] == ["open/p.jpg"]
    assert [one.path for one in found.refused] == [closed]


def test_a_folder_that_vanishes_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "open" / "p.jpg")
    (tmp_path / "closed").mkdir()
    scan = os.scandir

    def refuse(folder: str) -> object:
        if folder.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    found = find_inputs([tmp_path])
    assert [one.relative for one in found.pictures] == ["open/p.jpg"]
    assert [(one.path.name, one.reason) for one in found.refused] == [
        ("closed", "cannot be read: Permission denied")
    ]


def test_outputs_never_become_inputs(tmp_path: Path) -> None:
    picture(tmp_path / "p.jpg")
    picture(tmp_path / "out" / "p.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    assert names(tmp_path, out=tmp_path / "out") == ["p.jpg"]


def test_a_picture_asked_for_twice_is_one(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "p.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    found = find_inputs([tmp_path / "a", tmp_path / "a" / "p.jpg", tmp_path / "link"])
    assert len(found.pictures) == 1


@pytest.mark.parametrize("word", ["blur", "|", "ksize=5", "low=100"])
def test_a_recipe_without_quotes_is_recognised(word: str) -> None:
    with pytest.raises(UsageError, match="did you forget the quotes around the recipe"):
        find_inputs([word])


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no\.jpg") as caught:
        find_inputs([tmp_path / "no.jpg"])
    assert "quotes" not in str(caught.value)
    with pytest.raises(UsageError, match="no file"):
        find_inputs(["nul\0.jpg"])


@pytest.mark.parametrize(
    "text", [b"BMW is a car maker, and this a text", b"P5 is a text too", b"RIFF....WAVE", b""]
)
def test_texts_that_begin_like_pictures_are_none(text: bytes) -> None:
    assert not looks_like_picture(text)
