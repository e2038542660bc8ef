"""Are there known vulnerabilities in what the lock pins, and does anybody answer that?

Owns how pip-audit is asked and how its answer is read. Its database is on the internet: one
package is asked about first, so that a machine without it is told so within seconds.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Said = Literal["clean", "vulnerable", "no answer", "broken"]

PATIENCE_FOR_ONE: Final = 6.0
PATIENCE_FOR_ALL: Final = 180.0
SOCKET_SECONDS: Final = 4
_NO_ANSWER: Final = re.compile(
    r"requests\.exceptions\.|urllib3\.exceptions\.|ConnectionError|ServiceError"
    r"|Could not connect|not redirecting"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of an audit, and a line for each thing to tell."""

    said: Said
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """How pip-audit ended; ``code`` None is one that was stopped because it took too long."""

    code: int | None
    out: str
    err: str


def verdict(ended: Ended) -> Verdict:
    """Read an answer. Its exit code is 1 for findings and for failures alike, so the text counts.

    A package that the database does not have is skipped there; when it has none at all, what
    answered is no database.
    """
    if ended.code is None:
        return Verdict("no answer")
    try:
        packages = json.loads(ended.out)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return _without_an_answer(ended)
    found = tuple(line for one in packages for line in _findings(one))
    skipped = tuple(one["skip_reason"] for one in packages if "skip_reason" in one)
    if found:
        return Verdict("vulnerable", found + skipped)
    if packages and len(skipped) == len(packages):
        return Verdict("no answer")
    return Verdict("clean" if ended.code == 0 else "broken", skipped)


def audited(root: Path) -> Verdict:
    """Ask about everything that a checkout's lock pins, extras and development included."""
    with tempfile.TemporaryDirectory(prefix="pixmesh-audit-") as folder:
        pins = Path(folder, "pins.txt")
        exported = _exported(root, pins)
        if exported.code != 0:
            return Verdict("broken", (exported.err.strip(),))
        one = Path(folder, "one.txt")
        one.write_text(first_pin(pins.read_text(encoding="utf-8")), encoding="utf-8")
        first = verdict(_asked(one, PATIENCE_FOR_ONE))
        return first if first.said == "no answer" else verdict(_asked(pins, PATIENCE_FOR_ALL))


def first_pin(pins: str) -> str:
    """Return the first requirement of a file, with the hashes that follow it."""
    lines: list[str] = []
    for line in pins.splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            if lines:
                break
            # A marker could rule it out here, and then nothing would be asked.
            lines.append(re.sub(r" ;[^\\]*", " ", line))
        elif lines and line.lstrip().startswith("--hash"):
            lines.append(line)
    return "\n".join(lines).removesuffix("\\") + "\n"


def _without_an_answer(ended: Ended) -> Verdict:
    if _NO_ANSWER.search(ended.err):
        return Verdict("no answer")
    said = ended.err.strip().splitlines()
    return Verdict("broken", tuple(said[-3:]) or (f"pip-audit ended with exit code {ended.code}",))


def _findings(package: dict[str, object]) -> list[str]:
    flaws = package.get("vulns")
    return [_finding(package, flaw) for flaw in flaws] if isinstance(flaws, list) else []


def _finding(package: dict[str, object], flaw: dict[str, object]) -> str:
    names, fixes = flaw.get("aliases"), flaw.get("fix_versions")
    also = f" ({', '.join(names)})" if isinstance(names, list) and names else ""
    mended = ", ".join(fixes) if isinstance(fixes, list) else ""
    return (
        f"{package['name']} {package['version']}: {flaw['id']}{also},"
        f" {f'mended in {mended}' if mended else 'not mended in any version yet'}"
    )


def _exported(root: Path, pins: Path) -> Ended:
    words = [os.environ.get("UV", "uv"), "export", "--quiet", "--frozen", "--no-emit-project"]
    return _ended([*words, "--all-extras", "--all-groups", "--output-file", str(pins)], root, 60.0)


def _asked(pins: Path, patience: float) -> Ended:
    words = [sys.executable, "-P", "-m", "pip_audit", "--requirement", str(pins), "--disable-pip"]
    words += ["--format", "json", "--progress-spinner", "off", "--timeout", str(SOCKET_SECONDS)]
    return _ended(words, pins.parent, patience)


def _ended(command: list[str], folder: Path, patience: float) -> Ended:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=patience
        )
    except subprocess.TimeoutExpired:
        return Ended(None, "", "")
    return Ended(done.returncode, done.stdout, done.stderr)
