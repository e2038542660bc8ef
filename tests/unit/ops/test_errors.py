"""The errors of this room, as a person meets them."""

import pickle

from pixmesh.ops.errors import REMEDIES, PictureError, RecipeError


def test_a_recipe_error_shows_a_caret_under_its_position() -> None:
    error = RecipeError("no such thing", recipe="blur | x", position=7, hint="did you mean y?")
    assert str(error).splitlines() == [
        "no such thing",
        "  blur | x",
        "         ^",
        "did you mean y?",
    ]


def test_control_characters_do_not_move_the_caret() -> None:
    shown = str(RecipeError("what", recipe="a\n\tb", position=3)).splitlines()
    assert shown[1].index("b") == shown[2].index("^")


def test_errors_survive_pickling() -> None:
    recipe = RecipeError("what", recipe="blur", position=2, hint="hint")
    picture = PictureError("truncated", "cut")
    again = pickle.loads(pickle.dumps(recipe))  # noqa: S301 - our own bytes
    assert (again.what, again.recipe, again.position, again.hint) == ("what", "blur", 2, "hint")
    again = pickle.loads(pickle.dumps(picture))  # noqa: S301 - our own bytes
    assert (again.code, str(again)) == ("truncated", str(picture))


def test_every_code_says_what_to_do() -> None:
    for code, remedy in REMEDIES.items():
        assert str(PictureError(code, "it broke")) == f"it broke: {remedy}"
