# SPDX-License-Identifier: Apache-2.0
"""What one peer, and all of them together, may take of a server.

The rates hold for a link of 33.6 kbit/s and better. The seconds are for peers that stop:
a handshake takes three round trips, which by satellite are two seconds.
"""

import resource
from dataclasses import dataclass
from typing import Final

FILES_WANTED: Final = 65536
"""Open files that a process asks for; what it may have at most says its hard limit."""
CONNECTIONS_MAX: Final = 4096
_FILES_SHARE: Final = 8
"""One of so many files is for one port: `hummingbird up` has four, and a database, SSH
sessions and playbooks beside them."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of one server, that is, of one port."""

    connections: int = CONNECTIONS_MAX
    """At one time. One more ends another: of the source that has the most."""
    handshake_seconds: float = 10.0
    """From the connection to the end of its TLS handshake."""
    head_seconds: float = 10.0
    """From a request's first byte to the end of its header; for the first request of a
    connection, from the handshake's end."""
    idle_seconds: float = 60.0
    """Between two requests."""
    stall_seconds: float = 30.0
    """How long a body or an answer may stand still, and the head start that each has
    before its rate is looked at."""
    bytes_per_second: int = 4096
    """The least rate at which a body comes and an answer is taken."""
    linger_seconds: float = 5.0
    """For a peer to close after we did, so that it reads our last answer (RFC 9112, 9.6)."""
    head_bytes: int = 64 * 1024
    head_lines: int = 256
    body_bytes: int = 1024 * 1024
    """Of a body that is held in memory until a worker takes it."""
    bodies_bytes: int = 64 * 1024 * 1024
    """Of all requests that no worker has answered yet. More ends the heaviest."""
    answers_bytes: int = 256 * 1024 * 1024
    """Of all answers that wait for slow readers. More ends the heaviest, but not the only
    one."""
    streams: int = 0
    """Bodies over `body_bytes` that workers may read while they come. With none, such a
    request is handed over without the rest of its body, and its connection closed."""
    stop_seconds: float = 5.0
    """For requests that are answered while the server ends."""

    def due(self, *, began: float, moved: float, size: int) -> float:
        """Return until when the next byte of a transfer has to come.

        :param began: when it began, on the monotonic clock (s).
        :param moved: when its last byte came.
        :param size: bytes so far.
        """
        by_rate = began + self.stall_seconds + size / self.bytes_per_second
        return min(by_rate, moved + self.stall_seconds)


def raise_file_limit() -> int:
    """Let this process have as many open files as it may; return how many.

    Without it a service has 1,024 where its hard limit is half a million (systemd's and
    most shells' default).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, FILES_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def connections_allowed() -> int:
    """Return how many connections one port may have, by this process's open files."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    return max(16, min(CONNECTIONS_MAX, soft // _FILES_SHARE))
