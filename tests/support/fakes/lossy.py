"""A disk and a ledger that end at any step, and may forget what was not made durable."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from pixmesh.node.owner.job import Content
from pixmesh.node.owner.row import Failed, Ready, Row, State
from pixmesh.ops.digest import digest_of


class Crash(BaseException):
    """The machine, or the process, ends here."""


@dataclass
class Clockwork:
    """Counts steps, and ends at one of them: just before, or just after it had its effect."""

    last: int | None = None
    after: bool = False
    steps: int = 0

    def step(self, effect: Callable[[], None]) -> None:
        self.steps += 1
        if self.steps == self.last and not self.after:
            raise Crash
        effect()
        if self.steps == self.last:
            raise Crash


@dataclass
class _File:
    data: bytes
    durable: bytes = b""


@dataclass
class LossyDisk:
    """Names and bytes as they are, and as they would be after the power failed."""

    clockwork: Clockwork
    names: dict[Path, _File] = field(default_factory=dict)
    durable_names: dict[Path, _File] = field(default_factory=dict)

    def write(self, temp: Path, content: Content, *, modified_ns: int | None) -> None:
        self.clockwork.step(lambda: self._write(temp, content))

    def sync_file(self, path: Path) -> None:
        def sync() -> None:
            self.names[path].durable = self.names[path].data

        self.clockwork.step(sync)

    def rename(self, temp: Path, final: Path, *, replace: bool) -> None:
        if final in self.names and not replace:
            raise FileExistsError(17, "File exists")
        if temp not in self.names:
            raise FileNotFoundError(2, "No such file")

        def rename() -> None:
            self.names[final] = self.names.pop(temp)

        self.clockwork.step(rename)

    def sync_folder(self, folder: Path) -> None:
        def sync() -> None:
            kept = {
                path: file for path, file in self.durable_names.items() if path.parent != folder
            }
            here = {path: file for path, file in self.names.items() if path.parent == folder}
            self.durable_names = kept | here

        self.clockwork.step(sync)

    def digest(self, path: Path) -> bytes | None:
        return digest_of(self.names[path].data) if path in self.names else None

    def content(self, path: Path) -> Content:
        raise FileNotFoundError(path)  # no copies are made here

    def remove(self, path: Path) -> None:
        def remove() -> None:
            self.names.pop(path, None)

        self.clockwork.step(remove)

    def lose_power(self, random: Random) -> None:
        """Forget what was not synced: each change of a name, and bytes, by chance."""
        names = dict(self.durable_names)
        for path in {*self.names, *self.durable_names}:
            if random.random() < 0.5:
                now = self.names.get(path)
                if now is None:
                    names.pop(path, None)
                else:
                    names[path] = now
        for file in {id(file): file for file in names.values()}.values():
            if random.random() < 0.5:
                file.data = file.durable
        self.names, self.durable_names = names, dict(names)

    def _write(self, temp: Path, content: Content) -> None:
        assert temp not in self.names
        buffer = io.BytesIO()
        content.write_to(buffer)
        self.names[temp] = _File(buffer.getvalue())


@dataclass
class LossyLedger:
    """The ledger's rules without SQLite; every durable step counts.

    ``history`` is every state that an output came into. Power lost, what was submitted
    since the last durable step may be forgotten.
    """

    clockwork: Clockwork
    rows: dict[Path, Row] = field(default_factory=dict)
    history: list[tuple[Path, State]] = field(default_factory=list)
    _durable: tuple[dict[Path, Row], int] = field(default_factory=lambda: ({}, 0))

    @property
    def outcomes(self) -> list[tuple[Path, State]]:
        return [one for one in self.history if one[1] in {State.DONE, State.FAILED}]

    def submitted(self, rows: Sequence[Row]) -> None:
        self.rows.update({row.destination: row for row in rows})
        self.history += [(row.destination, State.SUBMITTED) for row in rows]

    def lose_power(self, random: Random) -> None:
        """Forget by chance what was not made durable."""
        if random.random() < 0.5:
            rows, count = self._durable
            self.rows = dict(rows)
            del self.history[count:]

    def committing(self, outputs: Sequence[Ready]) -> set[Path]:
        return self._move(
            {one.destination: {"result": one.result} for one in outputs},
            State.COMMITTING,
            {State.SUBMITTED},
        )

    def done(self, destinations: Sequence[Path]) -> set[Path]:
        return self._move({one: {} for one in destinations}, State.DONE, {State.COMMITTING})

    def failed(self, outputs: Sequence[Failed]) -> set[Path]:
        return self._move(
            {one.destination: {"code": one.code} for one in outputs},
            State.FAILED,
            {State.SUBMITTED, State.COMMITTING},
        )

    def cancelled(self, destinations: Sequence[Path], *, by_person: bool = False) -> set[Path]:
        if not destinations:
            return set()
        code: dict[str, object] = {"code": "cancelled"} if by_person else {}
        return self._move(dict.fromkeys(destinations, code), State.CANCELLED, {State.SUBMITTED})

    def take_over(self, row: Row) -> bool:
        return self.rows[row.destination].state is State.COMMITTING

    def _move(
        self, changes: dict[Path, dict[str, object]], state: State, before: set[State]
    ) -> set[Path]:
        moved = {one for one in changes if self.rows[one].state in before}

        def move() -> None:
            for one in moved:
                values = changes[one]
                self.rows[one] = replace(self.rows[one], state=state, **values)  # type: ignore[arg-type]
                self.history.append((one, state))
            self._durable = (dict(self.rows), len(self.history))

        self.clockwork.step(move)
        return moved
