# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that a test stops and starts again on the same one.

Below the range that the kernel takes clients' ports from (ip_local_port_range, by default
from 32768): a port of that range, free while the server is away, may be taken by any
connection meanwhile, even by one to itself.

A port is this process's for as long as it lives: several processes share the tests, and
one that was found free is bound later, or again.
"""

import itertools
import os
import socket
from collections.abc import Iterator
from typing import Final

_FIRST: Final = 20000
_LAST: Final = 32000
_STEP: Final = 7919
"""A prime, so that all are tried, and tests that run side by side begin far apart."""


def _candidates() -> Iterator[int]:
    for index in itertools.count(1):
        yield _FIRST + (os.getpid() * _STEP + index) % (_LAST - _FIRST)


_CANDIDATES: Final = _candidates()
_CLAIMS: Final[list[socket.socket]] = []


def _claim(port: int) -> bool:
    """Take the port's name among processes; the kernel gives it back when we end."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0hummingbird-test-port-{port}")
    except OSError:
        claim.close()
        return False
    _CLAIMS.append(claim)
    return True


def free_port() -> int:
    """Return a port of loopback that nobody uses now, and no client will by chance."""
    for port in _CANDIDATES:
        if not _claim(port):
            continue
        with (
            socket.socket() as stream,
            socket.socket(type=socket.SOCK_DGRAM) as packets,
        ):
            try:
                stream.bind(("127.0.0.1", port))
                packets.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("counting never ends")
