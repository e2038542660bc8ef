"""Several hosts on one machine: network namespaces around a wire that can be cut.

    127.77.0.1 ==veth== wire (forwards) ==veth== 127.77.0.2

A process holds each namespace and ends with the test run, however that ends; the kernel
then takes the namespace and its links away. None has a default route, or an interface of
the machine's: no packet leaves them.

The wire drops without a word what it has a blackhole route for: the ends learn nothing, as
on a bad link. Hosts have addresses of 127.0.0.0/8 because brokers bind no others yet; as lo
has only 127.0.0.1 here, what they send each other crosses the wire.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PATIENCE: Final = 10.0
NET: Final = "127.77.0"
GATEWAY: Final = f"{NET}.254"
LINK: Final = "eth0"
CAPABILITIES: Final = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21}
TOOLS: Final = {
    "ip": "iproute2",
    "ss": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
}
HOLD: Final = ("unshare", "--net", "sh", "-c", "echo here; exec cat")
SETTINGS: Final = """
set -e
cd /proc/sys/net/ipv4
for one in conf/all conf/default; do echo 1 > $one/route_localnet; echo 0 > $one/rp_filter; done
echo {forward} > ip_forward
"""
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
    def make(cls, *, forward: bool = False) -> "Namespace":
        """Make one that has nothing but 127.0.0.1. Raises NotAllowed."""
        pipe = subprocess.PIPE
        holder = subprocess.Popen(HOLD, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT)
        made = cls(holder)
        assert holder.stdout is not None
        try:
            _demand_here(holder.stdout.readline().decode().strip())
            made.run("sh", "-c", SETTINGS.format(forward=int(forward)))
            made.ip("link set lo up", "addr del 127.0.0.1/8 dev lo", "addr add 127.0.0.1/32 dev lo")
        except BaseException:
            made.close()
            raise
        return made

    def within(self, *words: str) -> list[str]:
        """Return the command that runs another in here, under the same process id."""
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *words]

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

    def ip(self, *commands: str) -> None:
        """Carry out commands of iproute2 in here. Raises NotAllowed."""
        self.run("ip", "-batch", "-", given="\n".join(commands))

    def close(self) -> None:
        """Hold it no longer."""
        self.holder.kill()
        self.holder.communicate()


def _demand_here(said: str) -> None:
    if said != "here":
        raise NotAllowed(said)


@dataclass(slots=True, eq=False)
class Host:
    """A machine whose one link leads to the wire."""

    number: int
    space: Namespace

    @property
    def address(self) -> str:
        """Its one address."""
        return f"{NET}.{self.number}"

    @property
    def plug(self) -> str:
        """The wire's end of the link."""
        return f"to-{self.number}"

    def connections(self, other: "Host", pid: int) -> set[str]:
        """Return this end of every TCP connection that a process here has to another host."""
        lines = self.space.run("ss", "-Htnap", "dst", other.address).splitlines()
        return {line.split()[3] for line in lines if f"pid={pid}," in line}

    def unplug(self) -> None:
        """Take the link down and its address away: the host knows of no network any more."""
        self.space.ip(f"link set {LINK} down", f"addr del {self.address}/32 dev {LINK}")

    def plug_in(self) -> None:
        """Bring the link up, with its address and the ways that lead over it."""
        self.space.ip(
            f"addr add {self.address}/32 dev {LINK} scope global",
            f"link set {LINK} up",
            f"route add {GATEWAY}/32 dev {LINK} scope link",
            f"route add {NET}.0/24 via {GATEWAY} dev {LINK}",
        )


@dataclass(slots=True, eq=False)
class Lan:
    """Hosts, and the wire between them."""

    wire: Namespace
    hosts: dict[int, Host] = field(default_factory=dict)

    @classmethod
    def make(cls) -> "Lan":
        """Make a wire with the hosts 1 and 2 at it. Raises NotAllowed."""
        demand_namespaces()
        lan = cls(Namespace.make(forward=True))
        try:
            lan.add(1)
            lan.add(2)
        except BaseException:
            lan.close()
            raise
        return lan

    def add(self, number: int) -> Host:
        """Put a host at the wire, or a new one in the place of one that is gone."""
        host = self.hosts[number] = Host(number, Namespace.make())
        wire = self.wire.holder.pid
        host.space.ip(f"link add name {LINK} type veth peer name {host.plug} netns {wire}")
        self.wire.ip(
            f"addr add {GATEWAY}/32 dev {host.plug} scope global", f"link set {host.plug} up"
        )
        host.plug_in()
        self.heal(host)
        return host

    def remove(self, host: Host) -> None:
        """Take a host away: it is as silent as if it had never been there."""
        self.wire.ip(f"link del {host.plug}")
        del self.hosts[host.number]
        host.space.close()

    def cut(self, *to: Host) -> None:
        """From now on drop what is sent to these hosts."""
        self.wire.ip(*(f"route replace blackhole {host.address}/32" for host in to))

    def heal(self, *to: Host) -> None:
        """From now on pass on what is sent to these hosts; to all, if none is named."""
        hosts = to or tuple(self.hosts.values())
        ways = (f"{host.address}/32 dev {host.plug} scope link" for host in hosts)
        self.wire.ip(*(f"route replace {way}" for way in ways))

    def carried(self, host: Host) -> tuple[int, int]:
        """Return how many bytes the wire took from a host, and gave it."""
        for line in self.wire.run("cat", "/proc/net/dev").splitlines():
            name, _, counters = line.partition(":")
            if name.strip() == host.plug:
                numbers = counters.split()
                return int(numbers[0]), int(numbers[8])
        raise AssertionError(f"the wire has no {host.plug}")

    def close(self) -> None:
        """Take everything away."""
        for host in self.hosts.values():
            host.space.close()
        self.wire.close()
