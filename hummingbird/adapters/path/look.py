# SPDX-License-Identifier: Apache-2.0
"""Single looks at the way to a host, each bounded in time, none of which logs in.

`ping` (iputils) and `ssh-keyscan` (OpenSSH) are asked, which have the rights for it on
every system; both get addresses and numbers alone.
"""

import ipaddress
from typing import Final, Protocol

from hummingbird.adapters.bounded import child
from hummingbird.adapters.ssh.probe import banner
from hummingbird.domain.trace import Ssh

PING_SECONDS: Final = 1
"""For one answer; a satellite takes 0.6."""
SSH_SECONDS: Final = 4.0
_HEADERS: Final = {4: 28, 6: 48}
"""IP and ICMP headers around a ping's data."""
_SAYS_BYTES: Final = 64 * 1024
"""Of one program; three keys of a server have 1 kB."""


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
        return banner(address, port=port, seconds=SSH_SECONDS)

    def host_keys(self, address: str, *, port: int) -> tuple[str, ...]:
        ip = ipaddress.ip_address(address)
        argv = ["ssh-keyscan", "-T", str(int(SSH_SECONDS)), "-p", str(port), str(ip)]
        said = _says(argv, seconds=2 * SSH_SECONDS) or ""
        lines = (line.split() for line in said.splitlines() if line[:1] != "#")
        return tuple(" ".join(words[1:3]) for words in lines if len(words) >= 3)


def _says(argv: list[str], *, seconds: float) -> str | None:
    """Return what a program prints; None if it did not end well in time."""
    try:
        done = child.run(argv, seconds=seconds, most_bytes=_SAYS_BYTES)
    except (OSError, child.ChildLate):
        return None
    return done.stdout if done.returncode == 0 else None
