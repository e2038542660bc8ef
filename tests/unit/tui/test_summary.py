"""What came of a request names what a person cancelled apart from what is left."""

from pathlib import Path

from pixmesh.node.owner.report import (
    PictureCancelled,
    PictureDone,
    PictureFailed,
    Summary,
    Tally,
)
from pixmesh.tui.pace import Counts, Pace, line
from pixmesh.tui.summary import as_data, in_words

SOURCE, OUT = Path("/in/a.jpg"), Path("/out")


def summed(*events: PictureCancelled | PictureDone | PictureFailed) -> Summary:
    tally = Tally()
    for event in events:
        tally.add(event)
    return tally.summary(skipped=0, seconds=0.0)


def test_what_a_person_cancelled_is_not_left_for_the_next_run() -> None:
    summary = summed(
        PictureDone(source=SOURCE, destination=OUT / "a.jpg"),
        PictureCancelled(Path("/in/b.jpg"), by_person=True),
        PictureCancelled(Path("/in/c.jpg")),
    )
    assert in_words([summary], out=OUT, later=1) == [
        "1 done, 1 cancelled, 2 left for the next run; see /out"
    ]
    data = as_data([summary], later=1)
    assert (data["taken_back"], data["cancelled"], data["later"]) == (["/in/b.jpg"], 1, 1)


def test_a_cancelled_picture_has_ended() -> None:
    counts = Counts(total=5, done=2, failed=1, cancelled=1)
    assert (counts.ended, counts.left) == (4, 1)
    assert line(counts, Pace()) == "2/5 done, 1 failed, 1 cancelled, 1 left"
