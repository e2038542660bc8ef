"""Whatever Python users hand in comes back exactly: arrays, images, bytes, files, URLs."""

import functools
import http.server
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import pixmesh
from pixmesh.tests.support.photos import drawn, skimage_files


@pytest.fixture
def local(no_pixels_stay: None) -> Iterator[pixmesh.Mesh]:
    with pixmesh.Mesh.local(1) as mesh:
        yield mesh


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the test's output is its own."""


@pytest.fixture
def served(tmp_path: Path, no_pixels_stay: None) -> Iterator[str]:
    """Serve the test's folder over HTTP."""
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_arrays_come_back_as_they_are(local: pixmesh.Mesh) -> None:
    """Gray, BGR and BGRA, of 8 and 16 bits; contiguous or not."""
    kinds = itertools.product((8, 16), (1, 3, 4))
    arrays = [drawn(1, 90, 60, depth=depth, channels=channels) for depth, channels in kinds]
    arrays += [arrays[1][::2, ::3], arrays[1][:, ::-1], arrays[0].T, np.asfortranarray(arrays[2])]
    for array, answer in zip(arrays, local.map("identity", arrays), strict=True):
        assert (answer.ok, answer.error, answer.format) == (True, "", "npy")
        assert answer.array.dtype == array.dtype
        assert np.array_equal(answer.array, array)


def test_pil_images_come_back_as_their_pixels(local: pixmesh.Mesh) -> None:
    """In OpenCV's order; modes that OpenCV has not, as RGB."""
    rgb = Image.fromarray(drawn(2, 80, 50, channels=3)[..., ::-1])
    deep = Image.fromarray(drawn(2, 80, 50, depth=16, channels=1))
    images = [*(rgb.convert(mode) for mode in ("L", "RGB", "RGBA", "1", "P", "CMYK")), deep]
    for image, answer in zip(images, local.map("identity", images), strict=True):
        plain = image if image.mode in ("L", "RGBA", "I;16") else image.convert("RGB")
        pixels = np.asarray(plain)
        swapped = pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
        assert np.array_equal(answer.array, swapped), image.mode


def test_paths_bytes_and_urls_are_the_same_picture(
    local: pixmesh.Mesh, tmp_path: Path, served: str
) -> None:
    source = next(path for path in skimage_files() if path.name == "chelsea.png")
    data = source.read_bytes()
    (tmp_path / "cat picture.png").write_bytes(data)
    pictures = [source, str(source), data, bytearray(data), memoryview(data)]
    pictures.append(f"{served}/cat%20picture.png")
    answers = list(local.map("identity", pictures))
    assert [answer.error for answer in answers] == [""] * len(pictures)
    assert {answer.bytes for answer in answers} == {answers[0].bytes}
    expected = cv2.imread(str(source))
    assert expected is not None
    assert np.array_equal(answers[0].array, expected)


def test_what_a_server_does_not_have_is_an_answer(local: pixmesh.Mesh, served: str) -> None:
    (answer,) = local.map("identity", [f"{served}/nothing.png"])
    assert not answer.ok
    assert "nothing.png" in answer.error


def test_results_are_saved_under_the_inputs_name(local: pixmesh.Mesh, tmp_path: Path) -> None:
    source = next(path for path in skimage_files() if path.name == "chelsea.png")
    (answer,) = local.map("grayscale", [source], format="jpeg")
    path = answer.save(tmp_path / "out")
    assert path == tmp_path / "out" / "chelsea.jpg"
    assert path.read_bytes() == answer.bytes
    with pytest.raises(FileExistsError):
        answer.save(tmp_path / "out")
    with pytest.raises(NotADirectoryError, match="a file's name"):
        answer.save(tmp_path / "mine.jpg")
    assert not (tmp_path / "mine.jpg").exists()
