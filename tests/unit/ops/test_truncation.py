"""Cut and damaged files: nothing that misses pixels comes out as a picture."""

import random
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from pixmesh.ops.decode import decode
from pixmesh.ops.errors import PictureError
from pixmesh.tests.support.photos import drawn

from .files import (
    Pixels,
    by_numpy,
    by_opencv,
    by_pillow,
    by_pillow_with_hole,
    by_tifffile,
    exif,
)

PHOTO = drawn(1, 160, 120)
GRAY = drawn(1, 160, 120, channels=1)
THUMBNAIL = by_opencv(".jpg", drawn(2, 16, 16))


def jpeg_with_thumbnail() -> bytes:
    """Return a JPEG with a whole other JPEG, end marker included, in its first segments."""
    data = by_opencv(".jpg", PHOTO)
    body = b"Exif\0\0" + exif() + THUMBNAIL
    segment = b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    return data[:2] + segment + data[2:]


FILES: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: by_opencv(".jpg", PHOTO),
    "jpeg progressive": lambda: by_pillow("JPEG", PHOTO, progressive=True),
    "jpeg restarts": lambda: by_opencv(".jpg", PHOTO, cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "jpeg thumbnail": jpeg_with_thumbnail,
    "png": lambda: by_opencv(".png", PHOTO),
    "png palette": lambda: by_pillow_with_hole("PNG", PHOTO),
    "webp": lambda: by_pillow("WEBP", PHOTO),
    "webp lossless": lambda: by_opencv(".webp", PHOTO),
    "tiff": lambda: by_opencv(".tif", PHOTO),
    "tiff plain": lambda: by_tifffile(PHOTO, photometric="rgb"),
    "tiff tiled": lambda: by_tifffile(PHOTO, photometric="rgb", tile=(32, 32)),
    "tiff pages": lambda: by_tifffile(np.stack([PHOTO, PHOTO]), photometric="rgb"),
    "tiff group 4": lambda: by_pillow("TIFF", GRAY, "1", compression="group4"),
    "gif": lambda: by_pillow("GIF", PHOTO),
    "bmp": lambda: by_opencv(".bmp", PHOTO),
    "jp2": lambda: by_opencv(".jp2", PHOTO),
    "jp2 bare": lambda: by_pillow("JPEG2000", PHOTO, no_jp2=True),
    "avif": lambda: by_pillow("AVIF", PHOTO),
    "npy": lambda: by_numpy(PHOTO),
}


def cuts(length: int) -> list[int]:
    few = [0, 1, 2, 3, 7, 8, 12, 20, 33, 60, 100, 200, 400, 600, 1000]
    parts = [length * n // 20 for n in range(1, 20)]
    return sorted({n for n in [*few, *parts, length - 20, length - 2, length - 1] if n < length})


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_is_refused(name: str) -> None:
    data = FILES[name]()
    assert decode(data).pixels.shape[:2] == (120, 160)
    for cut in cuts(len(data)):
        found = outcome(data[:cut])
        assert isinstance(found, PictureError), f"cut at {cut} of {len(data)}"
        assert found.code in {"truncated", "empty", "corrupt", "not-a-picture"}, cut


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "tiff plain", "gif", "bmp", "npy", "avif"])
def test_a_file_cut_in_its_pixels_is_called_truncated(name: str) -> None:
    data = FILES[name]()
    with pytest.raises(PictureError) as caught:
        decode(data[: len(data) * 3 // 4])
    assert caught.value.code == "truncated"


# Neither a checksum nor an end: zeros decode as pixels there.
ZEROS_ARE_PIXELS = {"bmp", "npy", "tiff", "tiff plain", "tiff tiled", "tiff pages"} | {
    "webp",
    "webp lossless",
}


@pytest.mark.parametrize("name", sorted(set(FILES) - ZEROS_ARE_PIXELS))
def test_a_file_whose_tail_was_never_written_is_refused(name: str) -> None:
    data = FILES[name]()
    start = len(data) * 2 // 3
    with pytest.raises(PictureError):
        decode(data[:start] + bytes(len(data) - start))


@pytest.mark.parametrize("tail", [b"\0" * 999, b"\xff\xd8\xff", b"garbage" * 99, THUMBNAIL])
@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("jpeg")])
def test_what_follows_a_jpegs_end_does_not_matter(name: str, tail: bytes) -> None:
    data = FILES[name]()
    assert (decode(data + tail).pixels == decode(data).pixels).all()


def test_a_cut_jpeg_with_a_whole_thumbnail_is_cut() -> None:
    data = jpeg_with_thumbnail()
    assert b"\xff\xd9" in data[: len(data) // 2]
    with pytest.raises(PictureError) as caught:
        decode(data[: len(data) * 3 // 4])
    assert caught.value.code == "truncated"


def damaged(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data) // 3, len(data) * 9 // 10)
    return data[:place] + rng.randbytes(8) + data[place + 8 :]


@pytest.mark.parametrize("name", ["png", "png palette"])
def test_every_changed_bit_of_a_png_is_found(name: str) -> None:
    data, rng = FILES[name](), random.Random(1)
    for _ in range(40):
        with pytest.raises(PictureError, match=r"checksum|too early") as caught:
            decode(damaged(data, rng))
        assert caught.value.code in {"corrupt", "truncated"}


@pytest.mark.parametrize("name", FILES)
def test_damage_gives_a_picture_or_a_picture_error(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    data, rng = FILES[name](), random.Random(2)
    for _ in range(30):
        found = outcome(damaged(data, rng))
        assert isinstance(found, PictureError) or found.shape[:2] == (120, 160)
    assert capfd.readouterr().err == ""


def outcome(data: bytes) -> Pixels | PictureError:
    try:
        return decode(data).pixels
    except PictureError as error:
        return error


def test_damage_that_opencv_hides_is_found() -> None:
    data = by_tifffile(PHOTO, photometric="rgb", compression="zlib")
    rng, found = random.Random(3), 0
    for _ in range(20):
        broken = damaged(data, rng)
        assert cv2.imdecode(np.frombuffer(broken, np.uint8), cv2.IMREAD_UNCHANGED) is not None
        found += isinstance(outcome(broken), PictureError)
    assert found > 5
