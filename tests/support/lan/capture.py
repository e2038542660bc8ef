"""A capture: every frame that crosses an interface of a host while a block runs.

Owns the sniffer's process, and looking into what it wrote: in frames as they are, and in
what each connection carries in each direction, since the bytes that a test looks for may
begin in one frame and end in the next. Frames of a connection are taken to come in order
and once: a retransmission only hides from ``contains`` what spans it.
"""

import struct
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .namespace import PATIENCE, Namespace

SNIFFER = Path(__file__).with_name("sniffer.py")
ETHERNET_BYTES = 14
IPV6_BYTES, UDP_BYTES = 40, 8
TCP, UDP = 6, 17


class Payload(NamedTuple):
    """What a frame carries, and between whom: addresses and ports in both directions."""

    protocol: int
    addresses: bytes
    ports: tuple[int, int]
    data: bytes


@dataclass(frozen=True, slots=True)
class Capture:
    """What has crossed so far; all of it once the block is left."""

    file: Path

    @property
    def frames(self) -> list[bytes]:
        """Every frame, with its Ethernet header, in the order of crossing."""
        written, frames, at = self.file.read_bytes(), [], 0
        while at + 4 <= len(written):
            (size,) = struct.unpack_from("!I", written, at)
            if at + 4 + size > len(written):
                break
            frames.append(written[at + 4 : at + 4 + size])
            at += 4 + size
        return frames

    @property
    def bytes_carried(self) -> int:
        """The bytes of all frames, headers included."""
        return sum(map(len, self.frames))

    def contains(self, wanted: bytes) -> bool:
        """Whether these bytes crossed in clear: in one frame, or along a connection."""
        frames = self.frames
        return any(wanted in part for part in (*frames, *_streams(frames)))

    def datagrams(self, port: int) -> list[bytes]:
        """Return what was sent to this UDP port, whoever's it is."""
        payloads = filter(None, map(payload, self.frames))
        return [one.data for one in payloads if one.protocol == UDP and one.ports[1] == port]


def payload(frame: bytes) -> Payload | None:
    """Return what a frame carries by TCP or UDP, None if it is neither's."""
    packet = frame[ETHERNET_BYTES:]
    match frame[12:14]:
        case b"\x08\x00":
            start, protocol, addresses = (packet[0] & 15) * 4, packet[9], packet[12:20]
            packet = packet[: int.from_bytes(packet[2:4], "big") or None]
        case b"\x86\xdd":
            start, protocol, addresses = IPV6_BYTES, packet[6], packet[8:40]
        case _:
            return None
    segment = packet[start:]
    if protocol not in {TCP, UDP} or len(segment) < UDP_BYTES:
        return None
    source, target = struct.unpack_from("!HH", segment)
    header = (segment[12] >> 4) * 4 if protocol == TCP else UDP_BYTES
    return Payload(protocol, addresses, (source, target), segment[header:])


def _streams(frames: list[bytes]) -> list[bytes]:
    streams: dict[tuple[bytes, tuple[int, int]], bytearray] = defaultdict(bytearray)
    for one in filter(None, map(payload, frames)):
        if one.protocol == TCP:
            streams[one.addresses, one.ports] += one.data
    return [bytes(stream) for stream in streams.values()]


@contextmanager
def capturing(space: Namespace, interface: str, file: Path) -> Iterator[Capture]:
    """Capture into the file what crosses an interface while the block runs.

    A frame that was missed is an error: what is not in the capture must not have crossed.
    """
    pipe = subprocess.PIPE
    words = space.within(sys.executable, "-I", "-S", str(SNIFFER), interface, str(file))
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as sniffer:
        try:
            assert sniffer.stdout is not None
            assert sniffer.stdout.readline() == "listening\n", f"no capture of {interface}"
            yield Capture(file)
            missed, _ = sniffer.communicate(timeout=PATIENCE)
        finally:
            sniffer.kill()
    assert missed == "0\n", f"the capture of {interface} missed frames: {missed!r}"
