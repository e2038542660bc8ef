"""A host of a LAN: a machine of its own as far as pixmesh can see.

Owns what it has for itself: a namespace, a host name, interfaces, folders, and the members
that a test starts there. It shares with the others the machine's clock, processors, process
ids, /dev/shm and /sys; the latter shows the machine's interfaces, not the host's.

    HOME/           the user's home folder, and where configuration is
    HOME/work       the working folder (``folder``)
    HOME/state      the state folder, 0700
    HOME/tmp        the folder for temp files
"""

import getpass
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Final

from pixmesh.tests.support.meshes import COMMAND, RealMesh, sweep
from pixmesh.tests.unit.tui.command import PATIENCE, Finished, environment

from .capture import Capture, capturing
from .namespace import Namespace

LINK: Final = "eth0"
SETTINGS: Final = """
cd /proc/sys/net/ipv6/conf 2>/dev/null || exit 0
for one in all default; do echo 0 > $one/accept_dad; echo 0 > $one/disable_ipv6; done || true
"""


@dataclass(slots=True, eq=False, kw_only=True)
class Host(RealMesh):
    """One machine; ``folder`` is where its commands run."""

    name: str
    space: Namespace
    home: Path
    router: IPv4Address
    address: str = ""
    walled: bool = False
    captures: int = 0

    @classmethod
    def make(cls, name: str, folder: Path, router: IPv4Address) -> "Host":
        """Make a host whose home is in the folder, without any interface. Raises NotAllowed."""
        home = folder / name
        for one in (home, home / "work", home / "state", home / "tmp"):
            one.mkdir(mode=0o700)
        space = Namespace.make(name, SETTINGS)
        return cls(home / "work", name=name, space=space, home=home, router=router)

    @property
    def temporary(self) -> Path:
        """The folder for its temp files."""
        return self.home / "tmp"

    @property
    def link_local(self) -> str:
        """Its IPv6 address on eth0 without the scope; empty where there is no IPv6."""
        words = self.space.run("ip", "-6", "-br", "addr", "show", "dev", LINK).split()
        return next((word.split("/")[0] for word in words if word.startswith("fe80:")), "")

    def command(self, *words: str) -> list[str]:
        """Return what starts the command with these words here."""
        return self.space.within(*COMMAND, *words)

    def environment(self) -> dict[str, str]:
        """Return what processes find in their environment here."""
        home = str(self.home)
        return environment(
            PIXMESH_STATE=str(self.home / "state"),
            PIXMESH_BIND="",
            TMPDIR=str(self.temporary),
            HOME=home,
            XDG_CONFIG_HOME=home,
            HOSTNAME=self.name,
        )

    def run(self, *words: str, patience: float = PATIENCE) -> Finished:
        """Run a pixmesh command here to its end; kill it when patience ends, and raise."""
        try:
            done = subprocess.run(
                self.command(*words),
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            self._sweep_spools()
            raise
        return Finished(done.returncode, done.stdout, done.stderr)

    def change_address(self, address: str) -> None:
        """Give eth0 another address in the place of the one it has, as "10.77.0.9/24".

        Nobody is told: connections with the old one fall silent, as when a lease ends.
        """
        interface = IPv4Interface(address)
        self.space.ip(
            f"addr flush dev {LINK} scope global", f"addr add {interface} brd + dev {LINK}"
        )
        if self.router in interface.network:
            self.space.ip(f"route add default via {self.router} dev {LINK}")
        self.address = str(interface.ip)

    def close_ports(self, protocol: str, first: int, last: int | None = None) -> None:
        """Drop without a word what comes in by eth0 for ports of "tcp" or "udp".

        These are rules of routing, for there may be no packet filter here. They know nothing of
        connections: leave out ports that connections from here may have. A datagram to
        255.255.255.255 is not routed and comes through: see ``Lan.stop_broadcasts``.
        """
        self._wall()
        ports = f"{first}-{last or first}"
        for family in self._families():
            rule = f"iif {LINK} ipproto {protocol} dport {ports} blackhole"
            self.space.ip(f"rule add pref 10 {rule}", family=family)

    def open_ports(self) -> None:
        """Let everything in again."""
        for family in self._families():
            while "blackhole" in self.space.run("ip", family, "rule", "show", "pref", "10"):
                self.space.ip("rule del pref 10", family=family)

    def _wall(self) -> None:
        """Make room for rules before the one by which packets for this host come in."""
        if not self.walled:
            for family in self._families():
                self.space.ip("rule add pref 100 lookup local", "rule del pref 0", family=family)
        self.walled = True

    def _families(self) -> tuple[str, ...]:
        return ("-4", "-6") if self.link_local else ("-4",)

    @contextmanager
    def capture(self, interface: str = LINK) -> Iterator[Capture]:
        """Record every frame that crosses an interface while the block runs."""
        self.captures += 1
        file = self.home / f"capture-{self.captures}"
        with capturing(self.space, interface, file) as capture:
            yield capture

    def sweep(self) -> None:
        """Remove the spools of members that were killed, if any was."""
        if any(member.killed for member in self.members):
            self._sweep_spools()

    def _sweep_spools(self) -> None:
        if self._spools.is_dir():
            sweep(self._spools)

    def left_over(self) -> list[str]:
        """Return what is in its folder for temp files, an empty folder of spools aside."""
        return sorted(
            path.relative_to(self.temporary).as_posix()
            for path in self.temporary.rglob("*")
            if path != self._spools
        )

    @property
    def _spools(self) -> Path:
        return self.temporary / f"pixmesh-{getpass.getuser()}"
