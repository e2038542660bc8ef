"""The recipe language."""

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixmesh.ops.errors import RecipeError
from pixmesh.ops.header import Header, probe
from pixmesh.ops.operation import Cut, Operation, Parameter, Value
from pixmesh.ops.paint import NAMES
from pixmesh.ops.recipe import CODEC_COST, Recipe, Step, parse
from pixmesh.ops.registry import OPERATIONS
from pixmesh.tests.support.photos import drawn

from .files import by_opencv

NOTE = Operation(
    name="note",
    help="a stand-in with every kind of parameter",
    run=lambda pixels, **_: pixels,
    parameters=(
        Parameter(name="count", kind="int", default=1, minimum=-5, maximum=5, help="h"),
        Parameter(name="ratio", kind="float", default=0.5, help="h"),
        Parameter(name="mode", kind="choice", default="soft", choices=("soft", "hard"), help="h"),
        Parameter(name="loud", kind="bool", default=False, help="h"),
        Parameter(name="text", kind="text", default="", help="h"),
    ),
    cut=Cut("whole"),
    cost=1.5,
    memory=3,
    source="",
    extra="speech",
    weights=lambda arguments: f"{arguments['mode']} voice",
)
ALL = {**OPERATIONS, "note": NOTE}


def values(parameter: Parameter) -> st.SearchStrategy[Value]:  # noqa: PLR0911  # a kind each
    match parameter.kind:
        case "int":
            low, high = int(parameter.minimum or 0), int(parameter.maximum or 0)
            numbers = st.integers(low, high)
            return numbers.filter(lambda n: n % 2 == 1) if parameter.odd else numbers
        case "float":
            least = -1e300 if parameter.minimum is None else parameter.minimum
            most = 1e300 if parameter.maximum is None else parameter.maximum
            return st.floats(least, most, allow_nan=False).map(lambda x: x + 0.0)
        case "choice":
            return st.sampled_from(parameter.choices)
        case "bool":
            return st.booleans()
        case "text":
            return st.text(max_size=20)
        case "colour":
            return st.sampled_from([*NAMES, "0a1b2c"])
        case "picture":
            return st.sampled_from(["", "a logo.png", f"blake2b:{'0f' * 32}:99:640x480x3x1"])


@st.composite
def steps(draw: st.DrawFn) -> Step:
    operation = draw(st.sampled_from(sorted(ALL.values(), key=lambda o: o.name)))
    arguments = tuple((p.name, draw(values(p))) for p in operation.parameters)
    if operation.complaint(dict(arguments)):
        arguments = parse(operation.example, ALL).steps[-1].arguments
    return Step(operation, arguments)


def sensible(found: list[Step]) -> Recipe:
    """Return a recipe of these: after one that gives data there is no other."""
    ends = next((i for i, step in enumerate(found) if step.gives_data), len(found))
    return Recipe(tuple(found[: ends + 1]))


recipes = st.lists(steps(), min_size=1, max_size=5).map(sensible)


# The first text drawn builds tables of all of Unicode, which takes seconds.
UNHURRIED = settings(suppress_health_check=[HealthCheck.too_slow])


@UNHURRIED
@given(recipes)
def test_a_recipe_comes_back_from_its_canonical_text(recipe: Recipe) -> None:
    text = recipe.canonical()
    assert parse(text, ALL) == recipe
    assert parse(text, ALL).canonical() == text


PIECES = st.sampled_from(
    [*string.printable, *ALL, "ksize", "=", "|", " ", "'", '"', "\\", "5", "ksize=5", "width=9"]
)


@UNHURRIED
@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
def test_no_text_raises_anything_but_a_recipe_error(text: str) -> None:
    found = outcome(text)
    if isinstance(found, RecipeError):
        assert 0 <= found.position <= len(text)
        assert found.what
        assert str(found)
    else:
        assert parse(found.canonical(), ALL) == found


def outcome(text: str) -> Recipe | RecipeError:
    try:
        return parse(text, ALL)
    except RecipeError as error:
        return error


def test_white_space_order_and_quotes_do_not_matter() -> None:
    one = parse("grayscale|canny high=200 low='100'")
    two = parse('  grayscale \n|  canny low = 100.0  high="2e2" ')
    assert one == two
    assert one.canonical() == two.canonical() == "grayscale | canny low=100 high=200"


def test_defaults_are_written_out() -> None:
    assert parse("blur").canonical() == "blur ksize=5 sigma=0"


def test_text_in_quotes_may_hold_anything() -> None:
    recipe = parse(r"""note text='it\'s | a "b" = c\\'""", ALL)
    assert recipe.steps[0].values["text"] == 'it\'s | a "b" = c\\'
    assert parse(recipe.canonical(), ALL) == recipe


@pytest.mark.parametrize(
    ("text", "position", "what", "hint"),
    [
        ("", 0, "empty", "operations: autocrop"),
        ("grayscale |", 11, "empty", "operations: autocrop"),
        ("| grayscale", 0, "empty", ""),
        ("grayscale || blur", 11, "empty", ""),
        ("grayscale | cany", 12, "no operation 'cany'", "did you mean 'canny'?"),
        ("Blur", 0, "no operation 'Blur'", "did you mean 'blur'?"),
        ("zzzz", 0, "no operation 'zzzz'", "operations: autocrop"),
        ("blur ksise=5", 5, "no parameter 'ksise'", "did you mean 'ksize'?"),
        ("blur nonsense=5", 5, "no parameter 'nonsense'", "odd int from 1 to 255"),
        ("grayscale x=1", 10, "no parameter 'x'", "takes no parameters"),
        ("blur grayscale", 5, "no parameter 'grayscale'", "'| grayscale'"),
        ("blur ksize", 10, "has no value", "odd int from 1 to 255, by default 5"),
        ("blur ksize=", 11, "has no value", "odd int"),
        ("blur ksize= | canny", 12, "has no value", "odd int"),
        ("blur ksize=five", 11, "'five' is not an odd int", "from 1 to 255"),
        ("blur ksize=4", 11, "4 is even", "odd int"),
        ("blur ksize=257", 11, "257 is above 255", "odd int"),
        ("blur ksize=-1", 11, "-1 is below 1", "odd int"),
        ("blur ksize=5 ksize=7", 13, "given twice", "keep one"),
        ("blur ksize='5", 11, "never closed", "same quote"),
        ("blur =5", 5, "name belongs here", "ksize=5"),
        ("blur 'x'", 5, "name belongs here", "ksize=5"),
        ("canny low=nan", 10, "'nan' is not a float", "from 0 to 10000"),
        ("resize", 0, "needs width, height or both", "width in pixels"),
        ("blur | resize interpolation=area", 7, "needs width", ""),
        ("resize width=9 interpolation=cubix", 29, "not one of auto", "did you mean 'cubic'?"),
        ("blur " + "x" * 4000, 4000, "longer than 4000", ""),
    ],
)
def test_mistakes_are_answered_with_place_reason_and_hint(
    text: str, position: int, what: str, hint: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        parse(text)
    error = caught.value
    assert (error.position, error.recipe) == (position, text)
    assert what in error.what
    assert hint in error.hint


def header(width: int, height: int) -> Header:
    return probe(by_opencv(".png", drawn(1, width, height)))


def test_cost_is_the_sum_of_the_steps_and_the_codec() -> None:
    two = OPERATIONS["grayscale"].cost + OPERATIONS["blur"].cost
    assert parse("grayscale | blur").cost() == pytest.approx(CODEC_COST + two)


def test_layouts_are_foretold_through_the_steps() -> None:
    found = parse("resize width=50 | grayscale").layouts(header(100, 40))
    assert [(a.width, a.height, a.channels) for a in found] == [
        (100, 40, 3),
        (50, 20, 3),
        (50, 20, 1),
    ]


def test_memory_covers_the_largest_step_and_the_file() -> None:
    small = header(100, 40)
    assert parse("identity").memory(small) == small.nbytes + 2 * 100 * 40 * 3
    assert parse("grayscale").memory(small) == small.nbytes + 2 * 100 * 40 * 3
    enlarged = parse("resize width=1000").memory(small)
    assert enlarged >= small.nbytes + 2 * 1000 * 400 * 3
    scratch = parse("note", ALL).memory(small)
    assert scratch == small.nbytes + 100 * 40 * (3 + 3 + 3)


def test_requirements_are_gathered_once_and_sorted() -> None:
    recipe = parse("note | blur | note | note mode=hard", ALL)
    assert recipe.extras() == ("speech",)
    assert recipe.weights() == ("hard voice", "soft voice")
    assert parse("blur").extras() == parse("blur").weights() == ()
