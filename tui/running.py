"""A planned request under way in a mesh, until it is done, stopped or without hope.

Owns what goes on beside the batches: the progress display, Ctrl-C, what people cancel, and
the watch for a mesh that cannot do the work.
"""

import functools
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..broker.plain import plain
from ..node.errors import MeshUnreachable, PixmeshError
from ..node.owner.appraise import appraiser
from ..node.owner.files import FileBatch
from ..node.owner.report import BatchEvent, PictureCancelled, PictureDone, PictureFailed, Summary
from ..node.owner.suspend import between_writes
from ..ops.recipe import parse
from . import meshes
from .interrupt import gently
from .listener import Listener
from .pace import Counts
from .patience import Watchman
from .progress import watching

if TYPE_CHECKING:
    from ..node.owner.plan import Plan
    from .batch import Planned, Request


LABEL_LENGTH: Final = 500


class Running:
    """One request. After `run`: the exit code of a signal, and what made it hopeless."""

    def __init__(self, request: "Request", planned: "Planned") -> None:
        self.interrupted = 0
        self.trouble: PixmeshError | None = None
        self._request = request
        self._planned = planned
        self._common = request.common
        self._counts = Counts(sum(_work_in(plan) for plan in planned.plans))
        self._label = _label(request.out)
        self._batch: FileBatch | None = None
        self._session: meshes.Session = meshes.Nowhere()
        self._stopped = False

    def run(self) -> list[Summary]:
        """Do all plans, one after the other; no mesh is opened when there is nothing to do."""
        if not any(plan.entries or plan.unfinished for plan in self._planned.plans):
            return self._run_all()
        with ExitStack() as stack:
            mesh = stack.enter_context(
                meshes.opened(
                    self._request.config,
                    local=self._request.local,
                    most=max(1, self._counts.total),
                    say=self._common.warn,
                )
            )
            self._session = mesh.session
            stack.enter_context(between_writes())
            interruption = stack.enter_context(gently(self._stop, self._common.warn))
            stack.enter_context(watching(self._counts, self._common, what="pictures"))
            stack.enter_context(Listener(self._planned.ledger.folders, self._take_back))
            watchman = stack.enter_context(self._watchman(mesh))
            try:
                return self._run_all()
            except PixmeshError:
                if watchman.verdict is None:
                    raise
                return []
            finally:
                self.interrupted = interruption.exit_code
                self.trouble = watchman.verdict

    def _run_all(self) -> list[Summary]:
        return [self._run_one(plan) for plan in self._planned.plans]

    def _run_one(self, plan: "Plan") -> Summary:
        session, recipe = self._session, parse(plan.recipe)
        batch = FileBatch(
            plan=plan,
            appraise=appraiser(recipe, self._request.output),
            ledger=self._planned.ledger,
            disk=self._planned.disk,
            submit=functools.partial(
                session.submit,
                label=self._label,
                references=self._request.references.of(recipe),
            ),
            cancel=session.cancel,
            on_event=self._count,
            keep_times=self._request.keep_times,
        )
        self._batch = batch
        if self._stopped:
            batch.stop()
        summary = batch.run()
        if summary.cancelled and not self._stopped:
            raise session.trouble or MeshUnreachable(
                f"the mesh was lost with {summary.cancelled} pictures to do",
                remedy="run the same command again: what is done stays done",
            )
        return summary

    def _watchman(self, mesh: meshes.Opened) -> Watchman:
        return Watchman(
            counts=self._counts,
            wait=self._request.config.wait,
            ask=lambda: mesh.why_waiting(self._label),
            say=self._common.warn,
            give_up=self._give_up,
            extras=sorted({extra for one in self._request.wanted for extra in one.recipe.extras()}),
        )

    def _give_up(self, gone: bool) -> None:
        """Called by the watchman's thread; ``gone``: nobody is left to cancel anything."""
        self._stop()
        if gone:
            self._session.close()

    def _stop(self) -> None:
        """Called by a signal handler, and by the watchman's thread."""
        self._stopped = True
        if self._batch is not None:
            self._batch.stop()

    def _take_back(self, destinations: Sequence[Path]) -> None:
        """Called by the listener's thread."""
        if self._batch is not None:
            self._batch.take_back(destinations)

    def _count(self, event: BatchEvent) -> None:
        if isinstance(event, PictureDone):
            self._counts.done += 1
            self._counts.pixels += round(event.megapixels * 1e6)
        elif isinstance(event, PictureFailed):
            self._counts.failed += 1
            self._common.warn(plain(f"failed: {event.source}: {event.reason}"))
        elif isinstance(event, PictureCancelled) and event.by_person:
            self._counts.cancelled += 1
            self._common.warn(plain(f"cancelled: {event.source}"))


def _label(out: Path) -> str:
    """Name a batch for people, in words that any member can read, whatever OUT is called."""
    return os.fsencode(out.absolute()).decode("utf-8", "replace")[-LABEL_LENGTH:]


def _work_in(plan: "Plan") -> int:
    return len(plan.entries) + len(plan.unfinished) + len(plan.refused)
