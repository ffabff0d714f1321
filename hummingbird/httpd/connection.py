# SPDX-License-Identifier: Apache-2.0
"""One peer: its handshake, its requests and what it has not taken of an answer.

`step` goes on until it would have to wait, and says for what and until when; it never
blocks. While the workers have the connection (`is_lent`), nobody else touches it.
What HTTP is, h11 says; it refuses what may be read in two ways.
"""

import contextlib
import socket
import ssl
from collections import deque
from enum import Enum
from typing import Final

import h11

from hummingbird.httpd.limits import Limits
from hummingbird.httpd.link import (
    READ_BYTES,
    IsFull,
    Link,
    NothingButRecords,
    PlainLink,
    TlsLink,
    Wrap,
)
from hummingbird.httpd.place import source_of

_TURN: Final = 64
"""Events of one peer at one time; then it is the others' turn."""
_READS: Final = 8
"""Likewise, of what it sends."""
_MANY: Final = 2**62
_CHUNKS_FREE: Final = 1024
_CHUNK_BYTES: Final = 256
"""Beyond so many chunks, the least that they hold on average: a byte in each costs a
thousand times what its peer pays."""


class Stage(Enum):
    """Where a connection is; the value is how it is counted when its time is over."""

    SILENT = "said nothing"
    HANDSHAKE = "did not finish the handshake"
    IDLE = "idle"
    HEAD = "did not finish a request's header"
    BODY = "did not finish a request's body"
    WHOLE = "a whole request"
    """With which it waits for a worker."""
    WORKING = "being answered"
    ANSWER = "did not take the answer"
    LINGER = "closed by us, not by the peer yet"
    CLOSED = "closed"


class Refused(Exception):
    """What the peer sent is no request that is taken."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


_BARREN: Final = "sent records without data"
"""How a peer is counted that keeps TLS busy for nothing."""


class Connection:
    """One accepted socket."""

    def __init__(
        self,
        plug: socket.socket,
        peer: tuple[str, int],
        *,
        limits: Limits,
        wrap: Wrap | None,
        now: float,
    ) -> None:
        """
        :param peer: address and port.
        :param wrap: see `TlsLink`; None where plain HTTP is spoken.
        """
        plug.setblocking(False)
        self.plug = plug
        """For what is not the peer's bytes; these go through `link`."""
        self.link: Link = PlainLink(plug)
        self.peer = peer
        self.source = source_of(peer[0])
        self.limits = limits
        self.stage = Stage.SILENT
        self.why = ""
        """Why it was ended, if that is no peer's good right."""
        self.wants_to_write = False
        self.has_more = False
        """There is more to do at once, after the others' turn."""
        self.deadline = now + limits.handshake_seconds
        self.http: h11.Connection
        """From the handshake's end on."""
        self.request: h11.Request | None = None
        self.body: deque[bytes] = deque()
        self.body_bytes = 0
        self.number = -1
        """Of its file, for as long as it is open."""
        self.alarm = float("inf")
        """When the event loop looks at its deadline."""
        self.is_lent = False
        """The workers have it: the event loop leaves it alone. Set by the loop only."""
        self.is_streamed = False
        """A worker reads its body while it comes."""
        self.is_cut = False
        """The body has more than is held; the rest is in the socket."""
        self.out: deque[memoryview] = deque()
        self._out_bytes = 0
        self.keeps_open = True
        """Whether another request may follow the answer that is under way."""
        self._wrap = wrap
        self._began = self._moved = now
        self._sent = 0
        self._chunks = 0
        self._head_lines = self._head_bytes = 0
        self._has_begun = False

    @property
    def held_bytes(self) -> int:
        """What is in memory of a request that is not with a worker yet."""
        return self._head_bytes + self.body_bytes

    @property
    def out_bytes(self) -> int:
        """What is in memory of an answer."""
        return self._out_bytes + self.link.unsent

    def fileno(self) -> int:
        """Return the socket's number; -1 when it is closed."""
        return self.plug.fileno()

    def step(self, now: float) -> None:
        """Go on until there is something to wait for."""
        self.wants_to_write = self.has_more = False
        try:
            if self.stage in (Stage.SILENT, Stage.HANDSHAKE):
                self._shake_hands(now)
            if self.stage in (Stage.IDLE, Stage.HEAD, Stage.BODY):
                self._receive(now)
            elif self.stage is Stage.ANSWER:
                self._go_on_answering(now)
            elif self.stage is Stage.LINGER:
                self._linger(now)
        except IsFull:
            self.wants_to_write = True
        except BlockingIOError:
            return
        except h11.RemoteProtocolError as error:
            # Its first words say what is wrong, the rest repeats what was sent.
            said = str(error).partition(":")[0]
            self.refuse(error.error_status_hint, said, now=now)
        except Refused as error:
            self.refuse(error.status, str(error), now=now)
        except ssl.SSLError:
            # A peer that doesn't trust us, or speaks no TLS.
            shook = self.stage is not Stage.HANDSHAKE
            self.end("broke TLS" if shook else "spoke no TLS that we speak")
        except NothingButRecords:
            self.end(_BARREN)
        except OSError:
            self.end()

    def end(self, why: str = "") -> None:
        """Close it, whatever it is at."""
        if self.stage is not Stage.CLOSED:
            self.stage, self.why = Stage.CLOSED, self.why or why
            self.out.clear()
            self.body.clear()
            self._head_bytes = self.body_bytes = self._out_bytes = 0
            self.plug.close()
            self.link = PlainLink(self.plug)  # what TLS holds is let go

    def wake(self) -> None:
        """Have a worker that waits for the peer find that it is gone."""
        with contextlib.suppress(OSError):
            self.plug.shutdown(socket.SHUT_RDWR)

    def expire(self, now: float) -> None:
        """End it because its time is over; who has begun a request is told."""
        why = self.stage.value
        if self.stage is Stage.BODY or (self.stage is Stage.HEAD and self._has_begun):
            self.refuse(408, "The request did not come in time", now=now)
            self.why = why
        else:
            # Neither who asks nothing more nor who does not hang up after us does harm.
            self.end("" if self.stage in (Stage.IDLE, Stage.LINGER) else why)

    def refuse(self, status: int, message: str, *, now: float) -> None:
        """Answer what is no request, or one that there is no room for, and close."""
        self.why = "sent what is refused"
        body = f"{message}\n".encode("ascii", "replace")
        head = (
            f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\n"
            "Connection: close\r\nContent-Type: text/plain; charset=us-ascii\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.keeps_open = False
        self.begin_answer([head.encode() + body], now=now)
        self.step(now)

    # -- what a worker does -------------------------------------------------------

    def begin_answer(self, pieces: list[bytes], *, now: float) -> None:
        """Have these sent from now on."""
        self.body.clear()
        self.body_bytes = 0
        self.out.extend(memoryview(piece) for piece in pieces if piece)
        self._out_bytes = sum(len(piece) for piece in self.out)
        self.stage = Stage.ANSWER
        self._began = self._moved = now
        self._sent = 0
        self.deadline = self.limits.due(began=now, moved=now, size=0)

    def send_some(self, *, pieces: int = _MANY) -> bool:
        """Send what the peer takes now, in so many pieces at most; return whether
        nothing is left.

        :raises OSError: the peer is gone.
        """
        try:
            while self.out and pieces > 0:
                pieces -= 1
                view = self.out[0]
                sent = self.link.send(view)
                self._sent += sent
                self._out_bytes -= sent
                if sent == len(view):
                    self.out.popleft()
                else:
                    self.out[0] = view[sent:]
            self.link.flush()
        except BlockingIOError:
            return False
        return not self.out

    def receive_more(self) -> None:
        """Give h11 what comes next, or the end.

        :raises OSError: none came yet (`BlockingIOError`), or none will.
        """
        try:
            data = self.link.recv()
        except NothingButRecords:
            self.why = _BARREN  # also where it is a worker that reads
            raise
        if self.http.their_state is h11.IDLE:
            self._count_lines(data)
            self._head_bytes += len(data)
        self.http.receive_data(data)

    # -- steps --------------------------------------------------------------------

    def _shake_hands(self, now: float) -> None:
        if self.stage is Stage.SILENT:
            if not self.plug.recv(1, socket.MSG_PEEK):
                self.end()
                return
            if self._wrap is not None:
                self.link = TlsLink(self.plug, self._wrap)
            self.stage = Stage.HANDSHAKE
        self.link.shake_hands()
        self.http = h11.Connection(
            h11.SERVER, max_incomplete_event_size=self.limits.head_bytes
        )
        self.stage = Stage.HEAD
        self.deadline = now + self.limits.head_seconds

    def _receive(self, now: float) -> None:
        reads = 0
        for _ in range(_TURN):
            event = self.http.next_event()
            if event is h11.NEED_DATA:
                if reads == _READS:
                    break
                reads += 1
                self.receive_more()
                self._note_progress(now)
            elif isinstance(event, h11.Request):
                self._begin_request(event, now)
            elif isinstance(event, h11.Data):
                self._take(event)
            elif isinstance(event, h11.EndOfMessage):
                self.stage = Stage.WHOLE
            else:  # the peer has closed, properly
                self.end()
            if self.stage in (Stage.WHOLE, Stage.CLOSED):
                return
        self.has_more = True

    def _note_progress(self, now: float) -> None:
        self._moved = now
        self._has_begun = True
        if self.stage is Stage.IDLE:
            self.stage = Stage.HEAD
            self.deadline = now + self.limits.head_seconds

    def _begin_request(self, request: h11.Request, now: float) -> None:
        names = [name for name, _ in request.headers]
        if b"transfer-encoding" in names and b"content-length" in names:
            raise Refused(400, "A body has one length")
        if request.http_version not in (b"1.1", b"1.0"):
            raise Refused(505, "Only version 1.1 is spoken")
        self.request = request
        self.stage = Stage.BODY
        self.keeps_open = True
        self.is_cut = False
        self._began = self._moved = now
        self._chunks = self._head_lines = 0
        self.deadline = self.limits.due(began=now, moved=now, size=0)
        length = next((v for n, v in request.headers if n == b"content-length"), b"0")
        if int(length) > self.limits.body_bytes:
            self._cut()
        elif self.http.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            self.link.send(memoryview(self.http.send(go_on) or b""))

    def _take(self, event: h11.Data) -> None:
        self._chunks += event.chunk_start
        if self._chunks * _CHUNK_BYTES > self.body_bytes + _CHUNKS_FREE * _CHUNK_BYTES:
            raise Refused(400, "Chunks are too small")
        data = bytes(event.data)
        self.body.append(data)
        self.body_bytes += len(data)
        self.deadline = self.limits.due(
            began=self._began, moved=self._moved, size=self.body_bytes
        )
        if self.body_bytes > self.limits.body_bytes:
            self._cut()

    def _cut(self) -> None:
        self.is_cut = True
        self.stage = Stage.WHOLE

    def _count_lines(self, data: bytes) -> None:
        end = data.find(b"\r\n\r\n")
        self._head_lines += data.count(b"\n", 0, end if end >= 0 else len(data))
        if self._head_lines > self.limits.head_lines:
            raise Refused(431, "Too many header lines")

    def _go_on_answering(self, now: float) -> None:
        before = self.out_bytes
        if self.send_some(pieces=_TURN):
            self.finish(now)
            return
        self.wants_to_write = True
        if self.out_bytes < before:
            self._moved = now
        self.deadline = self.limits.due(
            began=self._began, moved=self._moved, size=self._sent - self.link.unsent
        )

    def finish(self, now: float) -> None:
        """Go on after an answer that was sent whole: with the next request, or close."""
        if self.keeps_open and self.http.our_state is h11.DONE is self.http.their_state:
            self.http.start_next_cycle()
            self.request = None
            self._head_bytes = 0
            self.stage = Stage.IDLE
            self.deadline = now + self.limits.idle_seconds
            # The next one may be here already.
            data, is_over = self.http.trailing_data
            self.has_more = bool(data) or is_over or self.link.has_more
            return
        self.stage = Stage.LINGER
        self._began = now
        self.deadline = now + self.limits.linger_seconds
        self.link.say_goodbye()
        self.plug.shutdown(socket.SHUT_WR)
        self.has_more = True

    def _linger(self, now: float) -> None:
        for _ in range(_TURN):
            # Not what TLS makes of it: it is thrown away.
            if not self.plug.recv(READ_BYTES):
                self.end()
                return
            # Who is in the middle of a large body may be slow to read why it is refused.
            until = self._began + self.limits.stall_seconds
            self.deadline = min(until, now + self.limits.linger_seconds)
        self.has_more = True


_REASONS: Final = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}
