"""This machine's network interfaces: which lead to a LAN, which only look like it.

Judged by name, never by driver: the network card of a virtual machine has a virtual driver
and a real LAN behind it. Whoever names an interface or an address gets it, whatever it
looks like.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from .lifetime import CannotServe

LOOPBACK: Final = "127.0.0.1"
VIRTUAL: Final = re.compile(r"(docker|br-|veth|virbr|tun|tap|wg|utun|vmnet|vboxnet|vEthernet)")


class NoSuchInterface(CannotServe):
    """What was named is no interface and no address of this machine; the text says more."""


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface that is up: its addresses, and for IPv4 where all its neighbours listen."""

    name: str
    addresses: tuple[str, ...]
    broadcasts: tuple[str, ...] = ()
    index: int = 0

    @property
    def is_loopback(self) -> bool:
        """Whether it leads nowhere but back."""
        return all(is_loopback(one) for one in self.addresses)

    @property
    def looks_virtual(self) -> bool:
        """Whether its name is one that containers, bridges and tunnels have."""
        return VIRTUAL.match(self.name) is not None


@dataclass(frozen=True, slots=True)
class Choice:
    """Where to listen or ask: ``chosen`` interfaces, and those ``skipped`` with the reason.

    ``given`` are the addresses that a person named as such.
    """

    chosen: tuple[Interface, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    given: tuple[str, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address of those chosen."""
        return tuple(address for one in self.chosen for address in one.addresses)

    @property
    def reaches_beyond(self) -> bool:
        """Whether any of them leads to other machines."""
        return not all(one.is_loopback for one in self.chosen)

    def skipped_in_words(self) -> str:
        """Name what was skipped, or nothing."""
        return ", ".join(f"{name} ({why})" for name, why in self.skipped)


def choose(found: Iterable[Interface]) -> Choice:
    """Choose those that lead to a LAN. Pure."""
    chosen, skipped = [], []
    for one in found:
        if one.is_loopback:
            continue
        if one.looks_virtual:
            skipped.append((one.name, "looks virtual"))
        else:
            chosen.append(one)
    return Choice(tuple(chosen), tuple(skipped))


def named(words: Iterable[str], found: Iterable[Interface]) -> Choice:
    """Choose what people named: interfaces, or addresses as they gave them. Pure.

    Raises NoSuchInterface.
    """
    by_name = {one.name: one for one in found}
    chosen, given = [], list[str]()
    for word in words:
        one = by_name.get(word) or _with_address(word, by_name)
        chosen.append(one)
        given += one.addresses if word not in by_name else ()
    return Choice(tuple(chosen), given=tuple(given))


def _with_address(word: str, by_name: Mapping[str, Interface]) -> Interface:
    try:
        infos = socket.getaddrinfo(word, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise NoSuchInterface(
            f"{word!r} is no interface and no address of this machine ({why}); "
            f"its interfaces: {', '.join(sorted(by_name))}"
        ) from None
    addresses = tuple(dict.fromkeys(str(info[4][0]) for info in infos))
    if any(ipaddress.ip_address(one.split("%")[0]).is_unspecified for one in addresses):
        raise NoSuchInterface(
            f"{word} means every interface, tunnels and containers' too: name those to listen on, "
            "or leave --bind out for all that lead to a LAN"
        )
    for one in by_name.values():
        if set(addresses) & set(one.addresses):
            return Interface(one.name, addresses, one.broadcasts, one.index)
    return Interface(word, addresses)


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's alone."""
    return ipaddress.ip_address(address.split("%", maxsplit=1)[0]).is_loopback


def present() -> list[Interface]:
    """Return this machine's interfaces that are up and have an IP address."""
    import psutil

    up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    found = []
    for name, addresses in psutil.net_if_addrs().items():
        ip = [one for one in addresses if one.family in {socket.AF_INET, socket.AF_INET6}]
        if name in up and ip:
            found.append(_interface(name, [(one.address, one.broadcast) for one in ip]))
    return found


def _interface(name: str, addresses: list[tuple[str, str | None]]) -> Interface:
    return Interface(
        name,
        tuple(address for address, _ in addresses),
        tuple(there for address, there in addresses if there and ":" not in address),
        _index(name),
    )


def _index(name: str) -> int:
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0
