"""Listening to the decoders' standard error."""

import os
from pathlib import Path

import pytest

from pixmesh.ops.complaints import missing_pixels, overheard

DESCRIPTORS = Path("/proc/self/fd")


def test_decoders_are_heard_and_others_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with overheard() as lines:
        os.write(2, b"Corrupt JPEG data: premature end of data segment\n")
        os.write(2, b"a log line of someone else\n")
    assert missing_pixels(lines) == "Corrupt JPEG data: premature end of data segment"
    assert capfd.readouterr().err == "a log line of someone else\n"


def test_standard_error_is_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), overheard():
        raise KeyError
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"


@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="no /proc/self/fd here")
def test_no_descriptor_is_left_open() -> None:
    before = len(list(DESCRIPTORS.iterdir()))
    for _ in range(10):
        with overheard():
            os.write(2, b"libpng warning: x\n")
    assert len(list(DESCRIPTORS.iterdir())) == before


def test_much_talk_does_not_block() -> None:
    with overheard() as lines:
        for _ in range(5000):
            os.write(2, b"libpng warning: the same thing over and over again\n")
    assert lines


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("Corrupt JPEG data: 119 extraneous bytes before marker 0xd9", False),
        ("Corrupt JPEG data: bad Huffman code", True),
        ("Corrupt JPEG data: found marker 0xd9 instead of RST3", True),
        ("Premature end of JPEG file", True),
        ("libpng warning: iCCP: known incorrect sRGB profile", False),
        ("[ERROR:0@1] global grfmt_tiff.cpp:117 TIFF_Error ZIPDecode: Decoding error", True),
        ("[ERROR:0@1] global grfmt_tiff.cpp:117 TIFF_Error Invalid tile byte count", False),
        ("[ WARN:0@1] global grfmt_tiff.cpp:123 TIFF_Warning Unknown field with tag", False),
    ],
)
def test_only_what_means_missing_pixels_counts(line: str, missing: bool) -> None:
    assert bool(missing_pixels([line])) == missing
