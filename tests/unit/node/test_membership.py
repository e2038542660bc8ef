"""What a machine remembers of the mesh that it joined: one broker's key, the last places first."""

import stat
from pathlib import Path

import pytest

from pixmesh.broker.keys import KeyPair, claimed
from pixmesh.node.errors import ConfigError
from pixmesh.node.net import membership
from pixmesh.node.net.address import Address
from pixmesh.node.net.membership import MOST_PLACES, Membership

BROKER = KeyPair.fresh()
JOINED = Membership(
    broker=BROKER.public.decode(),
    name="pi4",
    key="pi4",
    roles=("node", "submit"),
    places=(("10.0.0.1", 7710), ("10.0.0.2", 7710)),
    host="atlas",
)


def test_what_is_saved_is_loaded_and_the_users_alone(tmp_path: Path) -> None:
    path = tmp_path / "mesh.json"
    assert membership.load(path) is None
    membership.save(path, JOINED)
    assert membership.load(path) == JOINED
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"\xff\xfe", b"[]", b'{"broker": 7}', b'{"x":' + b"[" * 200_000]
)
def test_a_broken_file_is_an_error_that_says_what_to_do(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "mesh.json"
    path.write_bytes(damage)
    with pytest.raises(ConfigError) as error:
        membership.load(path)
    assert "ticket" in error.value.remedy


def test_every_place_is_tried_with_the_pinned_key() -> None:
    assert [str(one) for one in JOINED.addresses()] == ["10.0.0.1:7710", "10.0.0.2:7710"]
    assert {one.key for one in JOINED.addresses()} == {BROKER.public}
    assert JOINED.at("::1", 7) == Address(host="::1", port=7, key=BROKER.public)


def test_the_last_good_place_comes_first_and_there_are_few() -> None:
    seen = JOINED.seen_at(Address(host="10.0.0.2", port=7710, key=BROKER.public))
    assert seen.places == (("10.0.0.2", 7710), ("10.0.0.1", 7710))
    for number in range(20):
        seen = seen.seen_at(Address(host=f"10.0.1.{number}", port=7710, key=BROKER.public))
    assert len(seen.places) == MOST_PLACES
    assert seen.places[0] == ("10.0.1.19", 7710)
    assert (seen.broker, seen.name) == (JOINED.broker, JOINED.name)


def test_the_key_that_joined_is_found_by_its_name(tmp_path: Path) -> None:
    assert JOINED.first_pair(tmp_path) is None
    with claimed(tmp_path, "node", "pi4") as (_, pair):
        assert JOINED.first_pair(tmp_path) == pair
