"""Keys are made once, private, and held by one process at a time."""

import re
import stat
from pathlib import Path

from pixmesh.broker.keys import (
    KeyPair,
    claimed,
    fingerprint,
    is_let_in,
    member_of,
    published,
    read_pair,
)


def test_a_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    with claimed(tmp_path, "node", "atlas") as (name, first):
        assert name == "atlas"
    with claimed(tmp_path, "node", "atlas") as (_, again):
        assert again == first
    assert first.member == member_of(first.raw)
    assert len(first.raw) == 32


def test_a_name_in_use_becomes_another_with_another_key(tmp_path: Path) -> None:
    with (
        claimed(tmp_path, "node", "atlas") as (_, first),
        claimed(tmp_path, "node", "atlas") as (second_name, second),
        claimed(tmp_path, "node", "atlas") as (third_name, third),
    ):
        assert (second_name, third_name) == ("atlas-2", "atlas-3")
        assert len({first.member, second.member, third.member}) == 3
    with claimed(tmp_path, "node", "atlas") as (name, key):
        assert (name, key) == ("atlas", first)


def test_names_that_differ_behind_a_dot_have_their_own_keys(tmp_path: Path) -> None:
    with (
        claimed(tmp_path, "node", "pi.4") as (four, first),
        claimed(tmp_path, "node", "pi.5") as (five, second),
        claimed(tmp_path, "node", "pi.5") as (again, third),
    ):
        assert (four, five, again) == ("pi.4", "pi.5", "pi.5-2")
        assert len({first, second, third}) == 3


def test_roles_do_not_share_keys(tmp_path: Path) -> None:
    with (
        claimed(tmp_path, "node", "atlas") as (_, node),
        claimed(tmp_path, "broker", "atlas") as (name, broker),
    ):
        assert name == "atlas"
        assert node != broker


def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    with claimed(folder, "node", "../../evil/name"):
        assert list(tmp_path.iterdir()) == [folder]
        assert all(path.parent == folder for path in folder.rglob("*"))


def test_keys_are_readable_by_their_user_alone(tmp_path: Path) -> None:
    with claimed(tmp_path, "node", "atlas"), published(tmp_path):
        files = [path for path in tmp_path.iterdir() if path.suffix in {".key", ".pub"}]
        assert len(files) == 3
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_an_owner_is_let_in_only_for_as_long_as_it_lives(tmp_path: Path) -> None:
    with claimed(tmp_path, "node", "atlas") as (_, node):
        with published(tmp_path) as owner:
            assert is_let_in(tmp_path, owner.public)
        assert is_let_in(tmp_path, node.public)
        assert not is_let_in(tmp_path, owner.public)
        assert not is_let_in(tmp_path, KeyPair.fresh().public)


def test_a_file_that_names_another_key_lets_nobody_in(tmp_path: Path) -> None:
    stranger = KeyPair.fresh()
    (tmp_path / f"{stranger.member.hex()}.pub").write_bytes(KeyPair.fresh().public)
    assert not is_let_in(tmp_path, stranger.public)


def test_a_key_can_be_read_while_another_process_holds_it(tmp_path: Path) -> None:
    with claimed(tmp_path, "node", "atlas") as (_, pair):
        assert read_pair(tmp_path, "node", "atlas") == pair
        assert read_pair(tmp_path, "node", "pi") is None


def test_a_fingerprint_is_short_and_each_has_its_own() -> None:
    one, other = KeyPair.fresh().raw, KeyPair.fresh().raw
    assert fingerprint(one) == fingerprint(one)
    assert len({fingerprint(one), fingerprint(other), fingerprint(one, other)}) == 3
    assert re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", fingerprint(one))


def test_fresh_keys_are_members_of_their_own() -> None:
    assert len({KeyPair.fresh().member for _ in range(5)}) == 5
