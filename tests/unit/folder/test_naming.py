"""Outputs mirror IN, never meet, and keep their names."""

from itertools import islice
from pathlib import Path

from pixmesh.node.folder.naming import Namesakes, names
from pixmesh.node.owner.formats import extension_for
from pixmesh.ops.process import Output

OUT = Path("/out")


def first(
    relative: str,
    *,
    extension: str | None = None,
    before: tuple[str, ...] = (),
    namesakes: bool = False,
    taken: frozenset[str] = frozenset(),
    count: int = 1,
) -> list[str]:
    found = names(
        relative,
        out=OUT,
        extension=extension,
        before=[OUT / one for one in before],
        has_namesakes=namesakes,
        is_taken=lambda path: str(path.relative_to(OUT)) in taken,
    )
    return [path.relative_to(OUT).as_posix() for path in islice(found, count)]


def test_out_mirrors_in() -> None:
    assert first("b/c/a.jpg") == ["b/c/a.jpg"]
    assert first("b/c/a.jpg", extension=".webp") == ["b/c/a.webp"]


def test_two_that_would_meet_keep_their_extensions() -> None:
    assert first("a.jpg", extension=".webp", namesakes=True) == ["a.jpg.webp"]


def test_a_name_that_another_source_has_is_not_used() -> None:
    assert first("a.png", extension=".webp", taken=frozenset({"a.webp"})) == ["a.png.webp"]
    both = frozenset({"a.webp", "a.png.webp"})
    assert first("a.png", extension=".webp", taken=both) == ["a.png-2.webp"]


def test_what_an_output_was_called_before_it_is_called_again() -> None:
    assert first("a.png", extension=".webp", before=("a.png.webp",)) == ["a.png.webp"]
    assert first("a.png", before=("a-2.png",)) == ["a-2.png"]


def test_another_format_is_another_name() -> None:
    assert first("a.png", extension=".webp", before=("a.png",)) == ["a.webp"]


def test_names_go_on_until_one_is_free() -> None:
    assert first("a.jpg", count=4) == ["a.jpg", "a.jpg", "a-2.jpg", "a-3.jpg"]


def test_namesakes_are_pictures_of_the_same_plain_name() -> None:
    namesakes = Namesakes(extension_for(Output(format="webp")))
    for name in ("a.jpg", "a.png", "a.txt", "b/a.jpg"):
        namesakes.add(name)
    assert namesakes.has("a.jpg")
    assert namesakes.has("a.png")
    assert not namesakes.has("b/a.jpg")
    namesakes.remove("a.png")
    assert not namesakes.has("a.jpg")


def test_without_a_conversion_there_are_no_namesakes() -> None:
    namesakes = Namesakes(extension_for(Output()))
    for name in ("a.jpg", "a.png"):
        namesakes.add(name)
    assert not namesakes.has("a.jpg")
