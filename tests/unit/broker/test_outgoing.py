"""What is gathered in a turn leaves in few messages, each within the wire's limit."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixmesh.broker import wire
from pixmesh.broker.messages import (
    INLINE_BYTES,
    MOST_REFERENCES,
    REFERENCE_BYTES,
    Assign,
    AttemptId,
    End,
    EndItem,
    MemberId,
    ReferenceItem,
    Result,
    Settled,
    Submit,
    TaskItem,
    Work,
)
from pixmesh.broker.outgoing import Outgoing, Send, end_pages, id_pages, task_pages
from pixmesh.broker.tasks import Attempt, Batch, Task

from .records import NODE, OTHER, OWNER, batch_record, item, node_record

WORST = "\U0001f98a"
WORST_REFERENCES = (ReferenceItem(bytes(16), bytes(32), REFERENCE_BYTES),) * MOST_REFERENCES
LENGTHS = st.lists(st.integers(0, INLINE_BYTES), min_size=1, max_size=30)


def worst_end(number: int, inline: int) -> EndItem:
    return EndItem(
        attempt=2**63 - 1 - number,
        task=bytes(16),
        owner=bytes(8),
        end=End.DONE,
        seconds=1e9,
        size=2**48,
        digest=bytes(32),
        format=WORST * 64,
        code=WORST * 64,
        reason=WORST * (number % 1000),
        inline=bytes(inline) or None,
        node=WORST * 64,
        holder=bytes(8),
        attempts=2**48,
    )


def worst_task(inline: int) -> TaskItem:
    return TaskItem(bytes(16), bytes(16), 2**48, bytes(32), 1e9, 2**48, bytes(inline) or None)


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(LENGTHS, st.integers(1, 60))
def test_pages_of_ends_fit_whatever_is_in_them(lengths: list[int], times: int) -> None:
    ends = [worst_end(n, size) for n in range(times) for size in [*lengths[:3], 0, 0, 0, 0, 0]]
    pages = list(end_pages(ends))
    for page in pages:
        assert wire.decode(wire.encode(Result(tuple(page))))[0] == Result(tuple(page))
    assert [end for page in pages for end in page] == ends


def test_many_small_ends_fit() -> None:
    for page in end_pages([worst_end(0, 0)] * 3000):
        assert wire.encode(Result(tuple(page)))


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(LENGTHS, st.integers(1, 200))
def test_pages_of_tasks_fit_beside_the_longest_recipe(lengths: list[int], times: int) -> None:
    tasks = [worst_task(size) for size in [*lengths, *[0] * (10 * times)]]
    pages = list(task_pages(tasks))
    for page in pages:
        message = Submit(
            seq=2**48,
            batch=2**48,
            recipe=WORST * 4000,
            output=WORST * 1000,
            tasks=tuple(page),
            needs=("operation",) * 400,
            label=WORST * 1000,
            references=WORST_REFERENCES,
        )
        assert wire.encode(message)
    assert [task for page in pages for task in page] == tasks


def test_pages_of_ids_fit() -> None:
    ids = [2**63 - 1 - number for number in range(100_000)]
    pages = list(id_pages(ids))
    assert [one for page in pages for one in page] == ids
    assert all(wire.encode(Settled(page)) for page in pages)


def attempts(count: int, batch: Batch, *, inline: int = 0) -> list[Attempt]:
    node = node_record()
    task = Task(worst_task(inline), batch)
    return [Attempt(AttemptId(2**62 + n), task, node, 0, 1.0, 1.0, 0.0) for n in range(count)]


def test_assigns_fit_and_are_numbered() -> None:
    batch = batch_record()
    batch.work = Work(
        owner=OWNER, recipe=WORST * 4000, output=WORST * 1000, references=WORST_REFERENCES
    )
    other = Batch(batch.owner, 2, Work(OWNER, "blur", ""), frozenset(), 0, "")
    out = Outgoing()
    given_out = attempts(40, batch, inline=INLINE_BYTES) + attempts(3000, other)
    for attempt in given_out:
        out.assign(attempt)
    sent = [one.message for one in out.flush({NODE: node_record()}) if isinstance(one, Send)]
    assigns = [one for one in sent if isinstance(one, Assign)]
    assert [one.seq for one in assigns] == list(range(1, len(assigns) + 1))
    assert all(wire.encode(one) for one in assigns)
    items = [one for said in assigns for one in said.attempts]
    assert [one.attempt for one in items] == [one.id for one in given_out]
    for said in assigns:
        assert all(one.work < len(said.works) for one in said.attempts)
    assert given_out[-1].seq == assigns[-1].seq


def test_assigns_of_many_batches_with_references_fit() -> None:
    out, node = Outgoing(), node_record()
    for number in range(2000):
        work = Work(OWNER, f"{number}", "", WORST_REFERENCES)
        batch = Batch(batch_record().owner, number, work, frozenset(), 0, "")
        out.assign(Attempt(AttemptId(number), Task(item(1), batch), node, 0, 1.0, 1.0, 0.0))
    sent = [one.message for one in out.flush({NODE: node}) if isinstance(one, Send)]
    assert all(wire.encode(one) for one in sent)


def test_a_turn_is_one_message_for_each_member_and_then_forgotten() -> None:
    out = Outgoing()
    for number in range(50):
        out.settle(NODE, number)
        out.settle(OTHER, number)
        out.drop(NODE, number, unstarted=True)
        out.end(OWNER, worst_end(number, 0))
    sent = [one for one in out.flush({}) if isinstance(one, Send)]
    assert sorted(one.member for one in sent) == sorted([NODE, OTHER, NODE, OWNER])
    assert out.flush({}) == []


def test_nothing_is_assigned_to_who_is_evicted() -> None:
    out = Outgoing()
    out.assign(
        Attempt(AttemptId(1), Task(item(1), batch_record()), node_record(), 0, 1.0, 1.0, 0.0)
    )
    out.evict(MemberId(NODE))
    assert len(out.flush({})) == 1
