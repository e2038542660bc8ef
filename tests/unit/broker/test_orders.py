"""A person's word reaches the owner that watches the folder, and nobody else."""

import pytest

from pixmesh.broker import status
from pixmesh.broker.members import Refused
from pixmesh.broker.messages import FolderItem, MemberId, Note, State
from pixmesh.broker.orders import ORDERS

from .records import OTHER, OWNER, Talk

FOLDERS = (FolderItem("/in", "/out"), FolderItem("/in", "/small"))


def watched() -> Talk:
    """Two owners who watch folders of the same names."""
    talk = Talk()
    for owner in (OWNER, OTHER):
        talk.owner(owner)
        talk.hear(owner, State(folders=FOLDERS))
    return talk


def ids(talk: Talk) -> list[str]:
    snapshot = status.snapshot(talk.scheduler, talk.now, broker="here", version="1")
    return [one.id for one in snapshot.folders]


def notes(talk: Talk, owner: MemberId) -> list[Note]:
    return [one for one in talk.heard_by(owner) if isinstance(one, Note)]


def test_each_watched_folder_has_an_id_of_its_own_that_stays() -> None:
    talk = watched()
    before = ids(talk)
    assert len(set(before)) == 4
    talk.hear(OWNER, State(folders=(FolderItem("/in", "/out", written=9, paused="full"),)))
    talk.owner(OWNER, boot=2)
    talk.hear(OWNER, State(folders=FOLDERS[:1]))
    assert set(ids(talk)) == {before[0], *before[2:]}


@pytest.mark.parametrize("what", ["pause", "unpause"])
def test_the_owner_of_a_folder_is_told_by_the_out_that_it_reported(what: str) -> None:
    talk = watched()
    answer = ORDERS[what](talk.scheduler, ids(talk)[3])
    talk.turn()
    assert notes(talk, OTHER) == [Note(code=what, text="/small")]
    assert notes(talk, OWNER) == []
    assert answer.startswith("other... is told to ")
    assert answer.endswith("/in")


@pytest.mark.parametrize("what", ["pause", "unpause"])
def test_of_a_folder_that_nobody_watches_it_is_refused_with_what_shows_those(what: str) -> None:
    talk = watched()
    gone = ids(talk)[0]
    talk.hear(OWNER, State(folders=FOLDERS[1:]))
    for about in (gone, "", "/in"):
        with pytest.raises(Refused) as refused:
            ORDERS[what](talk.scheduler, about)
        assert "pixmesh folders list" in refused.value.remedy
    talk.turn()
    assert notes(talk, OWNER) + notes(talk, OTHER) == []
