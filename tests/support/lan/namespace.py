"""A namespace: what one host on this machine has for itself, its network and its host name.

Owns making it, running commands in it, and the reasons why there can be none here. A process
holds it and ends with the test run, however that ends; the kernel then takes the namespace
and its links away. It has no interface of the machine's: no packet leaves it but by links
that a test makes.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATIENCE: Final = 10.0
CAPABILITIES: Final = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21}
TOOLS: Final = {
    "ip": "iproute2",
    "ss": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
}
HELD: Final = '[ -z "$1" ] || echo "$1" >/proc/sys/kernel/hostname; echo here; exec cat'
HOLD: Final = ("unshare", "--net", "--uts", "sh", "-c", HELD, "sh")
REFUSALS: Final = ("not permitted", "denied", "Read-only", "not supported", "Unknown device type")


class NotAllowed(Exception):
    """Network namespaces cannot be made here; the text says why."""


def demand_namespaces() -> None:
    """Raise NotAllowed where one sees without trying that none can be made."""
    if sys.platform != "linux":
        raise NotAllowed(f"network namespaces are Linux's, this is {sys.platform}")
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        packages = " ".join(sorted({TOOLS[tool] for tool in missing}))
        raise NotAllowed(f"no {', '.join(missing)} here: install {packages}")
    if os.geteuid() != 0:
        raise NotAllowed("only root may make network namespaces and link them")
    have = _capabilities()
    lacking = [name for name, bit in CAPABILITIES.items() if not have >> bit & 1]
    if lacking:
        raise NotAllowed(f"root lacks {', '.join(lacking)} here")


def _capabilities() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff:"))


@dataclass(slots=True, eq=False)
class Namespace:
    """A network namespace: it lives until its holder and all that runs in it have ended."""

    holder: subprocess.Popen[bytes]

    @classmethod
    def make(cls, name: str = "", settings: str = "") -> "Namespace":
        """Make one that has nothing but its loopback; the settings are a shell's commands.

        Without a name it is called as the machine is. Raises NotAllowed.
        """
        pipe = subprocess.PIPE
        holder = subprocess.Popen((*HOLD, name), stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT)
        made = cls(holder)
        assert holder.stdout is not None
        try:
            _demand_here(holder.stdout.readline().decode().strip())
            made.run("sh", "-c", f"set -e\nip link set lo up\n{settings}")
        except BaseException:
            made.close()
            raise
        return made

    def within(self, *words: str) -> list[str]:
        """Return the command that runs another in here, under the same process id."""
        of = f"/proc/{self.holder.pid}/ns"
        return ["nsenter", f"--net={of}/net", f"--uts={of}/uts", "--", *words]

    def run(self, *words: str, given: str = "") -> str:
        """Run a command in here to its end; return what it printed. Raises NotAllowed."""
        done = subprocess.run(
            self.within(*words),
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if any(refusal in done.stderr for refusal in REFUSALS):
            raise NotAllowed(f"{words[0]}: {done.stderr.strip()}")
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}\n{given}"
        return done.stdout

    def ip(self, *commands: str, family: str = "-4") -> None:
        """Carry out commands of iproute2 in here. Raises NotAllowed."""
        self.run("ip", family, "-batch", "-", given="\n".join(commands))

    def close(self) -> None:
        """Hold it no longer."""
        self.holder.kill()
        self.holder.communicate()


def _demand_here(said: str) -> None:
    if said != "here":
        raise NotAllowed(said)
