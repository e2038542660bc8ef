"""Pictures that recipes take beside their own: by their content, foretold, and never mistaken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmesh.ops.decode import MAX_PIXELS
from pixmesh.ops.digest import digest_of
from pixmesh.ops.errors import PictureError, RecipeError
from pixmesh.ops.header import probe
from pixmesh.ops.operation import Layout
from pixmesh.ops.process import Output, process
from pixmesh.ops.recipe import LONGEST, parse
from pixmesh.ops.reference import Reference, pixels_of, read, shortened, taken_from
from pixmesh.ops.supplies import Supplies
from pixmesh.tests.support.photos import Pixels, drawn

from .files import by_opencv, by_pillow, exif

PICTURE = by_opencv(".png", drawn(1, 90, 70))
LOGO = by_opencv(".png", drawn(2, 60, 40, channels=4))
KNOWN = taken_from(LOGO, max_pixels=MAX_PIXELS)
WORD = KNOWN.canonical()
MARKED = parse("watermark picture=logo.png size=50").with_pictures(lambda _: WORD)

shapes = st.builds(
    Layout,
    st.integers(1, 999_999_999),
    st.integers(1, 999_999_999),
    st.sampled_from([1, 2, 3, 4]),
    st.sampled_from([1, 2, 4]),
)
references = st.builds(
    Reference, st.binary(min_size=32, max_size=32), st.integers(1, 10**14), shapes, st.booleans()
)


def look(word: str) -> Pixels:
    known = read(word)
    assert known == KNOWN
    return pixels_of(known, LOGO)


@given(references)
def test_a_reference_comes_back_from_its_word_which_needs_no_quotes(reference: Reference) -> None:
    word = reference.canonical()
    assert read(word) == reference
    recipe = parse(f"match reference={word}")
    assert recipe.references() == (reference,)
    assert parse(recipe.canonical()) == recipe


@pytest.mark.parametrize(
    "text",
    [
        "",
        "logo.png",
        WORD.upper(),
        WORD[:-1],
        f"{WORD}x",
        WORD.replace("x4x", "x5x"),
        WORD.replace("60x40", "0x40"),
        WORD.replace("blake2b", "blake2s"),
        f"{WORD}\n",
        f"{WORD}:tiff",
    ],
)
def test_any_other_text_is_none(text: str) -> None:
    assert read(text) is None


def test_people_are_shown_how_its_digest_begins() -> None:
    digits = KNOWN.digest.hex()[:12]
    text = f"blur | match reference={WORD} | watermark picture={WORD}:raw size=9"
    shown = f"blur | match reference=blake2b:{digits}… | watermark picture=blake2b:{digits}… size=9"
    assert (shortened(text), shortened("blur")) == (shown, "blur")


@given(st.text(max_size=200))
def test_no_text_is_a_mistake(text: str) -> None:
    found = read(text)
    assert found is None or found.canonical() == text


def test_what_is_known_of_one_is_its_digest_its_size_and_its_upright_shape() -> None:
    turned = by_pillow("JPEG", drawn(3, 64, 48), exif=b"Exif\0\0" + exif(6))
    known = taken_from(turned, max_pixels=MAX_PIXELS)
    assert known == Reference(digest_of(turned), len(turned), Layout(48, 64, 3, 1))
    assert pixels_of(known, turned).shape == (64, 48, 3)


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"no picture", "not-a-picture"), (b"", "empty"), (LOGO[:-20], "truncated")],
)
def test_what_cannot_be_one_is_refused_before_it_travels(data: bytes, code: str) -> None:
    with pytest.raises(PictureError) as caught:
        taken_from(data, max_pixels=MAX_PIXELS)
    assert caught.value.code == code


def test_one_over_the_cap_is_refused_by_its_owner_and_by_who_is_asked() -> None:
    with pytest.raises(PictureError, match="more than the cap"):
        taken_from(LOGO, max_pixels=60 * 40 - 1)
    with pytest.raises(PictureError, match="the reference has") as caught:
        process(
            by_opencv(".png", drawn(1, 20, 10)),
            MARKED,
            Output(max_pixels=60 * 40 - 1),
            Supplies(reference=look),
        )
    assert caught.value.code == "too-large"


def test_a_shape_that_is_not_the_foretold_one_is_refused() -> None:
    other = Reference(KNOWN.digest, KNOWN.nbytes, Layout(60, 41, 4, 1))
    with pytest.raises(PictureError, match="the reference: its shape") as caught:
        pixels_of(other, LOGO)
    assert caught.value.code == "corrupt"


def test_functions_are_given_its_pixels_and_none_where_there_is_none() -> None:
    marked = process(PICTURE, MARKED, Output(), Supplies(reference=look)).data
    assert marked != process(PICTURE, parse("identity"), Output()).data
    text = parse("watermark text=Ada")
    assert process(PICTURE, text, Output()).data != marked


@pytest.mark.parametrize("recipe", [MARKED, parse("match reference=logo.png")])
def test_without_it_an_attempt_can_go_elsewhere(recipe: object) -> None:
    with pytest.raises(PictureError) as caught:
        process(PICTURE, recipe, Output())  # type: ignore[arg-type]
    assert caught.value.code == "no-reference"


def test_the_content_is_part_of_the_recipe_and_the_path_is_not() -> None:
    one, other = parse("match reference=a.png"), parse("match reference='b c.png'")
    assert one.pictures() == ("a.png",)
    assert other.pictures() == ("b c.png",)
    assert one.references() == ()
    named = [recipe.with_pictures(lambda _: WORD).canonical() for recipe in (one, other)]
    assert named[0] == named[1]
    assert "a.png" not in named[0]
    assert parse("blur").with_pictures(lambda _: WORD) == parse("blur")


def test_each_of_several_is_told_once() -> None:
    steps = "watermark picture=a | watermark picture=b | watermark text=x | match reference=a"
    assert parse(steps).pictures() == ("a", "b")
    assert parse(steps).with_pictures(lambda _: WORD).references() == (KNOWN,)


def test_memory_and_layouts_count_it() -> None:
    header = probe(PICTURE)
    besides = KNOWN.nbytes + 2 * 60 * 40 * 4
    unnamed = parse("watermark picture=logo.png size=50")
    assert MARKED.memory(header) == unnamed.memory(header) + besides
    matched = parse("match reference=x").with_pictures(lambda _: WORD)
    assert matched.layouts(header)[-1] == Layout(90 + 60, 70, 3, 1)
    product = process(PICTURE, matched, Output(), Supplies(reference=look))
    assert (product.width, product.height) == (150, 70)


def test_a_recipe_that_gets_too_long_is_refused() -> None:
    many = parse(" | ".join(["watermark picture=a"] * 30))
    assert len(many.canonical()) <= LONGEST
    with pytest.raises(RecipeError, match="longer than"):
        many.with_pictures(lambda _: WORD)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("match", "needs a reference"),
        ("match reference=''", "needs a reference"),
        ("watermark", "needs a text of one line, or a picture"),
        ("watermark text=Ada picture=logo.png", "not both"),
    ],
)
def test_mistakes_are_told_with_the_usage(text: str, what: str) -> None:
    with pytest.raises(RecipeError, match=what) as caught:
        parse(text)
    assert "(picture: its file)" in caught.value.hint
