# SPDX-License-Identifier: Apache-2.0
"""The same interface served by `wireguard-go`, for kernels without WireGuard.

One program an interface; its socket speaks lines of key=value, keys in hexadecimal
(wireguard.com/xplatform, "Cross-platform userspace implementation"). A whole change is
one message, so ten thousand peers cost one round trip.
"""

import base64
import errno
import os
import signal
import socket
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from hummingbird.adapters.netlink.uapi import PeerReader
from hummingbird.domain.wireguard import Peer, Sight

SOCKETS: Final = Path("/var/run/wireguard")
"""Where wireguard-go and wg meet; compiled into both."""
_TIMEOUT_SECONDS: Final = 30.0
"""For each piece of an answer. One that is working sends its first within milliseconds, and
ten thousand peers in a second."""
_PROC: Final = Path("/proc")
_PIECE_BYTES: Final = 1 << 18


class UserspaceWireGuard:
    """An interface that a running wireguard-go serves."""

    def __init__(
        self,
        name: str,
        *,
        sockets: Path = SOCKETS,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        reader: PeerReader | None = None,
    ) -> None:
        """:param reader: of an interface that was looked at before."""
        self._name = name
        self._path = sockets / f"{name}.sock"
        self._timeout_seconds = timeout_seconds
        self._reader = reader or PeerReader()

    @property
    def name(self) -> str:
        return self._name

    @property
    def is_served(self) -> bool:
        """Whether a program listens."""
        try:
            with self._connect():
                return True
        except OSError:
            return False

    @property
    def answers(self) -> bool:
        """Whether the program that listens also answers: one that hangs takes connections
        like any other, for it is the kernel that does."""
        try:
            self._set([])
        except TimeoutError:
            return False
        return True

    def end_program(self) -> None:
        """End whatever serves the interface in this network namespace, by force: one that
        hangs hears nothing else. Its interface and its peers go with it."""
        own = (_PROC / "self/ns/net").readlink()
        for folder in _PROC.glob("[0-9]*"):
            try:
                program, *arguments = (
                    (folder / "cmdline")
                    .read_bytes()
                    .decode(errors="replace")
                    .split("\0")
                )
                if Path(program).name != "wireguard-go" or self._name not in arguments:
                    continue
                if (folder / "ns/net").readlink() == own:
                    os.kill(int(folder.name), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # it ended meanwhile, or is none of ours

    def configure(self, *, private_key: str, port: int) -> None:
        self._set([f"private_key={_hexadecimal(private_key)}", f"listen_port={port}"])

    def look(self) -> Sight:
        return self._reader.read(self._ask("get=1"))

    def change(self, put: Iterable[Peer], *, remove: Iterable[str] = ()) -> None:
        lines: list[str] = []
        for key in remove:
            lines += [f"public_key={_hexadecimal(key)}", "remove=true"]
        for peer in put:
            lines += [
                f"public_key={_hexadecimal(peer.public_key)}",
                f"persistent_keepalive_interval={peer.keepalive_seconds}",
                "replace_allowed_ips=true",
                *(f"allowed_ip={address}" for address in peer.addresses),
            ]
        if lines:
            self._set(lines)

    def _connect(self) -> socket.socket:
        # What is no socket is what a dead program of another kind left.
        if not stat.S_ISSOCK(self._path.stat().st_mode):
            raise OSError(errno.ENOTSOCK, f"{self._path} is no socket")
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self._timeout_seconds)
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        return connection

    def _set(self, lines: list[str]) -> None:
        self._ask("\n".join(["set=1", *lines]))

    def _ask(self, words: str) -> str:
        """Return the answer without its last line, which is what became of it."""
        with self._connect() as connection:
            connection.sendall(f"{words}\n\n".encode("ascii"))
            said = bytearray()
            # The last line is errno=NUMBER, and an empty one follows.
            while not said.endswith(b"\n\n"):
                more = connection.recv(_PIECE_BYTES)
                if not more:
                    raise OSError(
                        errno.EPIPE, f"the wireguard-go of {self._name} hung up"
                    )
                said += more
        answer, _, number = said.decode("ascii").rpartition("errno=")
        if int(number):
            # Linux's numbers, positive or negative by version.
            raise OSError(
                abs(int(number)), f"wireguard-go refused to change {self._name}"
            )
        return answer


def _hexadecimal(key: str) -> str:
    return base64.b64decode(key).hex()
