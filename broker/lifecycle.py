"""The life of a task: accepted, placed, ended, settled; and what happens in between.

    WAITING --place--> PLACED --RESULT done or failed--> ENDED --SETTLED--> gone
       ^  |               |  crashed, returned, lost with its node
       |  +--> ASIDE -----+  (a suspect, or no memory free for it anywhere)
       +------------------+  (the eighth attempt, or two slots lost alone: ENDED as failed)

While the broker is young a task may also be AWAITED: the node that works on it may come
back. A result that comes late counts as long as the task has no end; of two attempts the
first result counts. Pure: what there is to say goes into Outgoing.
"""

from collections.abc import Iterable
from random import Random
from typing import assert_never

from msgspec import structs

from .adoption import Awaited, Orphans
from .aside import Aside
from .chronicle import Chronicle
from .estimate import Estimate
from .fairness import Fairness
from .history import Note, ignore
from .messages import (
    MOST_SECONDS,
    AttemptId,
    End,
    EndItem,
    HeldTask,
    MemberId,
    Phase,
    TaskId,
)
from .nodes import Node, Stray
from .outgoing import Outgoing
from .placement import Choice
from .quarantine import Quarantine
from .seal import Seal
from .tasks import Attempt, Batch, Owner, Place, Task
from .views import Try

MOST_ATTEMPTS = 8
# By bare names where each task comes by: to look a member up in its class takes 60 ns, not 2.
NOWHERE, WAITING, PLACED, ENDED = Place.NOWHERE, Place.WAITING, Place.PLACED, Place.ENDED
DONE, FAILED = End.DONE, End.FAILED
OUTCOMES = frozenset({DONE, FAILED})
UNSTARTED = frozenset({"draining", "dropped"})
AILMENTS = frozenset({"disk-full", "spool"})


class Lifecycle:
    """Every task and attempt the broker knows, and their transitions."""

    def __init__(
        self,
        *,
        owners: dict[MemberId, Owner],
        nodes: dict[MemberId, Node],
        out: Outgoing,
        random: Random,
        note: Note = ignore,
        estimate: Estimate | None = None,
        seal: Seal | None = None,
        chronicle: Chronicle | None = None,
    ) -> None:
        self.attempts: dict[AttemptId, Attempt] = {}
        self.fairness = Fairness()
        self.changed: set[Node] = set()
        self.aside = Aside(nodes, random, self.changed)
        self.awaited = Awaited()
        self.orphans = Orphans()
        self.estimate = estimate if estimate is not None else Estimate()
        self.quarantine = Quarantine()
        self.fresh: dict[AttemptId, Attempt] = {}
        self._owners = owners
        self._nodes = nodes
        self._out = out
        self._random = random
        self._note = note
        self._seal = seal
        self._chronicle = chronicle if chronicle is not None else Chronicle(0.0)

    # ---- waiting --------------------------------------------------------------------

    def wait(self, task: Task, *, first: bool = False) -> None:
        """Let a task that is nowhere wait for its turn; aside, if not every node will do."""
        if task.suspect or task.avoids:
            self.set_aside(task)
            return
        task.place = WAITING
        self.fairness.enqueue(task, first=first)

    def set_aside(self, task: Task) -> None:
        """Let a task that is nowhere wait for a node of its own."""
        task.place = Place.ASIDE
        task.batch.aside += 1
        self.aside.add(task)

    def take_out(self, task: Task) -> None:
        """Let a task wait no longer, if it does."""
        match task.place:
            case Place.WAITING:
                self.fairness.remove(task)
            case Place.ASIDE:
                self.aside.remove(task)
                task.batch.aside -= 1
            case Place.AWAITED:
                self.awaited.remove(task)
            case Place.NOWHERE | Place.PLACED | Place.ENDED:
                return
            case _:
                assert_never(task.place)
        task.place = Place.NOWHERE

    def waiting(self) -> Iterable[Batch]:
        """Return the batches of which a task waits, each once."""
        return dict.fromkeys([*self.fairness, *(task.batch for task in self.aside)])

    def node_went(self, node: Node) -> None:
        """A node is gone: nothing waits for it, and nothing is known of it."""
        self.aside.node_went(node)
        self.orphans.drop(node)
        self.estimate.forget(node.id)
        self.changed.discard(node)

    # ---- attempts -------------------------------------------------------------------

    def assign(self, task: Task, choice: Choice, now: float) -> None:
        """Give a task that waits nowhere any more to the node chosen for it."""
        task.tries += 1
        node, slots = choice.node, max(1, choice.node.ready)
        # A node reads nothing of an ASSIGN that has one number out of its range.
        predicted = min(choice.predicted, MOST_SECONDS)
        attempt = Attempt(
            id=self._new_id(task, node),
            task=task,
            node=node,
            seq=0,
            predicted=predicted,
            due=node.backlog / slots + predicted,
            given=now,
            alone=task.suspect,
        )
        self._hold(attempt)
        self.fresh[attempt.id] = attempt
        self._out.assign(attempt)
        if self._note is not ignore:
            self._noted("assigned", attempt, alone=attempt.alone)

    def _new_id(self, task: Task, node: Node) -> AttemptId:
        chance = self._random.getrandbits(63)
        if self._seal is None:
            return AttemptId(chance)
        return self._seal.attempt(chance, node=node.id, owner=task.batch.owner.id, task=task.id)

    def was_given(self, node: Node, held: HeldTask | EndItem) -> bool:
        """Whether a node was ever given the attempt that it tells of; without a seal all were."""
        owner, task = MemberId(held.owner), TaskId(held.task)
        return self._seal is None or self._seal.holds(
            held.attempt, node=node.id, owner=owner, task=task
        )

    def adopt(self, task: Task, node: Node, held: HeldTask, now: float) -> None:
        """Go on with an attempt that the broker did not give to the node, or gave up."""
        self.take_out(task)
        task.tries = max(1, task.tries)
        attempt = Attempt(
            id=AttemptId(held.attempt),
            task=task,
            node=node,
            seq=0,
            predicted=held.seconds,
            due=held.seconds,
            given=now,
            phase=held.phase,
        )
        self._hold(attempt)
        self._noted("adopted", attempt)

    def _noted(self, what: str, attempt: Attempt, **facts: object) -> None:
        task, owner = attempt.task.id, attempt.task.batch.owner.id
        self._note(what, attempt=attempt.id, task=task, owner=owner, node=attempt.node.id, **facts)

    def _hold(self, attempt: Attempt) -> None:
        task, node = attempt.task, attempt.node
        if task.place is not PLACED:
            task.place = PLACED
            task.batch.placed += 1
        task.live += (attempt,)
        self.attempts[attempt.id] = attempt
        node.take(attempt)
        self.changed.add(node)

    def _release(self, attempt: Attempt) -> None:
        """An attempt is under way no longer; it is known still."""
        task, node = attempt.task, attempt.node
        live = task.live
        task.live = () if len(live) == 1 else tuple(one for one in live if one is not attempt)
        node.release(attempt)
        self.fresh.pop(attempt.id, None)
        self.changed.add(node)

    def _let_go(self, attempt: Attempt) -> None:
        """The broker wants an attempt no longer, whatever its node does."""
        del self.attempts[attempt.id]
        self._release(attempt)
        attempt.node.stray(attempt.id, Stray(attempt.task.item.memory, attempt))
        self._out.drop(attempt.node.id, attempt.id, unstarted=False)

    def _displace(self, task: Task) -> None:
        """Nothing of a task is under way any more."""
        if task.place is PLACED:
            task.batch.placed -= 1
            task.place = NOWHERE

    # ---- attempts end ---------------------------------------------------------------

    def ended(self, node: Node, end: EndItem, now: float, *, young: bool = False) -> None:
        """Take a node's word on how an attempt ended; repeated words are harmless.

        A ``young`` broker lets nodes keep results of tasks that it may yet be asked for.
        """
        self.changed.add(node)
        attempt = self.attempts.get(AttemptId(end.attempt))
        if attempt is None:
            node.strayed_no_more(AttemptId(end.attempt))
            attempt = self._late(node, end, now)
        if attempt is None or attempt.node is not node:
            if not (young and end.end in OUTCOMES and not self._knows(end)):
                self.orphans.forget((MemberId(end.owner), TaskId(end.task)), node)
                self._out.settle(node.id, end.attempt)
            return
        if attempt.end is not None:
            self._tell_end(attempt, end)
            return
        if self._note is not ignore:
            self._noted("ended", attempt, end=end.end.name, code=end.code, alone=attempt.alone)
        self._release(attempt)
        if end.code and end.code not in UNSTARTED:
            self._went_wrong(attempt, end, now)
        if end.end is DONE or end.end is FAILED:
            self._finish(attempt, end)
            return
        if end.end is End.CRASHED:
            self.quarantine.crashed(attempt)
            self.quarantine.judge(node, self._nodes)
        else:
            self._returned(attempt, end, now)
        self._over(attempt, end, now)

    def _went_wrong(self, attempt: Attempt, end: EndItem, now: float) -> None:
        """Tell people of an attempt that gave no picture; a failure is its picture's outcome."""
        task, node = attempt.task, attempt.node
        name = task.name
        node.last_error = f"{name}: {end.reason or end.code} ({task.tries}/{MOST_ATTEMPTS})"
        what = "failed" if end.end is FAILED else "trouble"
        self._chronicle.tell(what, name, f"{end.reason or end.code} (on {node.hello.name})", now)

    def _late(self, node: Node, end: EndItem, now: float) -> Attempt | None:
        """A result of an attempt given up: it counts while its task has no end."""
        owner = self._owners.get(MemberId(end.owner))
        task = owner.tasks.get(TaskId(end.task)) if owner else None
        if task is None or task.place is Place.ENDED or end.end is not End.DONE:
            return None
        if not self.was_given(node, end):
            return None
        held = HeldTask(end.attempt, Phase.ENDED, end.task, end.owner, 0.0, 0)
        self.adopt(task, node, held, now)
        return self.attempts[AttemptId(end.attempt)]

    def _knows(self, end: EndItem) -> bool:
        owner = self._owners.get(MemberId(end.owner))
        return owner is not None and TaskId(end.task) in owner.tasks

    def _finish(self, attempt: Attempt, end: EndItem) -> None:
        task, node = attempt.task, attempt.node
        for other in task.live:
            self._let_go(other)
        self._displace(task)
        task.place, task.kept = ENDED, attempt
        attempt.end = end.end
        node.keep(attempt, 0 if end.inline is not None else end.size)
        if end.end is DONE:
            recipe = task.batch.work.recipe
            self.estimate.observe(node.id, recipe, task.item.seconds, end.seconds)
            node.took.append(end.seconds)
            self.changed.update(self.quarantine.ended_well(attempt, self._nodes))
        self._tell_end(attempt, end)

    def _returned(self, attempt: Attempt, end: EndItem, now: float) -> None:
        task, node = attempt.task, attempt.node
        if end.code in UNSTARTED:
            task.tries -= 1
            return
        task.avoids |= {node.id}
        task.suspect |= end.code == "memory"  # perhaps its neighbours had it
        if end.code in AILMENTS:
            node.ails(end.reason, now)

    def _tell_end(self, attempt: Attempt, end: EndItem) -> None:
        node, task = attempt.node, attempt.task
        owner = task.batch.owner.id
        told = structs.replace(
            end,
            task=task.id,
            owner=owner,
            node=node.hello.name,
            holder=node.id,
            attempts=task.tries,
        )
        self._out.end(owner, told)

    def _over(self, attempt: Attempt, end: EndItem, now: float) -> None:
        """An attempt is over without an outcome, and its node is told so."""
        self._out.settle(attempt.node.id, attempt.id)
        self._unsuccessful(attempt, end, now)

    def _unsuccessful(self, attempt: Attempt, end: EndItem, now: float) -> None:
        """Without an outcome a task is tried again, unless another attempt is under way."""
        task = attempt.task
        del self.attempts[attempt.id]
        task.story += (Try(attempt.node.hello.name, end.code, end.reason, attempt.alone),)
        if task.live:
            return
        self._displace(task)
        if task.cancelled:
            self._give_up(task, end, End.RETURNED)
        elif self.quarantine.guilty(task):
            reason = self.quarantine.condemn(task, end, now)
            self._chronicle.tell("quarantined", task.name, reason, now)
            self._give_up(task, end, End.FAILED, code="quarantined", reason=reason)
        elif task.tries >= MOST_ATTEMPTS:
            self._give_up(task, end, End.FAILED, code=end.code, reason=end.reason)
        else:
            self.wait(task, first=True)

    def lost(self, attempt: Attempt, now: float, *, suspect: bool, arrived: bool = True) -> None:
        """An attempt was lost, with its node or on the way, or its result was.

        ``suspect`` says that the task may have cost the node; ``arrived`` that the node
        may have started it.
        """
        task, node = attempt.task, attempt.node
        self._noted("lost", attempt, suspect=suspect, arrived=arrived)
        task.suspect |= suspect
        task.tries -= not arrived
        if attempt.end is None:
            self._release(attempt)
        else:
            node.forget(attempt)
            task.kept = None
        end = EndItem(
            attempt=attempt.id,
            task=task.id,
            owner=task.batch.owner.id,
            end=End.RETURNED,
            code="lost",
            reason=f"its node was lost {task.tries} times",
            node=node.hello.name,
        )
        self._unsuccessful(attempt, end, now)

    # ---- outcomes -------------------------------------------------------------------

    def _give_up(
        self, task: Task, end: EndItem, how: End, *, code: str = "", reason: str = ""
    ) -> None:
        owner = task.batch.owner
        task.place = Place.ENDED
        task.end = EndItem(
            attempt=end.attempt,
            task=task.id,
            owner=owner.id,
            end=how,
            code=code,
            reason=reason[:1000],
            node=end.node or (task.story[-1].node if task.story else ""),
            attempts=task.tries,
        )
        owner.unsettled[AttemptId(end.attempt)] = task
        self._note("gave-up", task=task.id, owner=owner.id, end=how.name, code=code)
        self.tell_again(task)

    def tell_again(self, task: Task) -> None:
        """Tell an end of the broker's own once more: its owner may have missed it."""
        if task.end is not None:
            self._out.end(task.batch.owner.id, task.end)

    def refuse(self, task: Task, how: End, *, code: str = "", reason: str = "") -> None:
        """End a task of which nothing is under way."""
        end = EndItem(
            attempt=self._random.getrandbits(63),
            task=task.id,
            owner=task.batch.owner.id,
            end=how,
        )
        self._give_up(task, end, how, code=code, reason=reason)

    def settle(self, owner: Owner, attempt_id: AttemptId) -> None:
        """The owner has the outcome: the task and its result are forgotten."""
        attempt = self.attempts.get(attempt_id)
        if attempt is not None and attempt.task.batch.owner is owner:
            _count(attempt)
            self.remove(attempt.task)
            return
        task = owner.unsettled.get(attempt_id)
        if task is not None and task.end is not None:
            task.batch.failed += task.end.end is End.FAILED
            self.remove(task)

    def cancel(self, owner: Owner, task_id: TaskId, *, unstarted: bool) -> None:
        """Take a task back: at once, or only if no slot has started it."""
        task = owner.tasks.get(task_id)
        if task is None:
            return
        if not unstarted:
            self.remove(task)
            return
        if task.place is Place.ENDED:
            return
        task.cancelled = True
        for attempt in task.live:
            self._out.drop(attempt.node.id, attempt.id, unstarted=True)
        if task.place is not Place.PLACED:
            self.take_out(task)
            self.refuse(task, End.RETURNED)

    def remove(self, task: Task) -> None:
        """Forget a task, wherever it is."""
        item, owner, kept = task.item, task.batch.owner, task.kept
        if task.place is not ENDED:
            self._stop(task)
        if kept is not None:
            task.kept = None  # else the two would hold each other
            del self.attempts[kept.id]
            kept.node.forget(kept)
            self.changed.add(kept.node)
            self._out.settle(kept.node.id, kept.id)
        if task.end is not None:
            owner.unsettled.pop(AttemptId(task.end.attempt), None)
        task.batch.open -= 1
        if item.inline is not None:
            owner.bytes -= len(item.inline)
        del owner.tasks[TaskId(item.id)]

    def _stop(self, task: Task) -> None:
        """Take a task without an end out of wherever it is."""
        self.take_out(task)
        for attempt in task.live:
            self._let_go(attempt)
        self._displace(task)


def _count(attempt: Attempt) -> None:
    """An outcome is counted once: when its owner settles."""
    batch, node = attempt.task.batch, attempt.node
    if attempt.end is DONE:
        batch.done += 1
        node.done += 1
    elif attempt.end is FAILED:
        batch.failed += 1
        node.failed += 1
