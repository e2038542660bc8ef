"""A contender of `pixmesh bench` put to work as the bench does it, on a few drawn pictures."""

import json
import subprocess
import sys
from pathlib import Path

from pixmesh.bench import contender, photos


def measured(name: str, folder: Path) -> contender.Cost:
    """Run a contender; return its cost, once it is sure that it wrote every result."""
    pictures, out, listing = folder / "in", folder / "out", folder / "list"
    pictures.mkdir()
    out.mkdir()
    made = photos.make_distinct([], pictures, 1)[:6]
    listing.write_text("".join(f"{path}\n" for path in made))
    command = [sys.executable, "-P", "-m", "pixmesh.bench.contender", name]
    command += [str(listing), str(out)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    cost = contender.Cost(**json.loads(done.stdout))
    written = sorted(out.iterdir())
    assert [path.name.partition(".")[0] for path in written] == [path.stem for path in made]
    assert cost.pictures == len(made) - contender.WARM_UP
    assert cost.read == _bytes(made[contender.WARM_UP :])
    assert cost.written == _bytes(written[contender.WARM_UP :])
    return cost


def _bytes(files: list[Path]) -> int:
    return sum(path.stat().st_size for path in files)
