"""The container file of nodes keeps what it promises, as far as reading it can tell."""

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "node" / "Containerfile"

Instruction = tuple[str, str]


def instructions(text: str) -> list[Instruction]:
    """Return the instructions with their words, comments left out and lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    pairs = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(name.upper(), words) for name, words in pairs]


def last_stage() -> dict[str, str]:
    """Return what holds in the image itself: the last of each instruction of its stage."""
    every = instructions(FILE.read_text(encoding="utf-8"))
    begin = max(number for number, (name, _) in enumerate(every) if name == "FROM")
    return dict(every[begin:])


def copied() -> list[str]:
    """Return what is copied from the checkout."""
    every = instructions(FILE.read_text(encoding="utf-8"))
    words = [words.split() for name, words in every if name == "COPY"]
    return [path for line in words if not line[0].startswith("--from") for path in line[:-1]]


def test_instructions_are_read_over_several_lines() -> None:
    text = "# a\nFROM a AS b\nENV A=1 \\\n    B=2\n\ncopy x ./\n"
    assert instructions(text) == [("FROM", "a AS b"), ("ENV", "A=1      B=2"), ("COPY", "x ./")]


def test_a_node_is_a_user_without_rights() -> None:
    uid = last_stage()["USER"]
    assert uid.isdigit()
    assert int(uid) >= 1000
    assert f"--uid {uid} " in last_stage()["RUN"]


def test_being_stopped_is_a_drain_that_reaches_the_node_itself() -> None:
    stage = last_stage()
    assert stage["STOPSIGNAL"] == "SIGTERM"
    assert json.loads(stage["ENTRYPOINT"]) == ["/opt/pixmesh/bin/pixmesh", "node"]


def test_the_state_is_in_the_volume() -> None:
    stage = last_stage()
    state = Path(stage["ENV"].removeprefix("PIXMESH_STATE="))
    assert state.parent == Path(stage["VOLUME"])


@pytest.mark.parametrize("path", copied())
def test_what_is_copied_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_room_that_is_shipped_is_copied_and_no_other() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"][
        "packages"
    ]
    rooms = {name.split(".")[1] for name in packages if "." in name}
    assert {path for path in copied() if (ROOT / path).is_dir()} == rooms


def test_the_image_has_what_is_locked_and_nothing_for_development() -> None:
    every = instructions(FILE.read_text(encoding="utf-8"))
    syncs = [words for name, words in every if name == "RUN" and "uv sync" in words]
    assert syncs
    assert all({"--frozen", "--no-dev"} <= set(words.split()) for words in syncs)
    assert "extra" not in " ".join(syncs)


def test_its_help_stops_it_later_than_a_drain_and_gives_it_the_hosts_network() -> None:
    text = FILE.read_text(encoding="utf-8")
    found = re.search(r"--stop-timeout (\d+)", text)
    assert found
    assert int(found[1]) > 60
    assert "docker build -f node/Containerfile" in text
    assert "--network host" in text
