"""Outputs are named after their sources, and no two of them ever meet."""

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pixmesh.node.owner.names import LONGEST_NAME, Name, destinations, name_key, numbered

PARTS = st.text(st.sampled_from("aAbÄä.ﬁ é-\n'🖼\udce9"), min_size=1, max_size=6).filter(
    lambda part: part not in {".", ".."}
)
STEMS = st.sampled_from(["a", "A", "b", "a-2", "a.jpg", "ä", "a\u0308"])
ENDINGS = st.sampled_from([".jpg", ".JPG", ".png", ".webp", ".heic", "", ".webp-2"])
FILES = st.tuples(STEMS, ENDINGS).map("".join)
RELATIVE = st.tuples(st.lists(st.one_of(PARTS, FILES), max_size=2), st.one_of(PARTS, FILES)).map(
    lambda parts: str(Path(*parts[0], parts[1]))
)
ROOTS = st.sampled_from([Path("/in"), Path("/x/in"), Path("/y/in"), Path("/y/IN"), Path("/")])


def name_in(root: Path, relative: str, named: bool) -> Name:
    return Name(root, Path(relative).name if named else relative, named)


NAMES = st.lists(st.builds(name_in, ROOTS, RELATIVE, st.booleans()), max_size=12, unique=True)


def no_change(_source: str) -> str | None:
    return None


def webp(_source: str) -> str | None:
    return ".webp"


def from_in(*relative: str) -> list[Name]:
    return [Name(Path("/in"), one) for one in relative]


@given(NAMES, st.sampled_from([no_change, webp]), st.booleans())
@example(from_in("a.png", "a.webp/b.png"), webp, False)
@example(from_in("a.png", "a.jpg", "a.png.webp", "a.jpg.webp-2"), webp, True)
def test_no_two_outputs_meet_and_none_leaves_out(names, extension_for, fold_case) -> None:  # type: ignore[no-untyped-def]
    found = destinations(names, extension_for=extension_for, fold_case=fold_case)
    assert len(found) == len(names)
    keys = [name_key(one, fold_case=fold_case) for one in found]
    assert len(set(keys)) == len(keys)
    for one in found:
        path = PurePosixPath(one)
        assert not path.is_absolute()
        assert ".." not in path.parts
        folders = {name_key(str(folder), fold_case=fold_case) for folder in path.parents}
        assert not folders & set(keys)
        assert all(len(os.fsencode(part)) <= LONGEST_NAME for part in path.parts)


@given(st.lists(st.one_of(PARTS, FILES), unique=True))
def test_without_conversion_a_folder_is_mirrored_name_by_name(names: list[str]) -> None:
    assert destinations(from_in(*names), extension_for=no_change) == names


def test_out_mirrors_one_folder() -> None:
    assert destinations(from_in("a.jpg", "b/c.jpg"), extension_for=no_change) == [
        "a.jpg",
        "b/c.jpg",
    ]


def test_two_sources_that_would_meet_keep_their_extensions() -> None:
    found = destinations(from_in("a.jpg", "a.png", "b.png"), extension_for=webp)
    assert found == ["a.jpg.webp", "a.png.webp", "b.webp"]


def test_a_source_of_the_written_format_keeps_its_name_when_another_meets_it() -> None:
    found = destinations(from_in("a.webp", "a.png"), extension_for=webp)
    assert found == ["a.webp", "a.png.webp"]


def test_only_a_file_system_that_folds_case_makes_names_of_other_case_meet() -> None:
    sources = from_in("A.jpg", "a.jpg")
    assert destinations(sources, extension_for=no_change) == ["A.jpg", "a.jpg"]
    folded = destinations(sources, extension_for=no_change, fold_case=True)
    assert folded == ["A.jpg", "a-2.jpg"]


def test_several_folders_keep_as_much_of_their_path_as_tells_them_apart() -> None:
    roots = [Path("/x/in"), Path("/y/in"), Path("/z")]
    found = destinations([Name(root, "a.jpg") for root in roots], extension_for=no_change)
    assert found == ["x/in/a.jpg", "y/in/a.jpg", "z/a.jpg"]


def test_named_files_go_directly_into_out() -> None:
    sources = [Name(Path("/x"), "a.jpg", True), Name(Path("/y"), "a.jpg", True)]
    assert destinations(sources, extension_for=no_change) == ["a.jpg", "a-2.jpg"]


def test_a_number_never_takes_the_name_of_another() -> None:
    sources = [Name(Path(root), "a.jpg", True) for root in ("/x", "/y")]
    sources.append(Name(Path("/z"), "a-2.jpg", True))
    found = destinations(sources, extension_for=no_change)
    assert found == ["a.jpg", "a-3.jpg", "a-2.jpg"]


@pytest.mark.parametrize("letter", ["x", "ä", "🖼"])
def test_a_name_too_long_for_its_extension_is_cut_between_characters(letter: str) -> None:
    stem = letter * (251 // len(letter.encode()))
    sources = from_in(f"{stem}.jpg", f"{stem}.png")
    found = destinations(sources, extension_for=lambda _source: ".webp")
    assert len(set(found)) == 2
    for one in found:
        assert len(one.encode()) <= LONGEST_NAME
        assert one.endswith(".webp")


def test_numbers_go_before_the_extension() -> None:
    assert numbered("sub.d/a.jpg", 2) == "sub.d/a-2.jpg"
    assert numbered("sub.d/a", 3) == "sub.d/a-3"
