"""The files that recipes name are read once, bounded, and offered while a job takes them."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from pixmesh.broker.messages import MOST_REFERENCES, REFERENCE_BYTES
from pixmesh.node.anchor import anchored, anchored_text, relative_files
from pixmesh.node.errors import UsageError
from pixmesh.node.owner import references as rooms
from pixmesh.node.owner.job import JobId
from pixmesh.node.owner.offered import Offered
from pixmesh.node.owner.references import References
from pixmesh.node.owner.source import MemorySource
from pixmesh.node.owner.tokens import Tokens
from pixmesh.ops.digest import digest_of
from pixmesh.ops.recipe import Recipe, parse
from pixmesh.tests.support.photos import drawn


def png(seed: int, width: int = 20) -> bytes:
    return cv2.imencode(".png", drawn(seed, width, 10))[1].tobytes()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logo.png").write_bytes(png(1))
    return tmp_path


def named(*names: str) -> Recipe:
    return parse(" | ".join(f'watermark picture="{name}"' for name in names))


def test_a_file_becomes_what_is_in_it_wherever_it_is(here: Path) -> None:
    (here / "copy of it.png").write_bytes(png(1))
    names = ["logo.png", "./logo.png", str(here / "logo.png"), "copy of it.png"]
    words = {References().read(named(name)).canonical() for name in names}
    assert len(words) == 1
    assert digest_of(png(1)).hex() in words.pop()


def test_the_home_folder_is_a_tilde(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "home").mkdir()
    (here / "home" / "logo.png").write_bytes(png(2))
    monkeypatch.setenv("HOME", str(here / "home"))
    monkeypatch.setenv("USERPROFILE", str(here / "home"))
    (known,) = References().read(named("~/logo.png")).references()
    assert known.digest == digest_of(png(2))


def test_a_file_that_changes_meanwhile_is_what_it_was(here: Path) -> None:
    references = References()
    first = references.read(named("logo.png"))
    (here / "logo.png").write_bytes(png(2))
    again = references.read(parse("match reference=logo.png"))
    assert again.references() == first.references()
    (source,) = references.of(again)
    assert source.read(0, source.size) == png(1)
    assert References().read(named("logo.png")) != first


def test_what_was_read_may_be_called_by_its_content(here: Path) -> None:
    references = References()
    known = references.read(named("logo.png"))
    assert references.read(parse(known.canonical())) == known
    with pytest.raises(UsageError, match="is not here\nname its file"):
        References().read(known)
    assert here.exists()


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(REFERENCE_BYTES + 1)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda _path: None, "cannot be read: No such file"),
        (lambda path: path.mkdir(), "is no file"),
        (lambda path: path.write_text("no picture at all"), "not a picture"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(png(1)[:-30]), "logo: .*"),
        (large, "64 MiB"),
    ],
    ids=["missing", "folder", "text", "empty", "cut", "large"],
)
def test_what_is_no_reference_is_a_mistake_that_names_it(
    here: Path, make: Callable[[Path], object], what: str
) -> None:
    make(here / "logo")
    with pytest.raises(UsageError, match=what) as caught:
        References().read(named("logo"))
    assert "logo" in caught.value.what
    assert caught.value.remedy
    assert caught.value.exit_code == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_holds_up_nobody(here: Path) -> None:
    os.mkfifo(here / "pipe")
    with pytest.raises(UsageError, match="is no file"):
        References().read(named("pipe"))


@pytest.mark.parametrize("name", ["lo\0go", "~nobody-of-this-name/logo.png"])
def test_a_name_that_no_file_has_is_a_mistake(here: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        References().read(named(name))
    assert here.exists()


def test_larger_pictures_than_the_cap_are_refused(here: Path) -> None:
    with pytest.raises(UsageError, match="more than the cap"):
        References(max_pixels=199).read(named("logo.png"))
    assert References(max_pixels=200).read(named("logo.png"))
    assert here.exists()


def test_a_recipe_takes_eight_and_no_more_bytes_than_may_travel(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}.png" for number in range(MOST_REFERENCES + 1)]
    for number, name in enumerate(names):
        (here / name).write_bytes(png(number, width=20 + number))
    assert len(References().read(named(*names[:-1])).references()) == MOST_REFERENCES
    with pytest.raises(UsageError, match="9 references\n8 at most"):
        References().read(named(*names))
    monkeypatch.setattr(rooms, "REFERENCE_BYTES", len(png(0)) + len(png(1)))
    with pytest.raises(UsageError, match="all references of a recipe"):
        References().read(named(*names[:3]))


def test_paths_are_made_whole_where_they_are_kept(here: Path) -> None:
    recipe = named("logo.png", "/else/where.png")
    whole = anchored(recipe, here)
    assert whole.pictures() == (str(here / "logo.png"), "/else/where.png")
    assert relative_files(recipe) == ["logo.png"]
    assert relative_files(whole) == []
    known = References().read(named("logo.png"))
    assert anchored(known, here) == known


@pytest.mark.parametrize(
    "text", ["blur", "edges", "no such | thing=", 'match reference="/a b.png"']
)
def test_a_text_that_needs_no_folder_stays_as_it_is(here: Path, text: str) -> None:
    assert anchored_text(text, here) == text


def test_a_text_with_a_file_is_anchored(here: Path) -> None:
    assert parse(anchored_text("match reference=logo.png", here)).pictures() == (
        str(here / "logo.png"),
    )


ONE, OTHER = JobId(b"one............."), JobId(b"other...........")


def test_a_token_lets_out_what_a_job_takes_until_its_outcome() -> None:
    offered, source = Offered(Tokens()), MemorySource(b"bytes")
    (item,) = offered.take(ONE, [source])
    assert (item.digest, item.size) == (digest_of(b"bytes"), 5)
    assert offered.take(OTHER, [MemorySource(b"bytes")]) == (item,)
    offered.ended(ONE)
    offered.ended(ONE)
    assert offered.find(item.token) is source
    offered.ended(OTHER)
    assert offered.find(item.token) is None
    assert offered.take(ONE, [source]) == (item,)
    assert offered.find(item.token) is source


def test_each_has_a_token_of_its_own_and_nobody_elses_lets_it_out() -> None:
    offered = Offered(Tokens())
    items = offered.take(ONE, [MemorySource(b"a"), MemorySource(b"b")])
    assert len({item.token for item in items}) == 2
    assert offered.find(bytes(16)) is None
