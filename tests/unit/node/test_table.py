"""The owner's table: whatever comes twice, late or never, a job has one outcome."""

from msgspec import structs

from pixmesh.broker.messages import Drop, End, EndItem, Settled, Submit, TaskItem, Window
from pixmesh.node.owner.job import Cancelled, Failure, Job, Outcome, Result
from pixmesh.node.owner.table import MOST_FETCHES, RESEND_AFTER, Entry, Place, Table
from pixmesh.tests.support.fakes.owner import FakeResult, make_job

NODE = b"node...."


class Desk:
    """A table with its jobs, what it said, and the outcomes it delivered."""

    def __init__(self, jobs: int = 1) -> None:
        self.table = Table()
        self.jobs = [make_job(number) for number in range(jobs)]
        self.outcomes: list[Outcome] = []
        self.now = 0.0
        for job in self.jobs:
            self.add(job)

    def add(self, job: Job) -> None:
        item = TaskItem(job.id, bytes(16), 10, bytes(32), 0.01, 1, b"pixels")
        batch = self.table.batch(job.recipe, job.output, "", ("blur",))
        self.table.add(job, item, batch, self.outcomes.append)

    def says(self) -> list[Submit | Drop | Settled]:
        self.now += 1.0
        return list(self.table.says(self.now))

    def submits(self) -> list[Submit]:
        return [one for one in self.says() if isinstance(one, Submit)]

    def settled(self) -> set[int]:
        said = [one for one in self.says() if isinstance(one, Settled)]
        return {attempt for one in said for attempt in one.attempts}

    def end(self, attempt: int, end: End = End.DONE, *, job: int = 0) -> Entry | None:
        code = "" if end is End.DONE else "bad"
        return self.table.ended(
            EndItem(attempt, self.jobs[job].id, bytes(8), end, code=code, reason=code, node="pi")
        )

    def had(self, entry: Entry | None) -> None:
        assert entry is not None
        result = Result(
            job=entry.job.id, content=FakeResult(1), digest=b"", format="png", node="pi",
            attempts=1, seconds=0.0,
        )  # fmt: skip
        self.table.had(entry, result)

    def place(self, job: int = 0) -> Place | None:
        entry = self.table.entries.get(self.jobs[job].id)
        return entry.place if entry is not None else None


def window(seen: int, tasks: int, held: int, *, inline: int = 10_000) -> Window:
    return Window(seen=seen, tasks=tasks, held=held, bytes=inline)


def test_a_job_is_asked_had_and_settled() -> None:
    desk = Desk()
    (submit,) = desk.submits()
    assert (submit.seq, submit.restart, submit.needs) == (1, True, ("blur",))
    entry = desk.end(7)
    assert desk.place() is Place.FETCHING
    desk.had(entry)
    assert [type(one) for one in desk.outcomes] == [Result]
    assert desk.settled() == set()
    desk.table.settle(desk.jobs[0].id)
    assert desk.settled() == {7}
    assert desk.table.entries == {}


def test_the_first_outcome_is_the_only_one() -> None:
    desk = Desk()
    desk.says()
    desk.had(desk.end(7))
    for attempt, end in ((7, End.DONE), (8, End.DONE), (9, End.FAILED), (10, End.RETURNED)):
        assert desk.end(attempt, end) is None
    assert len(desk.outcomes) == 1
    assert desk.settled() == {7, 8, 9, 10}


def test_an_end_told_again_while_it_is_fetched_changes_nothing() -> None:
    desk = Desk()
    desk.says()
    entry = desk.end(7)
    assert desk.end(7) is None
    assert desk.settled() == set()
    desk.had(entry)
    assert len(desk.outcomes) == 1


def test_a_second_result_while_one_is_fetched_takes_its_place() -> None:
    desk = Desk()
    desk.says()
    desk.end(7)
    entry = desk.end(8)
    assert entry is not None
    assert entry.end is not None
    assert entry.end.attempt == 8
    assert desk.settled() == {7}


def test_a_failure_is_an_outcome_with_its_reason() -> None:
    desk = Desk()
    desk.says()
    assert desk.end(7, End.FAILED) is None
    (failure,) = desk.outcomes
    assert isinstance(failure, Failure)
    assert (failure.code, failure.reason, failure.node) == ("bad", "bad", "pi")
    assert desk.settled() == {7}


def test_a_job_of_nobody_is_settled_away() -> None:
    desk = Desk()
    desk.table.settle(desk.jobs[0].id)
    assert desk.end(7) is None
    assert desk.settled() == {7}
    assert desk.outcomes == []


def test_a_new_session_asks_anew_for_what_has_no_end_and_nothing_else() -> None:
    desk = Desk(4)
    desk.says()
    desk.end(7, job=1)
    desk.had(desk.end(8, job=2))
    desk.table.session_began()
    (submit,) = desk.submits()
    assert submit.restart
    assert [task.id for task in submit.tasks] == [desk.jobs[0].id, desk.jobs[3].id]


def test_a_lost_submit_is_found_by_the_window_and_sent_again() -> None:
    desk = Desk()
    desk.says()
    behind = window(0, 100, 0)
    desk.table.windowed(behind, 0.0)
    desk.table.windowed(behind, RESEND_AFTER - 0.1)
    assert desk.submits() == []
    desk.table.windowed(behind, RESEND_AFTER)
    (again,) = desk.submits()
    assert (again.seq, again.restart) == (2, True)


def test_a_lost_submit_is_found_while_others_are_sent() -> None:
    desk = Desk()
    desk.says()
    for second in range(4):
        desk.jobs.append(make_job(100 + second))
        desk.add(desk.jobs[-1])
        desk.says()
        desk.table.windowed(window(0, 100, 0), float(second))
    submits = desk.submits()
    assert [one.restart for one in submits] == [True]


def test_a_task_that_the_broker_does_not_have_is_asked_for_again() -> None:
    desk = Desk(2)
    desk.says()
    desk.table.windowed(window(1, 100, 1), 0.0)
    desk.table.windowed(window(1, 100, 1), RESEND_AFTER)
    assert [len(one.tasks) for one in desk.submits()] == [2]


def test_a_broker_that_keeps_up_is_asked_once() -> None:
    desk = Desk(2)
    desk.says()
    for second in range(10):
        desk.table.windowed(window(1, 100, 2), float(second))
    assert desk.submits() == []


def test_no_more_is_asked_than_the_window_allows() -> None:
    desk = Desk(10)
    desk.table.windowed(window(0, 3, 0), 0.0)
    assert sum(len(one.tasks) for one in desk.submits()) == 3
    desk.had(desk.end(7))
    assert desk.submits() == []
    desk.table.settle(desk.jobs[0].id)
    assert sum(len(one.tasks) for one in desk.submits()) == 1


def test_a_result_lost_is_dropped_asked_anew_and_given_up_in_the_end() -> None:
    desk = Desk()
    desk.says()
    for attempt in range(1, MOST_FETCHES):
        entry = desk.end(attempt)
        assert entry is not None
        desk.table.not_had(entry, "it went away")
        drop, submit = desk.says()
        assert drop == Drop(tasks=(desk.jobs[0].id,))
        assert isinstance(submit, Submit)
    entry = desk.end(99)
    assert entry is not None
    desk.table.not_had(entry, "it went away")
    (failure,) = desk.outcomes
    assert isinstance(failure, Failure)
    assert failure.code == "result-lost"
    assert "5 times: it went away" in failure.reason
    assert desk.table.entries == {}


def test_a_late_result_counts_for_a_job_that_waits_to_be_asked_again() -> None:
    desk = Desk()
    desk.says()
    desk.table.session_began()
    desk.had(desk.end(7))
    desk.table.settle(desk.jobs[0].id)
    assert desk.submits() == []
    assert len(desk.outcomes) == 1


def test_two_who_ask_for_one_job_both_get_its_outcome() -> None:
    desk = Desk()
    desk.add(desk.jobs[0])
    assert [len(one.tasks) for one in desk.submits()] == [1]
    desk.end(7, End.FAILED)
    assert len(desk.outcomes) == 2


def test_a_job_asked_again_after_its_outcome_is_a_new_one() -> None:
    desk = Desk()
    desk.says()
    desk.had(desk.end(7))
    desk.add(desk.jobs[0])
    settled, submit = desk.says()
    assert settled == Settled((7,))
    assert isinstance(submit, Submit)


def test_cancelling_ends_what_was_not_asked_and_asks_the_mesh_about_the_rest() -> None:
    desk = Desk(2)
    desk.table.windowed(window(0, 1, 0), 0.0)
    desk.says()
    desk.table.cancel([job.id for job in desk.jobs], only_unstarted=True)
    assert desk.outcomes == [Cancelled(job=desk.jobs[1].id)]
    assert desk.says() == [Drop(tasks=(desk.jobs[0].id,), unstarted=True)]
    desk.end(7, End.RETURNED)
    assert desk.outcomes[1] == Cancelled(job=desk.jobs[0].id)


def test_what_was_taken_back_is_not_asked_of_a_broker_that_never_heard_of_it() -> None:
    desk = Desk(jobs=2)
    desk.says()
    desk.table.cancel([desk.jobs[0].id], only_unstarted=True)
    desk.says()
    desk.table.session_began()
    (submit,) = desk.submits()
    assert [item.id for item in submit.tasks] == [desk.jobs[1].id]
    assert desk.outcomes == [Cancelled(job=desk.jobs[0].id)]


def test_cancelling_by_force_is_an_outcome_at_once_and_later_ends_are_settled_away() -> None:
    desk = Desk()
    desk.says()
    desk.table.cancel([desk.jobs[0].id], only_unstarted=False)
    assert desk.outcomes == [Cancelled(job=desk.jobs[0].id)]
    assert desk.end(7) is None
    assert {type(one) for one in desk.says()} == {Drop, Settled}


def test_a_result_that_is_being_fetched_is_not_cancelled() -> None:
    desk = Desk()
    desk.says()
    entry = desk.end(7)
    desk.table.cancel([desk.jobs[0].id], only_unstarted=False)
    desk.table.fail(desk.jobs[0].id, "source-changed", "it changed")
    desk.had(entry)
    assert [type(one) for one in desk.outcomes] == [Result]


def test_a_job_that_its_owner_cannot_go_on_with_fails_and_is_dropped() -> None:
    desk = Desk()
    desk.says()
    desk.table.fail(desk.jobs[0].id, "source-changed", "it changed")
    (failure,) = desk.outcomes
    assert isinstance(failure, Failure)
    assert failure.code == "source-changed"
    assert desk.says() == [Drop(tasks=(desk.jobs[0].id,))]


def test_leaving_cancels_what_has_no_outcome_and_nothing_else() -> None:
    desk = Desk(3)
    desk.says()
    desk.had(desk.end(7))
    desk.end(8, job=1)
    desk.table.abandon()
    assert [type(one) for one in desk.outcomes] == [Result, Cancelled, Cancelled]
    assert desk.table.entries == {}


def test_recipes_do_not_share_a_batch_and_labels_do_not_either() -> None:
    table = Table()
    numbers = [
        table.batch(recipe, "", label, ()).number
        for recipe in ("blur", "canny")
        for label in ("a", "b", "a")
    ]
    assert numbers == [1, 2, 1, 3, 4, 3]


def test_ids_of_ends_are_those_of_jobs() -> None:
    desk = Desk()
    desk.says()
    stranger = structs.replace(EndItem(1, bytes(16), bytes(8), End.DONE), holder=NODE)
    assert desk.table.ended(stranger) is None
    assert desk.place() is Place.ASKED
