"""What a wheel must hold follows the checkout, and every difference is named."""

import zipfile
from pathlib import Path

from pixmesh.tests.support.wheel import content_mistakes, expected_files, size_mb


def make(path: Path, data: bytes = b"") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_modules_and_documents_are_shipped_and_tests_are_not(tmp_path: Path) -> None:
    for name in (
        "__init__.py",
        "ops/blur.py",
        "tests/test_blur.py",
        ".venv/lib/a.py",
        "build/b.py",
    ):
        make(tmp_path / name)
    shipped = {"__init__.py", "ops/blur.py", "py.typed", "bench/METHOD.md", "broker/PROTOCOL.md"}
    assert expected_files(tmp_path) == shipped


def test_every_difference_is_named(tmp_path: Path) -> None:
    wheel = tmp_path / "pixmesh.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in (
            "pixmesh/__init__.py",
            "pixmesh/tests/a.py",
            "ops/b.py",
            "p.dist-info/METADATA",
        ):
            archive.writestr(name, "")
    assert content_mistakes(wheel, {"__init__.py", "py.typed"}) == [
        "missing in the wheel: py.typed",
        "not meant for the wheel: tests/a.py",
        "outside pixmesh/: ops/b.py",
    ]


def test_the_size_is_what_is_installed_beside_the_dependencies(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "python3" / "site-packages"
    make(packages / "msgpack" / "__init__.py", b" " * 1_000_000)
    make(packages / "cv2" / "cv2.so", b" " * 2_000_000)
    make(packages / "cv2" / "cv2.pyc", b" " * 500_000)
    assert size_mb(tmp_path) == 3.0
