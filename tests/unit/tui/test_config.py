"""Where settings come from, who wins, and how mistakes are told."""

from pathlib import Path

import pytest

from pixmesh.node import config, settings
from pixmesh.node.errors import ConfigError
from pixmesh.ops.recipe import parse


@pytest.fixture(autouse=True)
def _own_user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "user_file", lambda: tmp_path / "user" / "config.toml")
    (tmp_path / "user").mkdir()


def load(folder: Path, flags: dict[str, object] | None = None, **environ: str) -> config.Config:
    return config.load(flags, environ=environ, folder=folder)


def test_without_any_source_every_value_is_a_default(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert found == config.Config()
    assert found.origin("slots") == "default"


def test_flag_wins_over_environment_over_project_over_user(tmp_path: Path) -> None:
    (tmp_path / "user" / "config.toml").write_text(
        'slots = 1\nport = 1\nwait = 1\nbroker = "one"\nmax-load = 0.1'
    )
    (tmp_path / "pixmesh.toml").write_text('slots = 2\nport = 2\nwait = 2\nbroker = "two"')
    found = load(
        tmp_path, {"slots": 4, "wait": None}, PIXMESH_SLOTS="3", PIXMESH_PORT="3", PIXMESH_WAIT="3"
    )
    assert (found.slots, found.port, found.wait) == (4, 3, 3.0)
    assert (found.broker, found.max_load) == ("two", 0.1)
    assert found.origin("slots") == "flag --slots"
    assert found.origin("port") == "environment PIXMESH_PORT"
    assert found.origin("broker") == f"file {tmp_path / 'pixmesh.toml'}"
    assert found.origin("max_load") == f"file {tmp_path / 'user' / 'config.toml'}"


def test_files_that_recipes_name_are_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "pixmesh.toml").write_text(
        '[recipes]\nmark = "watermark picture=logo.png"\nplain = "blur |  canny"\nwrong = "cany"\n'
        '[[watch]]\nin = "in"\nout = "out"\nto = { a = "match reference=b.png", b = "mark" }\n'
        '[[watch]]\nin = "in"\nout = "out2"\nrecipe = "match reference=/whole.png"\n'
    )
    (tmp_path / "deeper").mkdir()
    found = load(tmp_path / "deeper")
    assert parse(found.recipes["mark"]).pictures() == (str(tmp_path / "logo.png"),)
    assert found.recipes["plain"] == "blur |  canny"
    assert found.recipes["wrong"] == "cany"
    several, one = found.watch
    assert parse(several.to["a"]).pictures() == (str(tmp_path / "b.png"),)
    assert several.to["b"] == "mark"
    assert one.recipe == "match reference=/whole.png"


def test_every_mistake_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "pixmesh.toml").write_text("slots = 0\nslot = 3\n[recipes]\nweb = 7\n")
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, {"max_pixels": "many"}, PIXMESH_PORT="70000")
    lines = raised.value.what.splitlines()
    assert len(lines) == 5
    assert lines[0] == f"slots: 0 is not from 1 to 1024 (file {tmp_path / 'pixmesh.toml'})"
    assert "did you mean slots?" in lines[1]
    assert "recipes.web" in lines[2]
    assert "environment PIXMESH_PORT" in lines[3]
    assert "flag --max-pixels" in lines[4]
    assert raised.value.exit_code == 2


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "pixmesh.toml").write_text("slots = = 3")
    with pytest.raises(ConfigError, match=r"pixmesh\.toml: not valid TOML"):
        load(tmp_path)


def test_the_project_file_is_found_from_a_sub_folder(tmp_path: Path) -> None:
    (tmp_path / "pixmesh.toml").write_text("slots = 5")
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert load(tmp_path / "a" / "b").slots == 5


def test_the_search_for_a_project_file_ends_at_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pixmesh.toml").write_text("slots = 5")
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    monkeypatch.setattr(Path, "home", lambda: home)
    assert load(home / "work").slots == config.Config().slots


@pytest.mark.parametrize("by_flag", [True, False])
def test_a_named_file_is_the_only_file(tmp_path: Path, by_flag: bool) -> None:
    (tmp_path / "pixmesh.toml").write_text("slots = 5")
    named = tmp_path / "mine.toml"
    named.write_text("port = 9000")
    environ = {} if by_flag else {"PIXMESH_CONFIG": str(named)}
    found = config.load(file=named if by_flag else None, environ=environ, folder=tmp_path)
    assert (found.port, found.slots) == (9000, config.Config().slots)


def test_a_named_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml: cannot be read"):
        config.load(file=tmp_path / "nothing.toml", environ={}, folder=tmp_path)


def test_recipes_of_both_files_are_there_and_the_project_wins(tmp_path: Path) -> None:
    (tmp_path / "user" / "config.toml").write_text('[recipes]\na = "blur"\nb = "blur"')
    (tmp_path / "pixmesh.toml").write_text('[recipes]\nb = "canny"')
    assert dict(load(tmp_path).recipes) == {"a": "blur", "b": "canny"}


def test_watched_folders_are_those_of_the_strongest_file_and_lie_beside_it(tmp_path: Path) -> None:
    table = '[[watch]]\nin = "{}"\nout = "s3://b/out"\nrecipe = "web"\n'
    (tmp_path / "user" / "config.toml").write_text(table.format("weaker"))
    (tmp_path / "pixmesh.toml").write_text(table.format("one") + table.format("two"))
    orders = load(tmp_path).watch
    assert [order.source for order in orders] == [str(tmp_path / "one"), str(tmp_path / "two")]
    assert {order.out for order in orders} == {"s3://b/out"}


def test_every_mistake_in_a_watched_folder_is_named(tmp_path: Path) -> None:
    text = '[[watch]]\nin = "x"\nsetle = 3\nquality = 0\n[[watch]]\nin = "y"\n'
    (tmp_path / "pixmesh.toml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        load(tmp_path)
    for part in ("did you mean settle", "quality: 0", "watch 2: there is no 'out'", "'recipe' or"):
        assert part in str(raised.value)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("studio", ("studio", 7710)),
        ("studio:1", ("studio", 1)),
        ("192.168.1.2:80", ("192.168.1.2", 80)),
        ("[::1]:80", ("::1", 80)),
        ("fe80::1", ("fe80::1", 7710)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert settings.split_address(text, 7710) == address


@pytest.mark.parametrize("text", ["", "a b", "a:b", "a:1:2x", "a:99999", ":80", "http://a"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        settings.read_address(text)


@pytest.mark.parametrize(
    ("value", "pixels"), [(7, 7), ("7", 7), ("256M", 256_000_000), ("1.5 GP", 1_500_000_000)]
)
def test_pixels(value: object, pixels: int) -> None:
    assert settings.read_pixels(value) == pixels


@pytest.mark.parametrize("value", [True, "x", float("nan"), 10**400, [], 1.5])
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a"):
        settings.read_slots(value)
