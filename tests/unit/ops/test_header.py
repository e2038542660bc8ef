"""What pictures say of themselves."""

import contextlib
import io
import random
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixmesh.ops.decode import decode
from pixmesh.ops.errors import PictureError
from pixmesh.ops.header import probe
from pixmesh.tests.support.photos import drawn, require_data

from .files import by_numpy, by_opencv, by_pillow, by_pillow_with_hole, by_tifffile, exif

COLOUR = drawn(1, 64, 40)
GRAY = drawn(1, 64, 40, channels=1)
ALPHA = drawn(1, 64, 40, channels=4)
BOTH = drawn(1, 64, 40, channels=2)


CASES = {
    "jpeg": (by_opencv(".jpg", COLOUR), "jpeg", 3, 8),
    "jpeg gray": (by_opencv(".jpg", GRAY), "jpeg", 1, 8),
    "jpeg cmyk": (by_pillow("JPEG", COLOUR, "CMYK"), "jpeg", 3, 8),
    "jpeg progressive": (by_pillow("JPEG", COLOUR, progressive=True), "jpeg", 3, 8),
    "png": (by_opencv(".png", COLOUR), "png", 3, 8),
    "png alpha": (by_opencv(".png", ALPHA), "png", 4, 8),
    "png gray": (by_opencv(".png", GRAY), "png", 1, 8),
    "png gray alpha": (by_pillow("PNG", BOTH), "png", 2, 8),
    "png 16": (by_opencv(".png", drawn(1, 64, 40, depth=16)), "png", 3, 16),
    "png palette": (by_pillow("PNG", COLOUR, "P"), "png", 3, 8),
    "png palette transparent": (by_pillow_with_hole("PNG", COLOUR), "png", 4, 8),
    "png 1 bit": (by_pillow("PNG", GRAY, "1"), "png", 1, 8),
    "webp": (by_pillow("WEBP", COLOUR), "webp", 3, 8),
    "webp lossless": (by_pillow("WEBP", COLOUR, lossless=True), "webp", 3, 8),
    "webp alpha": (by_pillow("WEBP", ALPHA), "webp", 4, 8),
    "webp lossless alpha": (by_pillow("WEBP", ALPHA, lossless=True), "webp", 4, 8),
    "gif": (by_pillow("GIF", COLOUR), "gif", 3, 8),
    "gif alpha": (by_pillow_with_hole("GIF", COLOUR), "gif", 4, 8),
    "bmp": (by_opencv(".bmp", COLOUR), "bmp", 3, 8),
    "bmp alpha": (by_opencv(".bmp", ALPHA), "bmp", 4, 8),
    "bmp gray": (by_pillow("BMP", GRAY), "bmp", 1, 8),
    "bmp palette": (by_pillow("BMP", COLOUR, "P"), "bmp", 3, 8),
    "bmp 1 bit": (by_pillow("BMP", GRAY, "1"), "bmp", 1, 8),
    "jp2": (by_opencv(".jp2", COLOUR), "jp2", 3, 8),
    "jp2 gray": (by_opencv(".jp2", GRAY), "jp2", 1, 8),
    "jp2 16": (by_opencv(".jp2", drawn(1, 64, 40, depth=16)), "jp2", 3, 16),
    "jp2 bare": (by_pillow("JPEG2000", COLOUR, no_jp2=True), "jp2", 3, 8),
    "avif": (by_pillow("AVIF", COLOUR), "avif", 3, 8),
    "avif alpha": (by_pillow("AVIF", ALPHA), "avif", 4, 8),
    "tiff": (by_opencv(".tif", COLOUR), "tiff", 3, 8),
    "tiff gray 16": (by_tifffile(drawn(1, 64, 40, depth=16, channels=1)), "tiff", 1, 16),
    "tiff float": (by_tifffile(drawn(1, 64, 40, depth=32, channels=1)), "tiff", 1, 32),
    "tiff double": (by_tifffile(GRAY.astype(np.float64)), "tiff", 1, 32),
    "tiff alpha": (
        by_tifffile(ALPHA, photometric="rgb", extrasamples=["unassalpha"]),
        "tiff",
        4,
        8,
    ),
    "tiff gray alpha": (
        by_tifffile(
            BOTH, photometric="minisblack", extrasamples=["unassalpha"], planarconfig="contig"
        ),
        "tiff",
        2,
        8,
    ),
    "tiff cmyk": (by_tifffile(ALPHA, photometric="separated"), "tiff", 3, 8),
    "tiff 1 bit": (by_pillow("TIFF", GRAY, "1", compression="group4"), "tiff", 1, 8),
    "tiff palette": (by_pillow("TIFF", COLOUR, "P"), "tiff", 3, 8),
    "tiff jpeg": (by_pillow("TIFF", COLOUR, compression="jpeg"), "tiff", 3, 8),
    "tiff big": (by_tifffile(COLOUR, photometric="rgb", bigtiff=True), "tiff", 3, 8),
    "tiff big endian": (by_tifffile(COLOUR, photometric="rgb", byteorder=">"), "tiff", 3, 8),
    "tiff tiled": (by_tifffile(COLOUR, photometric="rgb", tile=(16, 16)), "tiff", 3, 8),
    "tiff planes": (
        by_tifffile(np.ascontiguousarray(COLOUR.transpose(2, 0, 1)), photometric="rgb"),
        "tiff",
        3,
        8,
    ),
    "npy": (by_numpy(COLOUR), "npy", 3, 8),
    "npy float": (by_numpy(drawn(1, 64, 40, depth=32, channels=2)), "npy", 2, 32),
    "npy fortran": (by_numpy(np.asfortranarray(COLOUR)), "npy", 3, 8),
    "npy one channel": (by_numpy(GRAY[..., None]), "npy", 1, 8),
}


@pytest.mark.parametrize("case", CASES)
def test_the_header_foretells_the_decoded_pixels(case: str) -> None:
    data, form, channels, depth = CASES[case]
    header = probe(data)
    assert (header.format, header.width, header.height) == (form, 64, 40)
    assert (header.channels, header.depth, header.frames) == (channels, depth, 1)
    assert header.alpha == (channels in {2, 4})
    assert header.nbytes == len(data)
    assert header.megapixels == pytest.approx(64 * 40 / 1e6)
    pixels = decode(data).pixels
    assert pixels.nbytes == header.layout.nbytes
    assert pixels.shape[:2] == (40, 64)


@pytest.mark.parametrize("case", CASES)
def test_files_views_and_bytes_give_the_same_header(case: str, tmp_path: Path) -> None:
    data = CASES[case][0]
    path = tmp_path / "named_wrongly.txt"
    path.write_bytes(data)
    with path.open("rb") as file:
        assert probe(file) == probe(data)
    assert probe(memoryview(data)) == probe(bytearray(data)) == probe(data)


class Counting(io.BytesIO):
    """Counts the bytes read."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.count += len(found)
        return found


@pytest.mark.parametrize(
    "form", ["jpeg", "png", "webp", "tiff", "bmp", "jp2", "npy", "gif", "avif"]
)
def test_only_the_header_is_read(form: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (400, 400, 3), np.uint8)
    files = {
        "jpeg": lambda: by_opencv(".jpg", noise),
        "png": lambda: by_opencv(".png", noise),
        "webp": lambda: by_pillow("WEBP", noise, lossless=True),
        "tiff": lambda: by_opencv(".tif", noise),
        "bmp": lambda: by_opencv(".bmp", noise),
        "jp2": lambda: by_opencv(".jp2", noise),
        "npy": lambda: by_numpy(noise),
        "avif": lambda: by_pillow("AVIF", noise),
        "gif": lambda: by_pillow("GIF", noise),
    }
    source = Counting(files[form]())
    assert probe(source).format == form
    assert source.count < 3000


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_orientation_is_read_and_turns_the_layout(kind: str, orientation: int) -> None:
    if kind == "TIFF":
        data = by_pillow(kind, COLOUR, tiffinfo={274: orientation})
    else:
        data = by_pillow(kind, COLOUR, exif=b"Exif\0\0" + exif(orientation))
    header = probe(data)
    assert header.orientation == orientation
    expected = (40, 64) if orientation >= 5 else (64, 40)
    assert (header.layout.width, header.layout.height) == expected


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF", "WEBP", "AVIF"])
def test_frames_and_pages_are_counted(kind: str) -> None:
    frames = [Image.fromarray(drawn(n, 64, 40)) for n in range(3)]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    assert probe(out.getvalue()).frames == 3


def test_no_native_library_sees_a_file_before_it_is_decoded(tmp_path: Path) -> None:
    for case, (data, *_) in CASES.items():
        (tmp_path / case).write_bytes(data)
    code = (
        "import sys, pathlib; from pixmesh.ops.header import probe; "
        "[probe(path.read_bytes()) for path in pathlib.Path(sys.argv[1]).iterdir()]; "
        "print([m for m in ('cv2', 'numpy', 'PIL', 'pi_heif') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_heic_headers_agree_with_libheif() -> None:
    pi_heif = pytest.importorskip("pi_heif")
    for parts in (("formats", "garden.heic"), ("bad", "heic_named.jpg")):
        data = require_data(*parts).read_bytes()
        image, header = pi_heif.open_heif(data), probe(data)
        assert image.size == (header.layout.width, header.layout.height)
        assert image.info["exif"].removeprefix(b"Exif\0\0") == header.metadata.exif
        assert image.info.get("icc_profile") == header.metadata.icc
        assert image.info["bit_depth"] == header.depth


@pytest.mark.parametrize("case", [*CASES, "heic"])
def test_a_broken_header_gives_a_header_or_a_picture_error(case: str) -> None:
    rng = random.Random(1)
    data = require_data("formats", "garden.heic").read_bytes() if case == "heic" else CASES[case][0]
    for _ in range(200):
        broken = bytearray(data)
        for _ in range(rng.choice([1, 2, 5])):
            place = rng.randrange(min(len(broken), rng.choice([40, 200, 1000])))
            broken[place] = rng.choice([0, 255, rng.randrange(256)])
        with contextlib.suppress(PictureError):
            header = probe(broken)
            assert header.width > 0
            assert header.height > 0
            assert 1 <= header.orientation <= 8


STRANGERS = {
    b"": ("empty", "empty"),
    b"\xff": ("truncated", "1 byte"),
    b"\x89PN": ("truncated", "3 bytes"),
    b"\xfe": ("not-a-picture", "single byte"),
    b"hello, world\n": ("not-a-picture", "plain text"),
    b"\xef\xbb\xbf<!DOCTYPE html>": ("not-a-picture", "web page"),
    b"<svg xmlns=''/>": ("not-a-picture", "SVG"),
    b"<?xml version='1.0'?>": ("not-a-picture", "XML"),
    b'{"a": 1}': ("not-a-picture", "JSON"),
    b"\x7fELF\2\1\1": ("not-a-picture", "ELF"),
    b"\x1f\x8b\x08": ("not-a-picture", "gzip"),
    b"PK\x03\x04....": ("not-a-picture", "zip"),
    b"%PDF-1.7": ("not-a-picture", "PDF"),
    b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom": ("not-a-picture", "video"),
    bytes(range(128, 200)): ("not-a-picture", "unknown data"),
}


@pytest.mark.parametrize("data", STRANGERS, ids=lambda d: repr(d[:8]))
def test_what_is_no_picture_is_named(data: bytes) -> None:
    code, likeness = STRANGERS[data]
    with pytest.raises(PictureError, match=likeness) as caught:
        probe(data, "inbox/thing.jpg")
    assert caught.value.code == code
    assert str(caught.value).startswith("inbox/thing.jpg: ")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (by_numpy(GRAY.astype(np.int64)), "'<i8'"),
        (by_numpy(GRAY.astype(">u2")), "'>u2'"),
        (by_numpy(drawn(1, 9, 9)[None]), "shape"),
        (by_numpy(np.zeros((9, 9, 5), np.uint8)), "shape"),
        (by_numpy(np.zeros((0, 9), np.uint8)), "shape"),
        (by_numpy(np.zeros(9, np.uint8)), "shape"),
        (by_tifffile(GRAY.astype(np.int16)), "16-bit signed integer"),
        (by_tifffile(GRAY.astype(np.uint32)), "32-bit integer"),
        (by_tifffile(GRAY.astype(np.float16)), "16-bit floating-point"),
        (by_tifffile(ALPHA.astype(np.uint16), photometric="separated"), "16-bit integer"),
    ],
)
def test_what_is_not_read_here_is_said(data: bytes, what: str) -> None:
    with pytest.raises(PictureError, match=what) as caught:
        probe(data)
    assert caught.value.code == "unsupported"


def test_arrays_with_objects_in_them_are_never_unpickled() -> None:
    out = io.BytesIO()
    np.save(out, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(PictureError) as caught:
        probe(out.getvalue())
    assert caught.value.code == "unsupported"


def test_a_twelve_bit_jpeg_is_not_read() -> None:
    data = bytearray(by_opencv(".jpg", COLOUR))
    place = data.index(b"\xff\xc0")
    data[place + 4] = 12
    with pytest.raises(PictureError, match="12 bits"):
        probe(data)


def test_a_directory_that_points_to_itself_ends() -> None:
    data = bytearray(by_opencv(".tif", COLOUR))
    first = struct.unpack("<I", data[4:8])[0]
    count = struct.unpack("<H", data[first : first + 2])[0]
    data[first + 2 + 12 * count :][:4] = struct.pack("<I", first)
    data[first + 2 + 12 * count : first + 6 + 12 * count] = struct.pack("<I", first)
    assert probe(data).frames == 1
