"""What others say cannot move a terminal's cursor, fake a line, or turn the text around."""

import io
import logging
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from pixmesh.broker.plain import PlainFormatter, plain, plain_lines

BAD = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text())
def test_nothing_is_left_that_does_more_than_show(text: str) -> None:
    assert {unicodedata.category(one) for one in plain(text)}.isdisjoint(BAD)
    assert plain_lines(text).count("\n") == text.count("\n")


def test_what_shows_stays_as_it_is() -> None:
    for text in ("Straße am Meer.png", "写真 1.png", "تجربة", "a\u202fb\u3000c", ""):
        assert plain(text) == text


def test_what_does_not_is_written_as_in_python() -> None:
    assert plain("\x1b[2Ja\nb\u202ec\udc80\0") == r"\x1b[2Ja\nb\u202ec\udc80\x00"


def test_a_log_line_is_one_line_and_its_traceback_stays_readable() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainFormatter("%(levelname)s %(message)s"))
    log = logging.Logger("test")
    log.addHandler(handler)
    log.warning("%s came", "a\nERROR b\x1b[0m")
    try:
        int("\x1b]0;x")
    except ValueError:
        log.exception("it broke")
    lines = stream.getvalue().splitlines()
    assert lines[:2] == [r"WARNING a\nERROR b\x1b[0m came", "ERROR it broke"]
    assert lines[2].startswith("Traceback")
    assert "\x1b" not in stream.getvalue()
