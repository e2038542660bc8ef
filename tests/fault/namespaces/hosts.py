"""Several hosts on one machine: network namespaces around a wire that can be cut.

    127.77.0.1 ==veth== wire (forwards) ==veth== 127.77.0.2

None has a default route, or an interface of the machine's: no packet leaves them.

The wire drops without a word what it has a blackhole route for: the ends learn nothing, as
on a bad link. Hosts have addresses of 127.0.0.0/8 because brokers bind no others yet; as lo
has only 127.0.0.1 here, what they send each other crosses the wire.
"""

from dataclasses import dataclass, field
from typing import Final

from pixmesh.tests.support.lan.namespace import Namespace, demand_namespaces

NET: Final = "127.77.0"
GATEWAY: Final = f"{NET}.254"
LINK: Final = "eth0"
SETTINGS: Final = """
cd /proc/sys/net/ipv4
for one in conf/all conf/default; do echo 1 > $one/route_localnet; echo 0 > $one/rp_filter; done
ip addr del 127.0.0.1/8 dev lo
ip addr add 127.0.0.1/32 dev lo
"""
FORWARDING: Final = "echo 1 > /proc/sys/net/ipv4/ip_forward\n"


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
        lan = cls(Namespace.make(settings=FORWARDING + SETTINGS))
        try:
            lan.add(1)
            lan.add(2)
        except BaseException:
            lan.close()
            raise
        return lan

    def add(self, number: int) -> Host:
        """Put a host at the wire, or a new one in the place of one that is gone."""
        host = self.hosts[number] = Host(number, Namespace.make(settings=SETTINGS))
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
