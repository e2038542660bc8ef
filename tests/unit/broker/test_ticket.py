"""A ticket reads back as it was written, however it was pasted; anything else is refused."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmesh.broker.keys import KeyPair
from pixmesh.broker.ticket import MOST_ADDRESSES, PREFIX, Malformed, Ticket, routable

BROKER, OWN = KeyPair.fresh(), KeyPair.fresh()
hosts = st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str))
places = st.lists(st.tuples(hosts, st.integers(1, 65535)), max_size=MOST_ADDRESSES)


def ticket(*addresses: tuple[str, int], seconds: int = 3600) -> Ticket:
    return Ticket(seconds, BROKER.public, OWN, addresses)


def sealed(body: bytes) -> str:
    """Write any bytes as a ticket whose checksum is right."""
    check = hashlib.blake2b(body, digest_size=4, person=b"pixmesh-ticket").digest()
    return PREFIX + base64.b32encode(body + check).decode().rstrip("=").lower()


@given(places, st.integers(0, 2**32 - 1))
def test_what_is_written_is_read(where: list[tuple[str, int]], seconds: int) -> None:
    one = ticket(*where, seconds=seconds)
    text = one.text()
    assert Ticket.read(text) == one
    assert text.isascii()
    assert text.replace("-", "").isalnum()
    assert text == text.lower()


@given(st.data())
def test_blanks_line_ends_and_capitals_change_nothing(data: st.DataObject) -> None:
    one = ticket(("10.0.0.7", 7710))
    letters = list(one.text())
    for _ in range(data.draw(st.integers(0, 5))):
        letters.insert(
            data.draw(st.integers(0, len(letters))), data.draw(st.sampled_from(" \n\t\r"))
        )
    assert Ticket.read("".join(letters)) == one
    assert Ticket.read(PREFIX + one.text().removeprefix(PREFIX).upper()) == one


@given(st.integers(0, 500), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_one_wrong_letter_is_noticed(at: int, letter: str) -> None:
    text = ticket(("10.0.0.7", 7710), ("fd00::1", 7710)).text()
    at = len(PREFIX) + at % (len(text) - len(PREFIX) - 1)  # the last letter has bits to spare
    if text[at] != letter:
        with pytest.raises(Malformed):
            Ticket.read(text[:at] + letter + text[at + 1 :])


@given(st.text())
def test_no_text_does_more_than_be_refused(text: str) -> None:
    for one in (text, PREFIX + text):
        with pytest.raises(Malformed):
            Ticket.read(one)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused_even_with_a_right_checksum(body: bytes) -> None:
    try:
        one = Ticket.read(sealed(body))
    except Malformed:
        return
    assert len(body) >= 68
    assert all(0 <= port <= 65535 for _, port in one.addresses)


def test_only_so_many_addresses_are_written() -> None:
    many = tuple((f"10.0.0.{number}", 7710) for number in range(20))
    assert Ticket.read(ticket(*many).text()).addresses == many[:MOST_ADDRESSES]


def test_a_ticket_is_short_enough_to_paste() -> None:
    many = tuple((f"fd00::{number}", 7710) for number in range(MOST_ADDRESSES))
    assert len(ticket(*many).text()) < 400
    assert len(ticket(("10.0.0.1", 7710)).text()) < 140


def test_addresses_that_mean_nothing_elsewhere_are_left_out_and_loopback_comes_last() -> None:
    given_ = ["::1", "fe80::1%eth0", "fd00::1", "127.0.0.1", "10.0.0.1"]
    assert routable(given_) == ["10.0.0.1", "fd00::1", "127.0.0.1", "::1"]
