"""``pixmesh bench curve``: what encryption costs on photographs.

Owns the rounds and the arithmetic: the bytes that a mesh moves, times the encrypted
connections that they cross, times what a bare connection takes more for a byte with CURVE than
without; over the CPU seconds that the mesh takes without encryption. Beside it, as a check, the
same mesh with every member behind the encrypted door. The method is in METHOD.md.
"""

import argparse
import functools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from . import link, pictures, report
from . import photos as sources
from .contender import RECIPE, SLOTS, Cost

TARGET: Final = 0.10
RELAYED: Final = 2
"""Connections that pixels cross by way of the broker's relay: owner to broker to node."""
DIRECT: Final = 1
GIGABYTE: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round: CPU seconds a byte of each bare connection, and both meshes' costs."""

    ipc: float
    plain: float
    curve: float
    local: Cost
    network: Cost

    @property
    def moved(self) -> int:
        """The bytes that go to nodes as pictures and come back as results, counted once."""
        return self.local.read + self.local.written

    def encryption(self, hops: int) -> float:
        """Return the CPU seconds of encrypting and decrypting all that is moved."""
        return self.moved * hops * (self.curve - self.plain)

    @property
    def foretold(self) -> float:
        """What the bare connections let expect of the mesh to take more behind the door."""
        return self.moved * RELAYED * (self.curve - self.ipc)


def run(
    *, photos: Path | None = None, copies: int = 10, rounds: int = 7, as_json: bool = False
) -> None:
    """Measure and write the report to stdout."""
    taken = []
    with pictures.workplace() as folder:
        listing = pictures.prepare(sources.find(photos), folder, copies)
        for number in range(rounds):
            taken.append(_round(listing, folder, backwards=number % 2 == 1))
            report.progress(f"round {number + 1} of {rounds}: {_said(taken[-1])}")
    if as_json:
        report.show_json(document(taken))
    else:
        _show(taken)


def main(words: Sequence[str]) -> int:
    """Run as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser("pixmesh bench curve", description=run.__doc__)
    parser.add_argument("--photos", type=Path, help="a folder; scikit-image's photos without it")
    parser.add_argument("--copies", type=int, default=10, help="distinct pictures of each photo")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true", dest="as_json")
    run(**vars(parser.parse_args(words)))
    return 0


def _round(listing: Path, folder: Path, *, backwards: bool) -> Round:
    """Measure each side once; the order turns around from round to round."""
    bytewise: dict[str, float] = {}
    costs: dict[str, Cost] = {}

    def connection(kind: link.Kind) -> None:
        bytewise[kind] = link.seconds_per_byte(kind, folder)

    def mesh(door: str) -> None:
        costs[door] = pictures.one_round(door, listing, folder)

    steps: list[Callable[[], None]] = [functools.partial(connection, kind) for kind in link.KINDS]
    steps += [functools.partial(mesh, door) for door in ("local", "network")]
    for step in reversed(steps) if backwards else steps:
        step()
    return Round(
        ipc=bytewise["ipc"],
        plain=bytewise["plain"],
        curve=bytewise["curve"],
        local=costs["local"],
        network=costs["network"],
    )


def _said(one: Round) -> str:
    return (
        f"mesh {one.local.cpu:.2f} s, encrypted {one.network.cpu:.2f} s; a GB plain "
        f"{one.plain * GIGABYTE:.2f} s, encrypted {one.curve * GIGABYTE:.2f} s"
    )


def share(taken: Sequence[Round], hops: int) -> report.Ratio:
    """Compare encryption with all that the mesh takes without it, round by round."""
    costs = [one.encryption(hops) for one in taken]
    return report.paired_ratio(costs, [one.local.cpu for one in taken])


def behind_the_door(taken: Sequence[Round]) -> report.Ratio:
    """Compare the mesh over TCP with CURVE with the same mesh over ipc."""
    return report.paired_ratio([one.network.cpu for one in taken], [one.local.cpu for one in taken])


def members(taken: Sequence[Round]) -> report.Ratio:
    """Say what owner, broker and agent take more behind the door, over all that the mesh takes.

    A slot talks to its agent alone: what it takes more or less is not its own doing.
    """
    return report.paired_ratio(
        [_talking(one.network) - _talking(one.local) for one in taken],
        [one.local.cpu for one in taken],
    )


def _talking(cost: Cost) -> float:
    return cost.cpu - cost.slots


def foretold(taken: Sequence[Round]) -> report.Ratio:
    """Say what the bare connections let expect of ``members``."""
    return report.paired_ratio([one.foretold for one in taken], [one.local.cpu for one in taken])


def document(taken: Sequence[Round]) -> dict[str, object]:
    """Return everything measured, and the verdict."""
    return {
        "bench": "curve",
        "recipe": RECIPE,
        "target": {"relayed": TARGET, "held": _held(taken)},
        "ratios": {
            "relayed": asdict(share(taken, RELAYED)),
            "direct": asdict(share(taken, DIRECT)),
            "network_over_local": asdict(behind_the_door(taken)),
            "members": asdict(members(taken)),
            "members_foretold": asdict(foretold(taken)),
        },
        "rounds": [asdict(one) for one in taken],
    }


def _held(taken: Sequence[Round]) -> bool:
    return share(taken, RELAYED).median <= TARGET


def _show(taken: Sequence[Round]) -> None:
    first = taken[0]
    report.show(
        f"curve: {first.local.pictures} distinct photos, {RECIPE}, JPEG out, {SLOTS} slots, "
        f"{len(taken)} rounds; CPU seconds of all processes",
        [
            _connection(taken),
            _share(taken, RELAYED),
            _share(taken, DIRECT),
            _mesh(taken),
            _members(taken),
        ],
        _notes(taken),
    )


def _notes(taken: Sequence[Round]) -> list[str]:
    read, written = (getattr(taken[0].local, name) / 1e6 for name in ("read", "written"))
    return [
        f"moved: {read:.0f} MB of pictures, {written:.0f} MB of results",
        "baselines: TCP without CURVE; all of the mesh over ipc, three times; its members over ipc",
        "percentages are of all that the mesh takes over ipc",
        f"foretold by the bare connections for the last row: +{_percent(foretold(taken))}",
        "medians of all rounds; ratios are paired, lowest and highest round in brackets",
    ]


def _connection(taken: Sequence[Round]) -> report.Row:
    curve, plain = [one.curve for one in taken], [one.plain for one in taken]
    return report.Row(
        "a GB over one bare connection, with CURVE",
        f"{report.median(curve) * GIGABYTE:.2f} s",
        f"{report.median(plain) * GIGABYTE:.2f} s",
        str(report.paired_ratio(curve, plain)),
    )


def _share(taken: Sequence[Round], hops: int) -> report.Row:
    what, target = {
        RELAYED: (
            "encryption of the photos, 2 hops (relayed)",
            f"<= {TARGET:.0%}: {'held' if _held(taken) else 'MISSED'}",
        ),
        DIRECT: ("the same, 1 hop (direct, not built)", ""),
    }[hops]
    return report.Row(
        what,
        f"{report.median([one.encryption(hops) for one in taken]):.2f} s",
        f"{report.median([one.local.cpu for one in taken]):.2f} s",
        _percent(share(taken, hops)),
        target,
    )


def _mesh(taken: Sequence[Round]) -> report.Row:
    return report.Row(
        "the mesh over TCP with CURVE",
        f"{report.median([one.network.cpu for one in taken]):.2f} s",
        f"{report.median([one.local.cpu for one in taken]):.2f} s",
        str(behind_the_door(taken)),
    )


def _members(taken: Sequence[Round]) -> report.Row:
    return report.Row(
        "its owner, broker and agent",
        f"{report.median([_talking(one.network) for one in taken]):.2f} s",
        f"{report.median([_talking(one.local) for one in taken]):.2f} s",
        f"+{_percent(members(taken))}",
    )


def _percent(ratio: report.Ratio) -> str:
    return f"{ratio.median:.1%} ({ratio.low:.1%}-{ratio.high:.1%})"
