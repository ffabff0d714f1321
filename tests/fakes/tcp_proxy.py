# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy on loopback whose path can be cut: answered by a reset, or by nothing at all.

What was sent while it is silent waits, as with TCP's own repetitions: it arrives if the path
is whole again before an end has given up.
"""

import contextlib
import selectors
import socket
import struct
import threading
from enum import Enum
from typing import Final

_PIECE: Final = 65536
_HELD_MOST: Final = 1 << 20
"""Bytes that wait for one end before the other is not read any more."""


class Way(Enum):
    """What happens to connections."""

    PASS = "pass"
    SILENT = "silent"
    """They are accepted, and nothing goes through: a black hole."""
    RESET = "reset"
    """Those that are open are reset, and so is each new one."""


class _End:
    """One of a connection's two sockets."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.held = bytearray()
        """What is to be sent to it."""
        self.has_ended = False
        """Whether its peer sends nothing more."""
        self.other: _End


class TcpProxy:
    """Passes connections on to one address; its own is `port` of 127.0.0.1."""

    def __init__(
        self, target: tuple[str, int] | str, *, listener: socket.socket | None = None
    ) -> None:
        """
        :param target: an address and port, or the path of a unix socket.
        :param listener: what to listen on, e.g. a socket of another network namespace;
            default: a port of its own.
        """
        self._target = target
        self._way = Way.PASS
        self._ends: set[_End] = set()
        self._selector = selectors.DefaultSelector()
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wishes: list[Way | None] = []
        self._done = threading.Event()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_in, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._loop, name="proxy", daemon=True)
        self._thread.start()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._ends) // 2

    def turn(self, way: Way) -> None:
        """Treat connections that way from now on; returns when it is so."""
        self._wish(way)

    def stop(self) -> None:
        """End, with every connection."""
        if self._thread.is_alive():
            self._wish(None)
            self._thread.join()
            self._wake_out.close()
            self._wake_in.close()

    def _wish(self, way: Way | None) -> None:
        self._done.clear()
        self._wishes.append(way)
        self._wake_out.send(b"!")
        self._done.wait()

    def _loop(self) -> None:
        while True:
            for key, _ in self._selector.select(timeout=None):
                if key.fileobj is self._wake_in:
                    self._wake_in.recv(_PIECE)
                elif key.fileobj is self._listener:
                    self._accept()
                elif key.data in self._ends:
                    self._carry(key.data)
            while self._wishes:
                wish = self._wishes.pop(0)
                if wish is None:
                    self._finish()
                    return
                self._way = wish
                if wish is Way.RESET:
                    for end in list(self._ends):
                        self._close(end, reset=True)
                for end in list(self._ends):
                    self._watch(end)
                self._done.set()

    def _finish(self) -> None:
        for end in list(self._ends):
            self._close(end)
        self._selector.close()
        self._listener.close()
        self._done.set()

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            near, _ = self._listener.accept()
            if self._way is Way.RESET:
                _reset(near)
                return
            try:
                far = self._connect()
            except OSError:
                _reset(near)
                return
            ends = _End(near), _End(far)
            ends[0].other, ends[1].other = ends[1], ends[0]
            for end in ends:
                end.sock.setblocking(False)
                self._ends.add(end)
                self._watch(end)

    def _connect(self) -> socket.socket:
        if isinstance(self._target, str):
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(self._target)
            except OSError:
                sock.close()
                raise
            return sock
        return socket.create_connection(self._target, timeout=5)

    def _watch(self, end: _End) -> None:
        """Have the selector tell what is of use now."""
        if end not in self._ends:
            return
        events = 0
        if self._way is Way.PASS:
            if not end.has_ended and len(end.other.held) < _HELD_MOST:
                events |= selectors.EVENT_READ
            if end.held:
                events |= selectors.EVENT_WRITE
        known = self._selector.get_map().get(end.sock)
        if known is not None and not events:
            self._selector.unregister(end.sock)
        elif known is not None:
            self._selector.modify(end.sock, events, end)
        elif events:
            self._selector.register(end.sock, events, end)

    def _carry(self, end: _End) -> None:
        if self._way is not Way.PASS:
            return
        try:
            if end.held:
                del end.held[: end.sock.send(end.held)]
            if not end.has_ended:
                piece = end.sock.recv(_PIECE)
                end.other.held += piece
                end.has_ended = not piece
        except BlockingIOError:
            pass
        except OSError:
            self._close(end, reset=True)
            return
        if end.has_ended and not end.other.held:
            self._close(end)
            return
        if end.other.has_ended and not end.held:
            self._close(end)
            return
        self._watch(end)
        self._watch(end.other)

    def _close(self, end: _End, *, reset: bool = False) -> None:
        for one in (end, end.other):
            if one not in self._ends:
                continue
            self._ends.discard(one)
            if self._selector.get_map().get(one.sock) is not None:
                self._selector.unregister(one.sock)
            if reset:
                _reset(one.sock)
            else:
                one.sock.close()


def _reset(sock: socket.socket) -> None:
    """Close a socket such that its peer is told that it is broken."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
