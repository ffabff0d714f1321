# SPDX-License-Identifier: Apache-2.0
"""Single looks at the way to a host, each bounded in time, none of which logs in.

`ping` (iputils) and `ssh-keyscan` (OpenSSH) are asked, which have the rights for it on
every system; both get addresses and numbers alone.
"""

import ipaddress
import socket
import subprocess
from typing import Final, Protocol

from hummingbird.domain.trace import Ssh

PING_SECONDS: Final = 1
"""For one answer; a satellite takes 0.6."""
SSH_SECONDS: Final = 4.0
_HEADERS: Final = {4: 28, 6: 48}
"""IP and ICMP headers around a ping's data."""
_BANNER_BYTES: Final = 8192


class Path(Protocol):
    """The way to hosts, as this machine sees it."""

    def ping(self, address: str, *, size: int | None = None) -> bool:
        """Return whether `address` answers.

        :param size: bytes of the whole IP packet, which nobody may cut into pieces.
        """

    def ssh(self, address: str, *, port: int) -> Ssh:
        """Return what becomes of a connection to an SSH server."""

    def host_keys(self, address: str, *, port: int) -> tuple[str, ...]:
        """Return the keys that the server shows, as "TYPE BASE64"; none if it is away."""


class SystemPath:
    """From the network namespace that this process is in."""

    def ping(self, address: str, *, size: int | None = None) -> bool:
        ip = ipaddress.ip_address(address)
        tries = "1" if size is None else "2"
        argv = ["ping", "-n", "-q", "-c", tries, "-W", str(PING_SECONDS), "-i", "0.2"]
        if size is not None:
            argv += ["-M", "do", "-s", str(max(0, size - _HEADERS[ip.version]))]
        return _says([*argv, str(ip)], seconds=2 * PING_SECONDS + 1) is not None

    def ssh(self, address: str, *, port: int) -> Ssh:
        try:
            plug = socket.create_connection((address, port), SSH_SECONDS)
        except ConnectionRefusedError:
            return Ssh.REFUSED
        except OSError:
            return Ssh.SILENT
        with plug:
            heard = b""
            try:
                while len(heard) < _BANNER_BYTES:
                    more = plug.recv(256)
                    heard += more
                    if heard.startswith(b"SSH-") or b"\nSSH-" in heard:
                        return Ssh.ANSWERS
                    if not more:
                        break
            except OSError:
                pass
        return Ssh.HUNG

    def host_keys(self, address: str, *, port: int) -> tuple[str, ...]:
        ip = ipaddress.ip_address(address)
        argv = ["ssh-keyscan", "-T", str(int(SSH_SECONDS)), "-p", str(port), str(ip)]
        said = _says(argv, seconds=2 * SSH_SECONDS) or ""
        lines = (line.split() for line in said.splitlines() if line[:1] != "#")
        return tuple(" ".join(words[1:3]) for words in lines if len(words) >= 3)


def _says(argv: list[str], *, seconds: float) -> str | None:
    """Return what a program prints; None if it did not end well in time."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
