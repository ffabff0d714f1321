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
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hummingbird.domain.wireguard import Peer, SeenPeer, networks
from hummingbird.keypair import wireguard_public_key

SOCKETS: Final = Path("/var/run/wireguard")
"""Where wireguard-go and wg meet; compiled into both."""
_TIMEOUT_SECONDS: Final = 30.0
"""For each piece of an answer. One that is working sends its first within milliseconds, and
ten thousand peers in a second."""
_PROC: Final = Path("/proc")


class UserspaceWireGuard:
    """An interface that a running wireguard-go serves."""

    def __init__(
        self,
        name: str,
        *,
        sockets: Path = SOCKETS,
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        self._name = name
        self._path = sockets / f"{name}.sock"
        self._timeout_seconds = timeout_seconds

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

    def public_key(self) -> str | None:
        for name, value in self._get():
            if name == "private_key":
                return wireguard_public_key(_base64(value))
        return None

    def peers(self) -> dict[str, SeenPeer]:
        return {peer.public_key: peer for peer in _peers(self._get())}

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
        for _ in self._said("\n".join(["set=1", *lines]) + "\n\n"):
            pass

    def _get(self) -> Iterator[tuple[str, str]]:
        return self._said("get=1\n\n")

    def _said(self, words: str) -> Iterator[tuple[str, str]]:
        with (
            self._connect() as connection,
            connection.makefile("rw", encoding="ascii", newline="\n") as stream,
        ):
            stream.write(words)
            stream.flush()
            for line in stream:
                name, _, value = line.rstrip("\n").partition("=")
                if name == "errno":
                    if value != "0":
                        # Linux's numbers, positive or negative by version.
                        number = abs(int(value))
                        raise OSError(
                            number, f"wireguard-go refused to change {self._name}"
                        )
                    return
                if name:
                    yield name, value
            raise OSError(errno.EPIPE, f"the wireguard-go of {self._name} hung up")


def _peers(lines: Iterable[tuple[str, str]]) -> Iterator[SeenPeer]:
    current: dict[str, str] = {}
    addresses: list[str] = []
    for name, value in lines:
        if name == "public_key":
            if current:
                yield _seen(current, addresses)
            current, addresses = {name: value}, []
        elif current and name == "allowed_ip":
            addresses.append(value)
        elif current:
            current[name] = value
    if current:
        yield _seen(current, addresses)


def _seen(fields: dict[str, str], addresses: list[str]) -> SeenPeer:
    seconds = int(fields.get("last_handshake_time_sec", "0"))
    nanoseconds = int(fields.get("last_handshake_time_nsec", "0"))
    heard = (
        datetime.fromtimestamp(seconds + nanoseconds / 1e9, UTC) if seconds else None
    )
    return SeenPeer(
        public_key=_base64(fields["public_key"]),
        addresses=networks(addresses),
        keepalive_seconds=int(fields.get("persistent_keepalive_interval", "0")),
        endpoint=fields.get("endpoint"),
        handshake_at=heard,
        received_bytes=int(fields.get("rx_bytes", "0")),
        sent_bytes=int(fields.get("tx_bytes", "0")),
    )


def _hexadecimal(key: str) -> str:
    return base64.b64decode(key).hex()


def _base64(key: str) -> str:
    return base64.b64encode(bytes.fromhex(key)).decode()
