# SPDX-License-Identifier: Apache-2.0
"""Says whether an SSH server answers, before a whole playbook is started for it.

No login, no credential, no host key: a TCP connection and the server's banner (RFC 4253,
section 4.2). A frozen host accepts the connection and never says its banner.
"""

import socket
import time


def probe(address: str, *, port: int = 22, timeout_seconds: float) -> bool:
    """Return whether an SSH server says its banner within `timeout_seconds`.

    Whatever goes wrong on the way means no.
    """
    deadline = time.monotonic() + timeout_seconds
    try:
        with socket.create_connection((address, port), timeout_seconds) as connection:
            heard = b""
            # a server may say other lines first; 8 kB of them is enough
            while len(heard) < 8192:
                if heard.startswith(b"SSH-") or b"\nSSH-" in heard:
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                connection.settimeout(left)
                more = connection.recv(256)
                if not more:
                    return False
                heard += more
    except (OSError, UnicodeError):
        return False
    return False
