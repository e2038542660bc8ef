"""Settings are shown with their values and where these came from, for people and programs."""

import dataclasses
import json
import tomllib
from pathlib import Path
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from pixmesh.node.config import Config, load
from pixmesh.node.folder.order import Order
from pixmesh.tests.unit.tui.command import pixmesh
from pixmesh.tui.config_view import Place, as_data, as_toml

HERE = Path("/here")
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@given(st.dictionaries(NAMES, NAMES, max_size=4), NAMES, st.booleans())
def test_what_is_shown_is_toml_that_says_the_same(
    recipes: dict[str, str], origin: str, origins: bool
) -> None:
    config = Config(
        slots=3,
        max_load=0.8,
        recipes=MappingProxyType(recipes),
        origins=MappingProxyType({"slots": f"file {origin}"}),
    )
    read = tomllib.loads(as_toml(config, origins=origins))
    assert (read["slots"], read["max-load"], "broker" in read) == (3, 0.8, False)
    assert read.get("recipes", {}) == recipes


def test_what_is_shown_is_read_again_as_the_same_settings(tmp_path: Path) -> None:
    orders = (
        Order(source="/in", out="s3://bucket/out", recipe="web", settle=0.5, include=("*.jpg",)),
        Order(source="/b", out="/c", to={"big one": "blur"}, keep_times=True, on_done="move=/d"),
    )
    config = Config(
        broker="studio:1", slots=3, recipes=MappingProxyType({"web": "blur"}), watch=orders
    )
    file = tmp_path / "pixmesh.toml"
    file.write_text(as_toml(config, origins=True), encoding="utf-8")
    assert load(file=file, environ={}, folder=tmp_path) == config


def test_every_setting_is_shown_in_words_and_in_data() -> None:
    names = {field.name.replace("_", "-") for field in dataclasses.fields(Config)}
    names -= {"recipes", "origins", "watch"}
    assert as_data(Config(), [])["settings"].keys() == names  # type: ignore[attr-defined]
    assert all(name in as_toml(Config(), origins=False) for name in names)


def test_a_file_that_is_not_read_says_where_it_would_be() -> None:
    assert "not there" in Place("the user's", HERE / "config.toml", False, HERE).in_words()
    assert "not in /here, nor above" in Place("the project's", None, False, HERE).in_words()


def test_the_command_tells_origins_on_stdout_and_files_on_stderr(tmp_path: Path) -> None:
    file = tmp_path / "pixmesh.toml"
    file.write_text('slots = 2\n[recipes]\nweb = "grayscale"\n')
    words = ("config", "show", "--origin", "--broker", "studio")
    done = pixmesh(*words, folder=tmp_path, PIXMESH_PORT="9000")
    assert done.code == 0
    lines = {line.split(" = ")[0]: line for line in done.out.splitlines()}
    assert lines["slots"].endswith(f"# file {file}")
    assert lines["port"].endswith("# environment PIXMESH_PORT")
    assert lines["broker"].endswith("# flag --broker")
    assert lines["drain"].endswith("# default")
    assert lines["web"].endswith(f"# file {file}")
    assert f"{file} (the project's; read)" in done.err
    assert "config.toml (the user's; not there)" in done.err


def test_without_origin_there_is_none(tmp_path: Path) -> None:
    out = pixmesh("config", "show", folder=tmp_path).out
    assert "default" not in out
    assert "port = 7710" in out


def test_the_data_has_each_value_its_origin_and_the_files(tmp_path: Path) -> None:
    named = tmp_path / "mine.toml"
    named.write_text('port = 9000\n[recipes]\nweb = "blur"\n')
    done = pixmesh("config", "show", "--json", "--config", str(named), folder=tmp_path)
    data = json.loads(done.out)
    assert (done.code, done.err, data["schema"]) == (0, "", 1)
    assert data["settings"]["port"] == {"value": 9000, "origin": f"file {named}"}
    assert data["settings"]["broker"] == {"value": None, "origin": "default"}
    assert data["recipes"] == {"web": {"value": "blur", "origin": f"file {named}"}}
    assert [(one["path"], one["read"]) for one in data["files"]] == [(str(named), True)]


def test_mistakes_are_told_as_any_command_tells_them(tmp_path: Path) -> None:
    (tmp_path / "pixmesh.toml").write_text("slots = 0\nslot = 1\n")
    done = pixmesh("config", "show", folder=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert f"slots: 0 is not from 1 to 1024 (file {tmp_path / 'pixmesh.toml'})" in done.err
    assert "did you mean slots?" in done.err
