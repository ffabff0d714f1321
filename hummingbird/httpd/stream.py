# SPDX-License-Identifier: Apache-2.0
"""Bodies that a worker reads while they come, and answers that it sends while it has them.

For what is too large to be held. The worker waits for the peer, but no longer than the
least rate of `Limits` says.
"""

import functools
import select
from collections.abc import Callable
from typing import Final, TypeVar

import h11

from hummingbird.clock import Clock
from hummingbird.httpd.connection import Connection
from hummingbird.httpd.link import IsFull

Result = TypeVar("Result")

_ALL: Final = 2**62


class StreamedBody:
    """The body of a connection's request, as a WSGI application reads it."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._began = self._moved = clock.monotonic()
        self._size = connection.body_bytes
        self._is_over = False

    def read(self, size: int = -1, /) -> bytes:
        """Return so many bytes, fewer only at the body's end.

        :raises OSError: it breaks off, comes too slowly, or is not in chunks.
        """
        wanted = _ALL if size < 0 else size
        pieces: list[bytes] = []
        held = self._connection.body
        while wanted > 0:
            if not held and not self._next():
                break
            piece = held.popleft()
            if len(piece) > wanted:
                held.appendleft(piece[wanted:])
                piece = piece[:wanted]
            wanted -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def settle(self) -> None:
        """Take note of the body's end, if the application read up to there."""
        if not self._connection.body and not self._is_over:
            event = self._connection.http.next_event()
            self._is_over = isinstance(event, h11.EndOfMessage)

    def _next(self) -> bool:
        """Wait for the next piece; return whether there was one."""
        connection = self._connection
        while not self._is_over:
            try:
                event = connection.http.next_event()
            except h11.RemoteProtocolError as error:
                raise OSError(str(error)) from error
            if isinstance(event, h11.Data):
                connection.body.append(bytes(event.data))
                self._size += len(event.data)
                return True
            if isinstance(event, h11.EndOfMessage):
                self._is_over = True
            elif event is h11.NEED_DATA:
                self._receive()
            else:
                raise OSError("the body broke off")
        return False

    def _receive(self) -> None:
        connection = self._connection
        if connection.http.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            send_all(connection, connection.http.send(go_on) or b"", clock=self._clock)
        due = connection.limits.due(
            began=self._began, moved=self._moved, size=self._size
        )
        _patiently(connection, connection.receive_more, due=due, clock=self._clock)
        self._moved = self._clock.monotonic()


def send_all(connection: Connection, data: bytes, *, clock: Clock) -> None:
    """Send it, however slowly the peer takes it, within the limits.

    :raises OSError: it is gone, or too slow.
    """
    began = moved = clock.monotonic()
    view, size = memoryview(data), len(data)
    while view:
        due = connection.limits.due(began=began, moved=moved, size=size - len(view))
        sent = _patiently(
            connection,
            functools.partial(connection.link.send, view),
            due=due,
            clock=clock,
        )
        view = view[sent:]
        moved = clock.monotonic()


def _patiently(
    connection: Connection, do: Callable[[], Result], *, due: float, clock: Clock
) -> Result:
    """Return what it returns; wait for the peer where it would have to.

    :param due: until when, on the monotonic clock (s).
    :raises OSError: it is gone, or too slow.
    """
    while (left := due - clock.monotonic()) > 0:
        try:
            return do()
        except BlockingIOError as wait:
            poll = select.poll()
            wanted = select.POLLOUT if isinstance(wait, IsFull) else select.POLLIN
            poll.register(connection.plug, wanted)
            poll.poll(left * 1000)
    raise TimeoutError("too slow")
