"""One recipe asked of many pictures: from what a user hands in to answers.

An error is one picture's answer and never ends a loop. Pictures are taken from their
iterable only as the window allows; when the loop is left early, the rest is cancelled.
"""

import functools
import json
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

from ...ops.decode import MAX_PIXELS
from ...ops.errors import PictureError
from ...ops.process import DATA, Output, output_for
from ...ops.recipe import parse
from ..errors import PixmeshError
from .answer import Answer
from .appraise import appraiser
from .job import Cancelled, Deliver, Failure, Job, JobId, Outcome, Result, Source, job_id
from .pictures import Named, Picture, named
from .references import References


class Session(Protocol):
    """What asking needs of a mesh."""

    def submit(
        self, job: Job, deliver: Deliver, *, label: str = "", references: Sequence[Source] = ()
    ) -> None:
        """Hand over one job; ``deliver`` is told its outcome."""
        ...

    def cancel(self, jobs: Collection[JobId], *, only_unstarted: bool) -> None:
        """Take jobs back."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One picture under way; ``answer`` never raises. ``job`` is None for what never began."""

    answer: "Future[Answer]"
    job: JobId | None


class Asking:
    """One recipe and output. Raises RecipeError, ValueError for what is none, UsageError.

    `label` is what people are told that the batch is called; `references` those that were read
    before, of a recipe that calls them by what is in them.
    """

    def __init__(
        self,
        session: Session,
        recipe: str,
        *,
        form: str,
        quality: int | None,
        max_pixels: int = MAX_PIXELS,
        label: str = "",
        references: References | None = None,
    ) -> None:
        self._session = session
        self._label = label
        besides = references or References(max_pixels=max_pixels)
        read = besides.read(parse(recipe))
        self._references = besides.of(read)
        asked = Output(format=form, quality=quality, max_pixels=max_pixels)
        output = output_for(read, asked)
        self._recipe = read.canonical()
        self._output = output.canonical()
        self._appraise = appraiser(read, output)

    def begin(self, picture: Picture) -> Asked:
        """Submit one picture; waits while the owner has too many under way."""
        answer: Future[Answer] = Future()
        try:
            known = named(picture)
            job = self._job(known)
            deliver = functools.partial(_answer, answer, picture, known.name)
            self._session.submit(job, deliver, label=self._label, references=self._references)
        except PictureError as error:
            answer.set_result(_no_job(picture, error.code, error))
        except (PixmeshError, OSError, ValueError) as error:
            answer.set_result(_no_job(picture, "unreadable", error))
        else:
            return Asked(answer, job.id)
        return Asked(answer, None)

    def as_they_come(self, pictures: Iterable[Picture], window: int) -> Iterator[Answer]:
        """Yield answers in the order in which they come."""
        done: SimpleQueue[Asked] = SimpleQueue()
        under_way: set[Asked] = set()
        try:
            for picture in pictures:
                asked = self.begin(picture)
                under_way.add(asked)
                asked.answer.add_done_callback(functools.partial(_tell, done, asked))
                while len(under_way) >= window or not done.empty():
                    yield _next(done, under_way)
            while under_way:
                yield _next(done, under_way)
        finally:
            self._cancel(under_way)

    def in_order(self, pictures: Iterable[Picture], window: int) -> Iterator[Answer]:
        """Yield answers in the pictures' order."""
        under_way: deque[Asked] = deque()
        try:
            for picture in pictures:
                under_way.append(self.begin(picture))
                while len(under_way) >= window or (under_way and under_way[0].answer.done()):
                    yield under_way.popleft().answer.result()
            while under_way:
                yield under_way.popleft().answer.result()
        finally:
            self._cancel(under_way)

    def _cancel(self, under_way: Iterable[Asked]) -> None:
        jobs = [asked.job for asked in under_way if asked.job is not None]
        if jobs:
            self._session.cancel(jobs, only_unstarted=False)

    def _job(self, known: Named) -> Job:
        with known.source.opened() as file:
            appraisal = self._appraise(file)
        return Job(
            id=job_id(digest=known.source.digest, recipe=self._recipe, output=self._output),
            name=known.name,
            source=known.source,
            recipe=self._recipe,
            output=self._output,
            seconds=appraisal.seconds,
            memory=appraisal.memory,
            needs=appraisal.needs,
        )


def _tell(done: "SimpleQueue[Asked]", asked: Asked, _answer: "Future[Answer]") -> None:
    done.put(asked)


def _next(done: "SimpleQueue[Asked]", under_way: set[Asked]) -> Answer:
    asked = done.get()
    under_way.discard(asked)
    return asked.answer.result()


def _no_job(picture: Picture, code: str, error: Exception) -> Answer:
    return Answer(input=picture, name=str(picture)[:200], error=str(error), code=code)


def _answer(answer: "Future[Answer]", picture: Picture, name: str, outcome: Outcome) -> None:
    try:
        answer.set_result(_read(picture, name, outcome))
    except (OSError, MemoryError) as error:
        answer.set_result(Answer(input=picture, name=name, error=str(error), code="unreadable"))
    finally:
        if isinstance(outcome, Result):
            outcome.content.close()


def _read(picture: Picture, name: str, outcome: Outcome) -> Answer:
    match outcome:
        case Result():
            content = outcome.content.bytes()
            return Answer(
                input=picture,
                name=name,
                bytes=content,
                data=json.loads(content) if outcome.format == DATA else {},
                format=outcome.format,
                node=outcome.node,
                attempts=outcome.attempts,
                seconds=outcome.seconds,
            )
        case Failure():
            return Answer(
                input=picture,
                name=name,
                error=outcome.reason,
                code=outcome.code,
                node=outcome.node,
                attempts=outcome.attempts,
            )
        case Cancelled():
            return Answer(input=picture, name=name, error="it was cancelled", code="cancelled")
