"""The house keeps its own rules, and each rule finds the one who breaks it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pixmesh.tests.unit.house import rules

ROOT = Path(__file__).resolve().parents[3]

Rule = Callable[[Path], list[str]]

RULES: list[Rule] = [
    rules.long_files,
    rules.long_functions,
    rules.unlisted_packages,
    rules.folders_without_init,
    rules.absolute_imports,
    rules.tests_that_cannot_fail,
    rules.sleeping_tests,
]
SETTINGS = '[tool.setuptools]\npackages = ["pixmesh", "pixmesh.ops"]\n'
A_TEST = "def test_nothing() -> None:\n    assert True\n"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name in ("", "ops", "tests"):
        put(tmp_path, f"{name}/__init__.py", '"""A room."""\n')
    put(tmp_path, "pyproject.toml", SETTINGS)
    put(tmp_path, "tests/test_all.py", A_TEST)
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    path = root / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_this_checkout_keeps_the_rule(rule: Rule) -> None:
    assert rule(ROOT) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_house_in_order_passes(rule: Rule, house: Path) -> None:
    assert rule(house) == []


BREAKS: list[tuple[Rule, str, str, str]] = [
    (rules.long_files, "ops/blur.py", "\n" * 501, "ops/blur.py: 501 lines"),
    (
        rules.long_functions,
        "ops/blur.py",
        "def blur():\n" + "    pass\n" * 60,
        "ops/blur.py: blur has 61 lines",
    ),
    (
        rules.unlisted_packages,
        "broker/__init__.py",
        "",
        "pixmesh.broker: has modules and is not in pyproject's packages",
    ),
    (rules.folders_without_init, "ops/faces/find.py", "", "ops/faces"),
    (
        rules.absolute_imports,
        "ops/blur.py",
        "from pixmesh.ops import tone\n",
        "ops/blur.py:1: says pixmesh.",
    ),
    (
        rules.tests_that_cannot_fail,
        "tests/test_blur.py",
        "def test_blur() -> None:\n    print('fine')\n",
        "tests/test_blur.py: test_blur asserts nothing",
    ),
    (
        rules.sleeping_tests,
        "tests/test_blur.py",
        "import time\ntime.sleep(1)\n",
        "tests/test_blur.py:2: sleeps",
    ),
]


@pytest.mark.parametrize(
    ("rule", "name", "text", "finding"), BREAKS, ids=[rule.__name__ for rule, *_ in BREAKS]
)
def test_the_one_who_breaks_it_is_named(
    rule: Rule, name: str, text: str, finding: str, house: Path
) -> None:
    put(house, name, text)
    assert rule(house) == [finding]
