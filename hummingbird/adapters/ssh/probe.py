# SPDX-License-Identifier: Apache-2.0
"""Says whether an SSH server answers, before a whole playbook is started for it.

No login, no credential, no host key: a TCP connection and the server's banner (RFC 4253,
section 4.2). A frozen host accepts the connection and never says its banner.
"""

from typing import Final

from hummingbird.adapters.bounded.exchange import Exchange
from hummingbird.domain.trace import Ssh

BANNER_BYTES: Final = 8192
"""A server may say other lines first; this is enough of them."""


def banner(address: str, *, port: int = 22, seconds: float) -> Ssh:
    """Return what becomes of a connection to an SSH server within `seconds`, all told."""
    heard = b""
    try:
        with Exchange(seconds=seconds, most_bytes=BANNER_BYTES) as exchange:
            try:
                plug = exchange.connect(address, port)
            except ConnectionRefusedError:
                return Ssh.REFUSED
            except (OSError, UnicodeError):
                return Ssh.SILENT
            with plug:
                while more := plug.recv(256):
                    heard += more
                    if heard.startswith(b"SSH-") or b"\nSSH-" in heard:
                        return Ssh.ANSWERS
    except OSError:
        pass
    return Ssh.HUNG


def probe(address: str, *, port: int = 22, timeout_seconds: float) -> bool:
    """Return whether an SSH server says its banner within `timeout_seconds`.

    Whatever goes wrong on the way means no.
    """
    return banner(address, port=port, seconds=timeout_seconds) is Ssh.ANSWERS
