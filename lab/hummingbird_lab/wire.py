# SPDX-License-Identifier: Apache-2.0
"""A program that holds up and loses frames on their way to and from one switch port.

Run by the lab as a process in the switch's namespace.  It takes the place of the
bridge on `--port` (a packet socket, packet(7)) and puts a TAP device, `--tap`, into
the bridge instead; what comes in at one leaves at the other `--delay` seconds later,
or never, with the probability `--loss`.  Order is kept, since every frame waits
equally long.  It alone imports nothing of the lab, so that it starts in 20 ms.

It does not promise rates: about 80 MB/s were seen, and more frames than a queue of
10000 are lost, as on a real line.
"""

import argparse
import collections
import fcntl
import os
import random
import select
import socket
import struct
import subprocess
import time

_TUNSETIFF = 0x400454CA
_IFF_TAP_WITHOUT_HEADER = 0x0002 | 0x1000
_ETH_P_ALL = 0x0003
_SOL_PACKET = 263
_PACKET_IGNORE_OUTGOING = 23
_QUEUE = 10000


def _tap(name: str) -> int:
    """Make a TAP device, put it into the bridge, and return its descriptor."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH22x", name.encode(), _IFF_TAP_WITHOUT_HEADER)
    fcntl.ioctl(descriptor, _TUNSETIFF, request)
    subprocess.run(["ip", "link", "set", name, "master", "br0", "up"], check=True)
    return descriptor


def _port(name: str) -> socket.socket:
    """Return a packet socket that sees what the machine behind the port sends."""
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    port.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    port.bind((name, 0))
    # The bridge kept the port promiscuous; outside it, the socket has to ask.
    index = socket.if_nametoindex(name)
    membership = struct.pack("iHH8s", index, 1, 0, b"")
    port.setsockopt(_SOL_PACKET, 1, membership)
    port.setblocking(False)
    return port


def forward(*, port_name: str, tap_name: str, delay_s: float, loss: float) -> None:
    """Forward for ever, each frame `delay_s` seconds late, losing the share `loss`."""
    tap, port = _tap(tap_name), _port(port_name)
    other = {tap: port.fileno(), port.fileno(): tap}
    waiting: collections.deque[tuple[float, int, bytes]] = collections.deque()
    poll = select.poll()
    for descriptor in other:
        poll.register(descriptor, select.POLLIN)
    print("ready", flush=True)
    while True:
        timeout_ms = None
        if waiting:
            timeout_ms = max(0.0, waiting[0][0] - time.monotonic()) * 1000
        for descriptor, _ in poll.poll(timeout_ms):
            for _ in range(64):
                try:
                    frame = os.read(descriptor, 65536)
                except OSError:  # nothing left, or the port is down
                    break
                if len(waiting) < _QUEUE and random.random() >= loss:  # noqa: S311 no secret
                    due = time.monotonic() + delay_s
                    waiting.append((due, other[descriptor], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, target, frame = waiting.popleft()
            try:
                os.write(target, frame)
            except OSError:  # the port is down or its queue is full: a lost frame
                continue


def main() -> None:
    """Read the command line and forward until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", required=True)
    parser.add_argument("--tap", required=True)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--loss", type=float, default=0.0)
    given = parser.parse_args()
    forward(
        port_name=given.port,
        tap_name=given.tap,
        delay_s=given.delay,
        loss=given.loss,
    )


if __name__ == "__main__":
    main()
