"""Writes every frame that crosses an interface to a file: ``python sniffer.py INTERFACE FILE``.

Runs by itself inside a host's namespace, from "listening" on stdout to the end of its stdin;
then it writes what had come until then, and says how many frames there was no room for.
A frame in the file is its length as four bytes, and itself. ``capture.py`` reads them.
"""

import errno
import select
import socket
import struct
import sys
from typing import BinaryIO

assert sys.platform == "linux"

ALL_PROTOCOLS = 3
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_STATISTICS = 263, 6
ROOM = 64 * 1024 * 1024
LARGEST = 256 * 1024


def main(interface: str, path: str) -> None:
    """Write frames until nobody wants them any more."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as wire, open(path, "wb", 0) as out:  # noqa: PTH123  # starts without pathlib
        wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        wire.bind((interface, ALL_PROTOCOLS))
        wire.setblocking(False)
        _say("listening")
        while sys.stdin not in select.select([wire, sys.stdin], [], [])[0]:
            _write_what_came(wire, out)
        _write_what_came(wire, out)
        _, dropped = struct.unpack("II", wire.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        _say(str(dropped))


def _write_what_came(wire: socket.socket, out: BinaryIO) -> None:
    while frame := _next_frame(wire):
        out.write(struct.pack("!I", len(frame)) + frame)


def _next_frame(wire: socket.socket) -> bytes:
    """Return b"" when there is none; an interface that went down may come up again."""
    try:
        return wire.recv(LARGEST)
    except OSError as error:
        if error.errno not in {errno.EAGAIN, errno.ENETDOWN}:
            raise
        return b""


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
