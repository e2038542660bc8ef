"""Patterns choose files as people who know globs expect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmesh.node.folder.patterns import is_wanted, matches


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.jpg", "a.jpg"),
        ("*.jpg", "b/c/a.JPG"),
        ("IMG_????.*", "x/img_1234.png"),
        ("raw/**", "raw/a/b.tif"),
        ("**/raw/*", "a/b/raw/c.tif"),
        ("**/raw/*", "raw/c.tif"),
        ("/a.jpg", "a.jpg"),
        ("[ab].png", "b.png"),
        ("[!ab].png", "c.png"),
        ("a+b(1).jpg", "a+b(1).jpg"),
        ("**", "any/thing"),
    ],
)
def test_what_a_pattern_is_about(pattern: str, path: str) -> None:
    assert matches(path, pattern)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.jpg", "a.jpeg"),
        ("raw/*", "raw/a/b.tif"),
        ("raw/**", "draw/a.tif"),
        ("[!ab].png", "a.png"),
        ("a?c.jpg", "a/c.jpg"),
        ("", "a"),
    ],
)
def test_what_it_is_not_about(pattern: str, path: str) -> None:
    assert not matches(path, pattern)


def test_nothing_included_means_all_and_what_is_excluded_is_out() -> None:
    assert is_wanted("a.jpg")
    assert is_wanted("a.jpg", include=("*.png", "*.jpg"))
    assert not is_wanted("a.jpg", include=("*.png",))
    assert not is_wanted("a.jpg", include=("*.jpg",), exclude=("a*",))


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_text_is_a_pattern(pattern: str, path: str) -> None:
    assert matches(path, pattern) in {True, False}


@given(st.text(st.characters(exclude_characters="*?["), min_size=1, max_size=12))
def test_a_pattern_without_signs_is_about_itself(name: str) -> None:
    assert matches(name.lstrip("/"), name)
