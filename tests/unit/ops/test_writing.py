"""How results are written is part of a recipe: another format, without metadata or the place."""

import io

import pytest
from PIL import ExifTags, Image

from pixmesh.ops.header import probe
from pixmesh.ops.process import Output, Product, output_for, process, read_output
from pixmesh.ops.recipe import parse
from pixmesh.tests.support.photos import drawn

PLACE = 34853


def placed() -> bytes:
    """Return a JPEG that says who made it, and where it was taken."""
    exif = Image.Exif()
    exif[0x010F] = "Acme"
    exif.get_ifd(ExifTags.IFD.Exif)[36867] = "2024:01:02 03:04:05"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[2] = (48.0, 8.0, 12.3)
    written = io.BytesIO()
    Image.fromarray(drawn(51, 60, 40)).save(written, "jpeg", exif=exif.tobytes())
    return written.getvalue()


def made(recipe: str, output: Output | None = None) -> Product:
    read = parse(recipe)
    return process(placed(), read, output_for(read, output or Output()))


def test_a_recipe_can_say_the_format_and_the_quality() -> None:
    small = made("convert format=webp quality=30")
    large = made("convert format=webp quality=95")
    assert probe(small.data).format == probe(large.data).format == "webp"
    assert len(small.data) < len(large.data)
    assert probe(made("grayscale | convert quality=40 | convert format=png").data).format == "png"


def test_what_is_asked_for_besides_goes_first() -> None:
    assert made("convert format=webp", Output(format="png")).format == "png"
    how = output_for(parse("convert format=jpeg quality=30"), Output(quality=90))
    assert (how.format, how.quality) == ("jpeg", 90)


def exif_of(product: Product) -> Image.Exif:
    return Image.open(io.BytesIO(product.data)).getexif()


def test_stripped_of_all_nothing_is_left() -> None:
    assert dict(exif_of(made("strip"))) == {}
    assert made("strip").data.count(b"Acme") == 0


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "tiff"])
def test_stripped_of_the_place_the_rest_stays(form: str) -> None:
    before = exif_of(made(f"convert format={form}"))
    assert before.get_ifd(ExifTags.IFD.GPSInfo)
    after = exif_of(made(f"strip what=gps | convert format={form}"))
    assert after[0x010F] == "Acme"
    assert after.get_ifd(ExifTags.IFD.Exif)[36867] == "2024:01:02 03:04:05"
    assert not after.get_ifd(ExifTags.IFD.GPSInfo)
    assert PLACE not in after


def test_texts_of_outputs_are_what_they_were_before_there_were_places() -> None:
    assert "gps" not in Output().canonical()
    for how in (Output(), Output(strip_gps=True), Output(format="webp", quality=3, strip=True)):
        assert read_output(how.canonical()) == how
