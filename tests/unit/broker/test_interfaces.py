"""Which interfaces lead to a LAN is judged by name; what a person names is taken."""

import socket

import pytest

from pixmesh.broker.interfaces import (
    Interface,
    NoSuchInterface,
    choose,
    is_loopback,
    named,
    present,
)

LO = Interface("lo", ("127.0.0.1", "::1"), (), 1)
ETH = Interface("eth0", ("192.168.1.7", "fe80::1%eth0"), ("192.168.1.255",), 2)
DOCKER = Interface("docker0", ("172.17.0.1",), ("172.17.255.255",), 3)


def test_what_leads_to_a_lan_is_chosen_and_what_only_looks_so_is_named() -> None:
    choice = choose([LO, ETH, DOCKER])
    assert choice.chosen == (ETH,)
    assert choice.addresses == ETH.addresses
    assert choice.reaches_beyond
    assert choice.skipped_in_words() == "docker0 (looks virtual)"


@pytest.mark.parametrize(
    "name",
    ["docker0", "br-12ab", "veth1", "virbr0", "tun0", "tap3", "wg0", "utun4", "vmnet8"],
)
def test_names_of_containers_bridges_and_tunnels_look_virtual(name: str) -> None:
    assert Interface(name, ("10.0.0.1",)).looks_virtual


@pytest.mark.parametrize("name", ["eth0", "enp3s0", "wlan0", "en0", "Ethernet", "br0", "wlp2s0"])
def test_names_of_network_cards_do_not(name: str) -> None:
    assert not Interface(name, ("10.0.0.1",)).looks_virtual


def test_a_machine_without_a_lan_reaches_nobody() -> None:
    choice = choose([LO])
    assert (choice.chosen, choice.addresses, choice.skipped_in_words()) == ((), (), "")
    assert not choice.reaches_beyond


def test_what_is_named_is_taken_whatever_it_looks_like() -> None:
    found = [LO, ETH, DOCKER]
    assert named(["docker0"], found).chosen == (DOCKER,)
    (only,) = named(["172.17.0.1"], found).chosen
    assert (only.name, only.addresses, only.broadcasts) == (
        "docker0",
        ("172.17.0.1",),
        DOCKER.broadcasts,
    )
    assert not named(["127.0.0.1"], found).reaches_beyond
    assert named(["10.9.9.9"], found).addresses == ("10.9.9.9",)


def nobody(*_: object, **__: object) -> None:
    raise socket.gaierror(-2, "Name or service not known")


@pytest.mark.parametrize("word", ["0.0.0.0", "::", "nowhere", "../eth0", "x" * 300])  # noqa: S104
def test_what_is_no_interface_and_no_address_is_refused(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if word == "nowhere":  # else it would be asked for beyond this machine
        monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(NoSuchInterface):
        named([word], [LO, ETH])


def test_only_loopback_is_loopback() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("127.8.8.8")
    assert is_loopback("::1%lo")
    assert not is_loopback("fe80::1%eth0")
    assert not is_loopback("10.0.0.1")


def test_this_machine_has_loopback_up() -> None:
    assert any("127.0.0.1" in one.addresses and one.is_loopback for one in present())
