"""ICC profiles, EXIF and XMP: what is read, what is carried over, and what is set upright."""

import struct
from typing import Any

import numpy as np
import pytest

from pixmesh.ops import exif as exif_block
from pixmesh.ops.decode import decode
from pixmesh.ops.encode import WRITERS, encode
from pixmesh.ops.header import probe
from pixmesh.ops.picture import Metadata, Picture
from pixmesh.tests.support.photos import drawn

from .files import (
    GRAY_ICC,
    SRGB,
    XMP,
    Pixels,
    by_opencv,
    by_pillow,
    by_tifffile,
    exif,
    opened,
)

COLOUR = drawn(1, 48, 40)
GRAY = drawn(1, 48, 40, channels=1)
FULL = Metadata(icc=SRGB, exif=exif(), xmp=XMP)
CARRIES = {
    "jpeg": {"icc", "exif", "xmp"},
    "png": {"icc", "exif", "xmp"},
    "webp": {"icc", "exif", "xmp"},
    "avif": {"icc", "exif", "xmp"},
    "tiff": {"icc", "exif", "xmp"},
    "bmp": set(),
    "jp2": set(),
    "npy": set(),
}


def kept(metadata: Metadata) -> set[str]:
    return {name for name in ("icc", "exif", "xmp") if getattr(metadata, name)}


@pytest.mark.parametrize("form", WRITERS)
def test_each_format_carries_what_it_is_said_to(form: str) -> None:
    written = encode(Picture(COLOUR, FULL), form)
    found = probe(written).metadata
    assert kept(found) == CARRIES[form]
    for name in CARRIES[form] - {"exif"}:
        assert getattr(found, name) == getattr(FULL, name)
    assert decode(written).pixels.shape == COLOUR.shape


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "avif"])
def test_exif_is_carried_byte_for_byte(form: str) -> None:
    assert probe(encode(Picture(COLOUR, FULL), form)).metadata.exif == FULL.exif


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "avif", "tiff"])
def test_pillow_reads_what_was_carried(form: str) -> None:
    image = opened(encode(Picture(COLOUR, FULL), form))
    image.load()
    assert image.info["icc_profile"] == SRGB
    tags = image.getexif()
    assert tags[271] == "pixmesh"
    assert tags.get_ifd(0x8769)[36867] == "2024:01:02 03:04:05"
    assert image.info["xmp"] == XMP


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
def test_putting_metadata_in_leaves_the_pixels(form: str) -> None:
    bare, full = encode(Picture(COLOUR), form), encode(Picture(COLOUR, FULL), form)
    assert (decode(bare).pixels == decode(full).pixels).all()
    assert kept(probe(bare).metadata) == set()


_WITH_XMP: dict[str, dict[str, Any]] = {
    "JPEG": {"xmp": XMP},
    "WEBP": {"xmp": XMP},
    "AVIF": {"xmp": XMP},
    "PNG": {},
}
SOURCES: dict[str, bytes] = {
    kind: by_pillow(kind, COLOUR, exif=b"Exif\0\0" + exif(6), icc_profile=SRGB, **more)
    for kind, more in _WITH_XMP.items()
}


@pytest.mark.parametrize("kind", SOURCES)
def test_pillows_files_are_read(kind: str) -> None:
    header = probe(SOURCES[kind])
    assert header.metadata.icc == SRGB
    assert header.orientation == 6
    in_exif = 1 if kind == "AVIF" else 6  # AVIF has its own boxes for turning
    assert exif_block.orientation(header.metadata.exif) == in_exif
    assert header.metadata.xmp == (None if kind == "PNG" else XMP)


@pytest.mark.parametrize("kind", SOURCES)
def test_after_decoding_nothing_says_turn_any_more(kind: str) -> None:
    metadata = decode(SOURCES[kind]).metadata
    assert exif_block.orientation(metadata.exif) == 1
    assert metadata.exif is not None
    assert b"pixmesh" in metadata.exif
    assert metadata.xmp in {None, XMP.replace(b"'6'", b"'1'")}
    for form in ("jpeg", "png", "webp", "avif", "tiff"):
        assert probe(encode(decode(SOURCES[kind]), form)).orientation == 1


def test_a_tiffs_own_tags_travel_as_exif() -> None:
    more = [(271, 2, 8, "pixmesh", True), (34675, 7, len(SRGB), SRGB, True)]
    data = by_tifffile(COLOUR, photometric="rgb", byteorder=">", extratags=more)
    jpeg = encode(decode(data), "jpeg")
    image = opened(jpeg)
    assert image.getexif()[271] == "pixmesh"
    assert image.info["icc_profile"] == SRGB


@pytest.mark.parametrize("order", ["<", ">"])
def test_setting_upright_changes_the_orientation_and_the_thumbnail_only(order: str) -> None:
    block = (
        (b"II*\0" if order == "<" else b"MM\0*")
        + struct.pack(order + "IH", 8, 2)
        + struct.pack(order + "HHI4s", 271, 2, 4, b"abc\0")
        + struct.pack(order + "HHIHH", 274, 3, 1, 8, 0)
        + struct.pack(order + "I", 99)
        + b"after"
    )
    found = exif_block.upright(block)
    assert exif_block.orientation(block) == 8
    assert exif_block.orientation(found) == 1
    changed = [place for place in range(len(block)) if block[place] != found[place]]
    assert len(changed) == 2
    assert found.endswith(b"\0\0\0\0after")


@pytest.mark.parametrize(
    "block", [b"", b"II", b"XX*\0\0\0\0\0", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff"]
)
def test_a_broken_exif_block_is_carried_as_it_is(block: bytes) -> None:
    assert exif_block.orientation(block) == 1
    assert exif_block.upright(block) == block
    assert decode(encode(Picture(COLOUR, Metadata(exif=block)), "jpeg")).pixels.shape[:2] == (
        40,
        48,
    )
    assert decode(encode(Picture(COLOUR, Metadata(exif=block)), "tiff")).pixels.shape[:2] == (
        40,
        48,
    )


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "avif", "tiff"])
@pytest.mark.parametrize(
    ("pixels", "icc", "carried"),
    [
        (COLOUR, SRGB, True),
        (COLOUR, GRAY_ICC, False),
        (GRAY, SRGB, False),
        (GRAY, GRAY_ICC, True),
        (COLOUR, b"broken", False),
    ],
)
def test_a_profile_goes_only_with_colours_of_its_kind(
    form: str, pixels: Pixels, icc: bytes, carried: bool
) -> None:
    if form == "webp" and pixels.ndim == 2:
        carried = False
    found = probe(encode(Picture(pixels, Metadata(icc=icc)), form)).metadata
    assert found.icc == (icc if carried else None)


def test_a_profile_larger_than_a_segment_is_split_and_joined() -> None:
    rest = np.random.default_rng(1).integers(0, 255, 150_000, np.uint8).tobytes()
    large = SRGB[:128] + rest
    for form in ("jpeg", "png", "webp", "tiff"):
        written = encode(Picture(COLOUR, Metadata(icc=large)), form)
        assert probe(written).metadata.icc == large
        assert opened(written).info["icc_profile"] == large


def test_exif_too_large_for_a_jpeg_is_left_out_there() -> None:
    large = exif() + bytes(70_000)
    assert probe(encode(Picture(COLOUR, Metadata(exif=large)), "jpeg")).metadata.exif is None
    assert probe(encode(Picture(COLOUR, Metadata(exif=large)), "png")).metadata.exif == large


def test_opencvs_own_xmp_chunk_is_read() -> None:
    import cv2

    kinds, blocks = [cv2.IMAGE_METADATA_XMP], [np.frombuffer(XMP, np.uint8)]
    done, data = cv2.imencodeWithMetadata(".png", COLOUR, kinds, blocks)
    assert done
    assert probe(data.tobytes()).metadata.xmp == XMP


def test_a_picture_without_metadata_gets_none() -> None:
    assert decode(by_opencv(".jpg", COLOUR)).metadata == Metadata()


def test_hostile_metadata_is_bounded() -> None:
    import zlib

    body = b"icc\0\0" + zlib.compress(bytes(200 << 20), 9)
    chunk = b"iCCP" + body
    piece = struct.pack(">I", len(body)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    data = by_opencv(".png", COLOUR)
    found = probe(data[:33] + piece + data[33:]).metadata.icc
    assert found is not None
    assert len(found) <= 64 << 20


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


def test_a_tiff_with_absurd_counts_costs_nothing() -> None:
    rows: list[Any] = [entry(273, 4, 1 << 31, 8), entry(256, 4, 1, 5), entry(257, 4, 1, 5)]
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", len(rows)) + b"".join(rows) + bytes(4)
    with pytest.raises(Exception, match=r"not read here|too early"):
        probe(data)
