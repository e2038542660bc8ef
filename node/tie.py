"""A process that an agent has started: how it begins, and that it ends with the agent.

Its orders come as one JSON line on standard input, whose other end only the agent holds: when the
agent dies, however it dies, the process ends at once.
"""

import os
import sys
import threading

import cv2
import msgspec
import zmq

from ..broker.lifetime import ignore_interrupts, wait_until_cut
from . import platform
from .slot_messages import SlotOrders

Socket = zmq.Socket[bytes]


class Tie:
    """Its orders, and its ways to the agent."""

    def __init__(self) -> None:
        self.orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=SlotOrders)
        ignore_interrupts()
        threading.Thread(target=_end_with_the_agent, daemon=True).start()
        platform.lower_priority()
        cv2.setNumThreads(self.orders.threads)
        self._context: zmq.Context[Socket] = zmq.Context()

    def connect(self, mark: str = "") -> Socket:
        """Open a way to the agent; the process's name, with a mark, is its routing id."""
        orders, socket = self.orders, self._context.socket(zmq.DEALER)
        socket.routing_id = f"{orders.name}{mark}".encode()
        socket.linger = 1000
        if orders.server_key:
            socket.curve_serverkey = orders.server_key.encode()
            socket.curve_publickey = orders.public_key.encode()
            socket.curve_secretkey = orders.secret_key.encode()
        socket.connect(orders.address)
        return socket

    def close(self) -> None:
        """Have what was said delivered, and be heard no more."""
        self._context.destroy()


def _end_with_the_agent() -> None:
    wait_until_cut()
    os._exit(0)
