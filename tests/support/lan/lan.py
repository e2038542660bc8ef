"""A LAN: hosts at a switch, with a router that leads nowhere.

    atlas eth0 10.77.0.1/24 ==veth==+--------+
                                    | switch |-- 10.77.0.254 the router
    pi4   eth0 10.77.0.2/24 ==veth==+--------+

The switch is a bridge in a namespace of its own, so broadcasts (255.255.255.255 and the
network's) and multicasts reach every host, and IPv6's link-local addresses work where the
kernel has IPv6. Hosts have a default route, as most do; the router answers that there is no
way out. Other networks for more interfaces of hosts are bridges beside it, without a router.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Final

from pixmesh.tests.support.meshes import end_members

from .host import LINK, Host
from .namespace import Namespace, demand_namespaces

NET: Final = "10.77.0"
ROUTER: Final = IPv4Address(f"{NET}.254")
MAIN: Final = "lan"
WITHOUT_CABLE: Final = ("tun", "tap")
TUNNELS: Final = Path("/dev/net/tun")
SETTINGS: Final = f"""
ip link add {MAIN} type bridge mcast_snooping 0
ip link set {MAIN} up
ip addr add {ROUTER}/24 brd + dev {MAIN}
ip route add unreachable default
cd /proc/sys/net/ipv4
echo 0 > neigh/{MAIN}/proxy_delay
echo 1 > ip_forward
for one in all {MAIN}; do echo 0 > conf/$one/send_redirects; done
"""


@dataclass(slots=True, eq=False)
class Lan:
    """Hosts by their names, and the switch between them."""

    folder: Path
    switch: Namespace
    hosts: dict[str, Host] = field(default_factory=dict)
    plugs: dict[str, list[str]] = field(default_factory=lambda: {MAIN: []})

    @classmethod
    @contextmanager
    def of(cls, folder: Path, *names: str) -> Iterator["Lan"]:
        """Have a LAN of these hosts, 10.77.0.1 and on, while the block runs.

        Their homes are in the folder, whose path is short. Raises NotAllowed.
        """
        demand_namespaces()
        folder.mkdir(exist_ok=True)
        lan = cls(folder, Namespace.make(settings=SETTINGS))
        try:
            for name in names:
                lan.add(name)
            yield lan
        finally:
            lan.close()

    @property
    def ipv6(self) -> bool:
        """Whether hosts have IPv6 here."""
        return all(host.link_local for host in self.hosts.values())

    def add(self, name: str, address: str = "") -> Host:
        """Put one more host at the switch, with the next address if none is given."""
        host = Host.make(name, self.folder, ROUTER)
        self.hosts[name] = host
        self._plug_in(host, LINK, MAIN)
        host.change_address(address or f"{NET}.{len(self.hosts)}/24")
        return host

    def add_interface(self, host: Host, name: str, address: str, network: str = "") -> None:
        """Give a host one more interface, such as "docker0" with "172.17.0.1/16".

        Those called tun or tap are the kernel's, where it gives them out: up, carrying nothing,
        as no process is at their other end. All others look like a plugged-in cable to the
        network of that name; hosts at it hear each other. Without a name no other host is.
        """
        interface = IPv4Interface(address)
        if name.startswith(WITHOUT_CABLE) and TUNNELS.exists():
            host.space.ip(f"tuntap add dev {name} mode {name[:3]}")
        else:
            self._plug_in(host, name, network or f"stub{sum(map(len, self.plugs.values()))}")
        host.space.ip(f"addr add {interface} brd + dev {name}", f"link set {name} up")

    def stop_broadcasts(self) -> None:
        """Let the switch pass on neither broadcasts nor multicasts, as guest networks do.

        Senders are told nothing. IPv4 works on, also with addresses that change later: the
        router answers for hosts that cannot be asked, and passes their packets on. IPv6 works
        only between hosts that have just spoken.
        """
        self._flood("off")

    def pass_broadcasts(self) -> None:
        """Let the switch pass on everything again."""
        self._flood("on")

    def _flood(self, flag: str) -> None:
        flags = f"bcast_flood {flag} mcast_flood {flag}"
        self.switch.ip(
            *(f"link set dev {plug} type bridge_slave {flags}" for plug in self.plugs[MAIN])
        )
        answer = f"/proc/sys/net/ipv4/conf/{MAIN}/proxy_arp_pvlan"
        self.switch.run("sh", "-c", f"echo {int(flag == 'off')} > {answer}")

    def _plug_in(self, host: Host, interface: str, network: str) -> None:
        if network not in self.plugs:
            self.plugs[network] = []
            self.switch.ip(
                f"link add {network} type bridge mcast_snooping 0", f"link set {network} up"
            )
        plug = f"plug{sum(map(len, self.plugs.values()))}"
        self.plugs[network].append(plug)
        switch = self.switch.holder.pid
        host.space.ip(f"link add name {interface} type veth peer name {plug} netns {switch}")
        self.switch.ip(f"link set {plug} master {network}", f"link set {plug} up")
        host.space.ip(f"link set {interface} up")

    def close(self) -> None:
        """End all members, brokers last, and take everything away."""
        hosts = list(self.hosts.values())
        try:
            stubborn = end_members([member for host in hosts for member in host.members])
            for host in hosts:
                host.sweep()
        finally:
            for space in (*(host.space for host in hosts), self.switch):
                space.close()
        assert not stubborn, [member.said() for member in stubborn]
        left = {host.name: left for host in hosts if (left := host.left_over())}
        assert not left, f"left in hosts' folders for temp files: {left}"
