"""Results on their way to an owner: each is fetched once, and their bytes are all let go."""

from pathlib import Path

import zmq

from pixmesh.broker.keys import KeyPair
from pixmesh.broker.messages import INLINE_BYTES, End, EndItem, Hello, TaskItem
from pixmesh.node.net.address import Address
from pixmesh.node.net.connection import Connection
from pixmesh.node.owner.arrivals import MOST_BYTES, Arrivals
from pixmesh.node.owner.job import Job, Outcome
from pixmesh.node.owner.table import Table
from pixmesh.tests.support.fakes.owner import make_job

SIZE = INLINE_BYTES + 1


class Desk:
    """Arrivals whose relay leads nowhere, for jobs that were asked."""

    def __init__(self, connection: Connection, spool: Path) -> None:
        self.table = Table()
        self.arrivals = Arrivals(self.table, connection, spool, lambda: None)
        self.outcomes: list[Outcome] = []

    def ask(self, number: int) -> Job:
        job = make_job(number)
        item = TaskItem(job.id, bytes([number]) * 16, 10, bytes(32), 0.01, 1, b"pixels")
        batch = self.table.batch(job.recipe, job.output, "", ())
        self.table.add(job, item, batch, self.outcomes.append)
        list(self.table.says(0.0))
        return job

    def end(self, job: Job, attempt: int, size: int) -> None:
        end = EndItem(attempt, job.id, bytes(8), End.DONE, size=size, digest=bytes(32))
        self.arrivals.ended(end, 0.0)


def hello() -> Hello:
    return Hello("owner", "here", bytes(32), bytes(8), 1, 1)


def test_a_result_wanted_twice_is_fetched_once_and_let_go_whole(tmp_path: Path) -> None:
    with zmq.Context() as context:
        address = Address(folder=tmp_path)
        connection = Connection(context, address, KeyPair.fresh(), hello, 0.0)
        desk = Desk(connection, tmp_path)
        job = desk.ask(1)
        desk.arrivals.held_bytes = MOST_BYTES
        desk.end(job, 1, SIZE)
        desk.end(job, 2, SIZE)
        desk.arrivals.held_bytes = 0
        desk.arrivals.tick(0.0)
        assert len(desk.arrivals.arriving) == 1
        assert desk.arrivals.held_bytes == SIZE
        key = next(iter(desk.arrivals.arriving))
        desk.arrivals.receiver.failed(key, "it is gone")
        assert sum(content.size for _, content in desk.arrivals.arriving.values()) == 0
        assert desk.arrivals.held_bytes + len(desk.arrivals.held) == 0
        connection.close()
