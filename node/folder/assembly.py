"""A watcher put together from what a person ordered.

Owns which parts an order leads to, and refuses what cannot be ordered. What the parts do is
their own business.
"""

import functools
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Protocol

from ...broker.messages import FolderItem, Note
from ...ops.process import SAME
from ...ops.process import Output as Written
from ...ops.recipe import Recipe, parse
from ..errors import UsageError
from ..owner.appraise import appraiser
from ..owner.files import FileBatch
from ..owner.formats import extension_for, output_of
from ..owner.job import Deliver, Job, JobId, Source
from ..owner.ledger import Ledger
from ..owner.names import as_unicode
from ..owner.plan import Plan
from ..owner.references import References
from ..owner.report import BatchEvent, PictureFailed
from .claim import FolderClaim, note
from .decision import PASSING
from .feeder import Feeder, OnExists
from .inlet import Inlet
from .local import LocalInlet
from .lookout import Lookout, Pace
from .memory import Memory
from .naming import Namesakes
from .notes import FailureNotes
from .observer import FolderObserver
from .order import Order
from .outlet import LocalOutlet, Outlet
from .patterns import is_wanted
from .places import as_path, is_remote, is_url, shown
from .sights import Sights
from .stages import WHOLE_AT_ONCE, Settling, Stages
from .target import Output, Target
from .watcher import Broken, Ears, Hinted, Message, Outcome, Watcher

log = logging.getLogger(__name__)

HERE: Final = Pace(every=30.0, share=0.005)
ELSEWHERE: Final = Pace(every=60.0, share=0.1)
OBJECT_STORES: Final = frozenset({"s3:", "s3a:", "gs:", "gcs:", "az:", "abfs:", "abfss:"})
LABEL_LENGTH: Final = 500
REMOTE_THREADS: Final = 8


class Session(Protocol):
    """What watchers need of a mesh."""

    def submit(
        self, job: Job, deliver: Deliver, *, label: str = "", references: Sequence[Source] = ()
    ) -> None:
        """Hand over one job; ``deliver`` is told its outcome."""
        ...

    def cancel(self, jobs: Collection[JobId], *, only_unstarted: bool) -> None:
        """Take jobs back."""
        ...

    def report(self, folders: Sequence[FolderItem]) -> None:
        """Have the mesh show how far watched folders are."""
        ...

    def listen(self, hear: Callable[[Note], None]) -> None:
        """Have somebody told what the mesh notes; from a thread of its own."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What all watchers of a process share. ``spool`` is a private folder for fetched files."""

    session: Session
    ledger: Ledger
    spool: Path
    recipes: Mapping[str, str]
    max_pixels: int
    wait: Callable[[float], object] = threading.Event().wait


def assembled(order: Order, means: Means, ears: Ears, stack: ExitStack) -> Watcher:
    """Put a watcher together, and claim its OUT. ``stack`` closes what was opened.

    Raises UsageError where the order cannot be carried out, ConfigError, RecipeError.
    """
    return _Assembly(order, means, ears, stack).watcher()


class _Assembly:
    """One watcher under way: every part is made once, in the order of use."""

    def __init__(self, order: Order, means: Means, ears: Ears, stack: ExitStack) -> None:
        self._order = order
        self._means = means
        self._ears = ears
        self._messages: SimpleQueue[Message] = SimpleQueue()
        self._inlet = _open_inlet(order, means.spool)
        stack.callback(self._inlet.close)
        _refuse_overlaps(order, self._inlet)
        self._outlet = _open_outlet(order.out)
        stack.callback(self._outlet.close)
        self._out = self._outlet.root
        self._references = References(max_pixels=means.max_pixels)
        self._outputs = outputs(order, self._out, means, self._references)
        self._notes = FailureNotes(self._outlet, self._out)
        self._memory = Memory(means.ledger, self._inlet.root, self._out, self._outputs)
        self._claim = FolderClaim(
            self._outlet,
            self._out,
            note(
                source=shown(self._inlet.root), owner=means.ledger.owner, ledger=means.ledger.path
            ),
        )
        try:
            self._claim.take(is_alive=means.ledger.is_alive, wait=means.wait)
        except OSError as error:
            raise UsageError(
                f"OUT {order.out} cannot be written: {error.strerror or error}",
                remedy="choose another OUT, or see to its permissions",
            ) from error
        stack.callback(self._released)

    def watcher(self) -> Watcher:
        targets = tuple(self._target(output) for output in self._outputs)
        stages = Stages(
            WHOLE_AT_ONCE if self._inlet.appears_whole else Settling.of(self._order.settle)
        )
        return Watcher(
            inlet=self._inlet,
            stages=stages,
            sights=self._sights(stages),
            feeder=self._feeder(targets),
            targets=targets,
            memory=self._memory,
            claim=self._claim,
            ears=self._ears,
            messages=self._messages,
            on_done=on_done(self._order),
        )

    def _sights(self, stages: Stages) -> Sights:
        has_events = self._inlet.is_local and self._order.poll is None
        root = self._inlet.root
        return Sights(
            stages=stages,
            namesakes=Namesakes(self._outputs[0].extension_for),
            lookout=Lookout(self._inlet, self._pace(), self._messages.put),
            observer=FolderObserver(root, self._wake) if has_events else None,
        )

    def _wake(self) -> None:
        self._messages.put(Hinted())

    def _pace(self) -> Pace:
        if self._order.poll is not None:
            return Pace(self._order.poll, ELSEWHERE.share)
        return HERE if self._inlet.is_local else ELSEWHERE

    def _feeder(self, targets: Sequence[Target]) -> Feeder:
        return Feeder(
            inlet=self._inlet,
            outlet=self._outlet,
            ledger=self._means.ledger,
            targets=targets,
            notes=self._notes,
            on_exists=OnExists(self._order.on_exists),
            tell=self._messages.put,
            threads=1 if self._inlet.is_local else REMOTE_THREADS,
        )

    def _target(self, output: Output) -> Target:
        recipe = parse(output.recipe)
        batch = FileBatch(
            plan=Plan(out=output.out, recipe=output.recipe, output=output.output, entries=()),
            appraise=appraiser(recipe, self._written()),
            ledger=self._means.ledger,
            disk=self._outlet,
            submit=functools.partial(
                self._means.session.submit,
                label=_label(self._out),
                references=self._references.of(recipe),
            ),
            cancel=self._means.session.cancel,
            on_event=functools.partial(self._happened, output),
            keep_times=self._order.keep_times,
            kept_open=True,
        )
        return Target(output, batch, lambda error: self._messages.put(Broken(error)))

    def _written(self) -> Written:
        return written(self._order, self._means.max_pixels)

    def _happened(self, output: Output, event: BatchEvent) -> None:
        """Called by a target's thread."""
        relative = self._memory.relative(event.source)
        if isinstance(event, PictureFailed) and relative and event.code not in PASSING:
            self._notes.write(output.label, relative, output.recipe, event)
        self._messages.put(Outcome(output, event))

    def _released(self) -> None:
        try:
            self._claim.release()
        except OSError as error:
            log.warning("the claim on %s stays: %s", shown(self._out), error.strerror or error)


def outputs(order: Order, out: Path, means: Means, references: References) -> tuple[Output, ...]:
    """Return what an order makes of each picture. Raises RecipeError, UsageError."""
    how = written(order, means.max_pixels)
    recipes = {"": order.recipe} if order.recipe is not None else dict(order.to)
    return tuple(
        _output(label, out, references.read(parse(means.recipes.get(text, text))), how)
        for label, text in recipes.items()
    )


def _output(label: str, out: Path, recipe: Recipe, how: Written) -> Output:
    own = output_of(recipe, how)
    return Output(
        label=label,
        out=out / label if label else out,
        recipe=recipe.canonical(),
        output=own.canonical(),
        extension_for=extension_for(own),
    )


def written(order: Order, max_pixels: int) -> Written:
    """Return how results are written. Raises UsageError."""
    try:
        return Written(format=order.format or SAME, quality=order.quality, max_pixels=max_pixels)
    except ValueError as error:
        raise UsageError(str(error), remedy="see --format and --quality") from error


def on_done(order: Order) -> Path | None:
    """Return the folder that finished originals are moved to; None where they stay."""
    if order.on_done == "keep":
        return None
    where = order.on_done.removeprefix("move=")
    return as_path(where) if is_url(where) else Path(where).expanduser().absolute()


def _open_inlet(order: Order, spool: Path) -> Inlet:
    if is_url(order.source):
        from .cloud import open_inlet

        return open_inlet(order.source, spool, wants=_wants(order))
    return LocalInlet(Path(order.source).expanduser(), wants=_wants(order))


def _open_outlet(out: str) -> Outlet:
    if is_url(out):
        from .cloud import open_outlet

        return open_outlet(out)
    try:
        return LocalOutlet(Path(out).expanduser())
    except OSError as error:
        raise UsageError(
            f"OUT {out} cannot be made: {error.strerror or error}",
            remedy="choose another OUT, or see to its permissions",
        ) from error


def _wants(order: Order) -> Callable[[str], bool]:
    if not order.include and not order.exclude:
        return lambda _relative: True
    return functools.partial(is_wanted, include=order.include, exclude=order.exclude)


def _refuse_overlaps(order: Order, inlet: Inlet) -> None:
    source, moved = inlet.root, on_done(order)
    if moved is not None and _store(moved) != _store(source):
        raise UsageError(
            f"--on-done {shown(moved)} is not where IN {shown(source)} is",
            remedy="originals can be moved within a disk, a share or a bucket's store only",
        )
    for what, path in _places(order):
        if source == path or source in path.parents:
            raise UsageError(
                f"{what} {shown(path)} lies in IN {shown(source)}: what is put there would come"
                " in again",
                remedy="choose a folder beside IN",
            )
    out = next(path for what, path in _places(order) if what == "OUT")
    if out in source.parents:
        raise UsageError(
            f"IN {shown(source)} lies in OUT {shown(out)}: outputs could come in again",
            remedy="choose another OUT",
        )


def _store(path: Path) -> str:
    """Return what two places have in common between which files can be moved."""
    if not is_remote(path):
        return ""
    scheme, host = path.parts[0], path.parts[1]
    return scheme if scheme in OBJECT_STORES else f"{scheme}{host}"


def _places(order: Order) -> Iterator[tuple[str, Path]]:
    out = order.out
    yield "OUT", as_path(out) if is_url(out) else Path(out).expanduser().resolve()
    moved = on_done(order)
    if moved is not None:
        yield "--on-done", moved if is_remote(moved) else moved.resolve()


def _label(out: Path) -> str:
    return as_unicode(shown(out))[-LABEL_LENGTH:]
