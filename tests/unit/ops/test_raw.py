"""Camera RAW: told from TIFF, foretold by its header, developed as LibRaw does, and upright."""

import io
import struct
import sys
import zlib
from dataclasses import replace

import cv2
import numpy as np
import pytest

from pixmesh.broker.messages import FORMAT_OF
from pixmesh.node.attempts import ELSEWHERE
from pixmesh.node.owner.appraise import appraiser
from pixmesh.node.owner.formats import converted_kinds, extension_for
from pixmesh.ops import raw
from pixmesh.ops.decode import decode
from pixmesh.ops.errors import PictureError
from pixmesh.ops.header import probe
from pixmesh.ops.process import Output, process
from pixmesh.ops.recipe import parse
from pixmesh.ops.source import Source
from pixmesh.tests.support.dng import LONG, SHORT, directory_of, dng
from pixmesh.tests.support.photos import Pixels, drawn, skimage_photos

rawpy = pytest.importorskip("rawpy", reason="no rawpy: uv sync --extra raw brings it")


def scene(width: int = 120, height: int = 80) -> Pixels:
    return cv2.GaussianBlur(drawn(5, width, height), (0, 0), 3)


def test_what_is_developed_is_what_rawpy_develops() -> None:
    data = dng(scene())
    with rawpy.imread(io.BytesIO(data)) as opened:
        expected = opened.postprocess(
            use_camera_wb=True, output_bps=16, gamma=(2.4, 12.92), user_flip=0
        )
    assert np.array_equal(decode(data).pixels, expected[..., ::-1])


def test_what_is_developed_is_the_scene_in_srgb() -> None:
    """Up to what a filter array loses, and the brightness that LibRaw adds."""
    photo = next(one for name, one in skimage_photos().items() if "astronaut" in name)
    shown = cv2.GaussianBlur(photo, (0, 0), 2)
    made = decode(dng(shown)).pixels.astype(np.float64) / 257
    gains = made.mean(axis=(0, 1)) / shown.mean(axis=(0, 1))
    assert gains.max() / gains.min() < 1.02  # no colour is favoured
    assert 1 <= gains.mean() < 1.2
    lit = (shown > 20) & (made < 250)
    assert np.abs(made / gains.mean() - shown)[lit].mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_it_is_upright_once_and_as_large_as_foretold(orientation: int, order: str) -> None:
    data = dng(scene(), orientation=orientation, edge=8, order=order)
    header, plain = probe(data), decode(dng(scene(), edge=8)).pixels
    assert (header.format, header.width, header.height) == ("raw", 120, 80)
    assert (header.channels, header.depth, header.orientation) == (3, 16, orientation)
    made = decode(data).pixels
    assert made.shape == (header.layout.height, header.layout.width, 3)
    coded = cv2.imencode(".png", plain)[1].tobytes()
    assert made.shape == decode(_turned(coded, orientation)).pixels.shape
    assert np.array_equal(made, decode(_turned(coded, orientation)).pixels)


def _turned(png: bytes, orientation: int) -> bytes:
    """Return a PNG that says how it lies."""
    exif = b"II*\0" + struct.pack("<I", 8) + directory_of({274: (SHORT, [orientation])}, 8)
    body = b"eXIf" + exif
    chunk = struct.pack(">I", len(exif)) + body + struct.pack(">I", zlib.crc32(body))
    return png[:33] + chunk + png[33:]


def test_a_result_says_which_camera_it_was() -> None:
    made = process(dng(scene(), orientation=6), parse("identity"), Output())
    assert made.format == "jpeg"
    header = probe(made.data)
    assert (header.width, header.height, header.orientation) == (80, 120, 1)
    assert header.metadata.exif is not None
    assert b"Drawn\0" in header.metadata.exif


def test_16_bits_are_kept_where_the_output_can() -> None:
    made = process(dng(scene()), parse("identity"), Output(format="png"))
    assert probe(made.data).depth == 16


def test_a_tiff_stays_a_tiff() -> None:
    for depth in (8, 16):
        data = cv2.imencode(".tif", drawn(1, 40, 30, depth=depth))[1].tobytes()
        assert probe(data).format == "tiff"
        assert raw.read(Source(data)) is None


def test_what_is_cut_off_or_spoilt_is_refused() -> None:
    data = dng(scene())
    for end in (9, 100, len(data) // 2, len(data) - 3):
        with pytest.raises(PictureError) as raised:
            decode(data[:end])
        assert raised.value.code == "truncated"
    spoilt = directory_of({262: (SHORT, [32803]), 50706: (LONG, [1])}, 8)
    with pytest.raises(PictureError, match="no width and height"):
        probe(b"II*\0" + struct.pack("<I", 8) + spoilt)
    with pytest.raises(PictureError, match="cannot be developed") as raised:
        decode(dng(scene(), compression=9))
    assert raised.value.code == "corrupt"


def test_others_marks_and_sizes_are_known() -> None:
    """Olympus' are in TIFF's tags, Panasonic's in tags of its own; the larger picture counts."""
    sizes = directory_of({256: (LONG, [4000]), 257: (LONG, [3000])}, 8)
    for mark in (b"IIRO", b"IIRS"):
        header = probe(mark + struct.pack("<I", 8) + sizes)
        assert (header.format, header.width, header.height) == ("raw", 4000, 3000)
    edges = {4: (SHORT, [4]), 5: (SHORT, [8]), 6: (SHORT, [2008]), 7: (SHORT, [3016])}
    header = probe(b"IIU\0" + struct.pack("<I", 8) + directory_of(edges, 8))
    assert (header.format, header.width, header.height) == ("raw", 3008, 2004)


def test_a_sensor_that_is_nearly_all_edge_counts_whole() -> None:
    header = probe(dng(scene(20, 10), edge=100))
    assert (header.width, header.height) == (220, 210)


@pytest.mark.parametrize(("width", "ok"), [(116, True), (114, False)])
def test_a_little_more_may_be_developed_than_the_file_says(width: int, ok: bool) -> None:
    """As of a Canon CR2, that tells the size of the camera's own JPEG."""
    data = dng(scene())
    header = replace(probe(data), width=width)
    if ok:
        assert decode(data, header=header).pixels.shape == (80, 120, 3)
    else:
        with pytest.raises(PictureError, match="not what the header says"):
            decode(data, header=header)


def test_sizes_that_cannot_be_are_refused() -> None:
    edges = {4: (SHORT, [9]), 5: (SHORT, [9]), 6: (SHORT, [1]), 7: (SHORT, [1])}
    with pytest.raises(PictureError, match="no width and height"):
        probe(b"IIU\0" + struct.pack("<I", 8) + directory_of(edges, 8))
    many = {254: (LONG, [1]), 330: (LONG, [8] * 1000), 50706: (LONG, [1])}
    with pytest.raises(PictureError, match="no width and height"):
        probe(b"II*\0" + struct.pack("<I", 8) + directory_of(many, 8))


def test_a_nikon_hides_its_sensor_in_a_directory_within() -> None:
    first = {254: (LONG, [1]), 256: (LONG, [160]), 257: (LONG, [120]), 330: (LONG, [200])}
    inner = {256: (LONG, [6000]), 257: (LONG, [4000]), 262: (SHORT, [32803])}
    top = directory_of(first, 8)
    data = (b"II*\0" + struct.pack("<I", 8) + top).ljust(200, b"\0") + directory_of(inner, 200)
    header = probe(data)
    assert (header.format, header.width, header.height) == ("raw", 6000, 4000)


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "CR3 is not read here"),
        (b"FUJIFILMCCD-RAW 0201FF383501", "Fujifilm RAF, which is not read here"),
    ],
)
def test_what_is_not_read_is_named(start: bytes, what: str) -> None:
    with pytest.raises(PictureError, match=what):
        probe(start.ljust(100, b"\0"))


def test_without_rawpy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dng(scene())
    monkeypatch.setitem(sys.modules, "rawpy", None)
    assert probe(data).format == "raw"
    with pytest.raises(PictureError, match="takes rawpy") as raised:
        decode(data)
    assert "'.[raw]'" in raised.value.remedy
    assert raised.value.code in ELSEWHERE


def test_it_needs_a_node_that_reads_it_and_more_memory_and_time() -> None:
    data, recipe = dng(scene()), parse("identity")
    told = appraiser(recipe, Output())(io.BytesIO(data))
    assert told.needs == (f"{FORMAT_OF}raw",)
    assert told.seconds > recipe.cost() * told.megapixels
    assert told.memory > 3 * 120 * 80 * 6
    assert appraiser(parse("info"), Output())(io.BytesIO(data)).needs == ()
    png = cv2.imencode(".png", scene())[1].tobytes()
    assert appraiser(recipe, Output())(io.BytesIO(png)).needs == ()


def test_its_results_are_jpeg_unless_something_else_is_asked() -> None:
    names = ["a.dng", "b.CR2", "c.nef", "d.jpg"]
    assert [extension_for(Output())(name) for name in names] == [".jpg", ".jpg", ".jpg", None]
    assert set(converted_kinds(names, Output()).values()) == {"jpeg"}
    assert extension_for(Output(format="tiff"))("a.dng") == ".tif"
