"""An order says what to make of a folder, and every mistake in it is named."""

from pathlib import Path

import pytest

from pixmesh.node.folder.order import Order, read_duration, read_on_done, read_order

LEAST = {"in": "drop", "out": "done", "recipe": "grayscale"}


def test_the_least_order_has_the_defaults() -> None:
    assert read_order(LEAST) == Order(source="drop", out="done", recipe="grayscale")


def test_all_that_can_be_ordered_is_read() -> None:
    order = read_order(
        {
            "in": "drop",
            "out": "s3://bucket/done",
            "to": {"small": "resize width=64", "lines": "canny"},
            "format": "webp",
            "quality": 80,
            "on-exists": "number",
            "on-done": "move=old",
            "settle": "500ms",
            "poll": "1m",
            "include": ["*.jpg", "raw/**"],
            "exclude": "*.tmp.jpg, x*",
            "keep-times": True,
        },
        folder=Path("/home/ann"),
    )
    assert (order.source, order.out) == ("/home/ann/drop", "s3://bucket/done")
    assert order.on_done == "move=/home/ann/old"
    assert (order.settle, order.poll) == (0.5, 60.0)
    assert (order.include, order.exclude) == (("*.jpg", "raw/**"), ("*.tmp.jpg", "x*"))
    assert dict(order.to) == {"small": "resize width=64", "lines": "canny"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"in": None}, "in: None is not a text"),
        ({"source": "x"}, "source: no such setting"),
        ({"setle": 2}, "did you mean settle"),
        ({"settle": 0}, "settle: 0 is not a time above 0"),
        ({"settle": "2 days"}, "settle: '2 days'"),
        ({"poll": True}, "poll: True"),
        ({"quality": 101}, "quality: 101"),
        ({"quality": "80"}, "quality: '80'"),
        ({"on-exists": "overwrite"}, "none of stop, skip, replace, number"),
        ({"on-done": "delete"}, "neither keep nor move=DIR"),
        ({"on-done": "move="}, "neither keep nor move=DIR"),
        ({"keep-times": "yes"}, "neither true nor false"),
        ({"to": {"a": "blur"}}, "either 'recipe' or 'to'"),
        ({"to": {"../a": "blur"}}, "no name for a folder"),
        ({"to": {"_failed": "blur"}}, "no name for a folder"),
        ({"to": {"a": "blur", "A": "canny"}}, "two names are equal"),
        ({"to": "blur"}, "not a table"),
        ({"include": 3}, "not a list of words"),
    ],
)
def test_mistakes_are_named(more: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        read_order({**LEAST, **more})


@pytest.mark.parametrize("missing", ["in", "out", "recipe"])
def test_what_is_missing_is_named(missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        read_order({key: value for key, value in LEAST.items() if key != missing})


@pytest.mark.parametrize(
    ("text", "seconds"), [(2, 2.0), ("2", 2.0), ("2s", 2.0), ("250ms", 0.25), ("1.5 m", 90.0)]
)
def test_durations(text: object, seconds: float) -> None:
    assert read_duration(text) == seconds


def test_a_folder_may_be_called_move() -> None:
    assert read_on_done("move=move=") == "move=move="


@pytest.mark.parametrize(
    ("url", "as_shown"),
    [
        ("sftp://ann:hunter22@nas/drop", "sftp://ann@nas/drop"),
        ("sftp://ann:hun/ter22@nas/drop", "sftp://ann@nas/drop"),
        ("sftp://ann:hun#ter22@nas:22/drop", "sftp://ann@nas:22/drop"),
        ("smb://home;ann:h@nter22?@nas/drop", "smb://home;ann@nas/drop"),
    ],
)
@pytest.mark.parametrize("key", ["in", "out", "on-done"])
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str, as_shown: str, key: str) -> None:
    with pytest.raises(ValueError, match="a password does not belong into a URL") as refused:
        read_order({**LEAST, key: f"move={url}" if key == "on-done" else url})
    assert f"{key}: {as_shown}: " in str(refused.value)
    assert "ter22" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["sftp://ann@nas:22/a:b@c", "s3://bucket/a:b@c", "sftp://nas:22/drop", "smb://nas/d"]
)
def test_what_only_looks_like_a_password_is_none(url: str) -> None:
    assert read_order({**LEAST, "in": url}).source == url
