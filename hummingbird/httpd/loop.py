# SPDX-License-Identifier: Apache-2.0
"""The event loop of one server: one thread that never waits for one peer.

It accepts, steps connections that have something to do, hands whole requests to the
workers, ends who is over its time, and makes room. A connection that a worker has is not
watched here; the worker rings when it is done.
"""

import errno
import heapq
import itertools
import logging
import os
import select
import socket
import threading
from collections import deque
from typing import Final

from hummingbird.clock import Clock
from hummingbird.httpd.connection import Connection, Stage
from hummingbird.httpd.limits import Limits
from hummingbird.httpd.link import Wrap
from hummingbird.httpd.room import Room
from hummingbird.httpd.tally import Tally
from hummingbird.httpd.worker import Workers

LOG = logging.getLogger(__name__)

_EVENTS: Final = 256
_ACCEPTS: Final = 128
_HANDSHAKES_SECONDS: Final = 0.02
"""What strangers' handshakes may take before it is the turn of those that are known."""
_NO_FILES_SECONDS: Final = 0.5
_NO_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_YOUNG: Final = (Stage.SILENT, Stage.HANDSHAKE)
_UNASKED: Final = (*_YOUNG, Stage.IDLE, Stage.HEAD, Stage.BODY)


class Loop:
    """Everything of a server that one thread does."""

    def __init__(
        self,
        listening: socket.socket,
        workers: Workers[Connection],
        *,
        limits: Limits,
        most: int,
        wrap: Wrap | None,
        tally: Tally,
        clock: Clock,
    ) -> None:
        """
        :param listening: what peers connect to; does not block.
        :param most: connections at one time.
        :param wrap: see `Connection`; None where plain HTTP is spoken.
        """
        self._listening = listening
        self._workers = workers
        self._limits = limits
        self._wrap = wrap
        self._tally = tally
        self._clock = clock
        self._room = Room(limits, most=most, withdraw=self._withdraw)
        self._connections: dict[int, Connection] = {}
        self._watched: dict[int, int] = {}
        self._again: list[Connection] = []
        self._given_back: deque[tuple[Connection, bool]] = deque()
        self._alarms: list[tuple[float, int, Connection]] = []
        self._order = itertools.count()
        self._accept_at: float | None = 0.0
        self._stopping = threading.Event()
        self._end_by: float | None = None
        self._epoll = select.epoll()
        # A worker may ring after the end, when the number may be another file's.
        self._bell_lock = threading.Lock()
        self._bell: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._bell, select.EPOLLIN)

    # -- called by other threads --------------------------------------------------

    def give_back(self, connection: Connection, *, is_well: bool) -> None:
        """Go on with a connection that a worker had.

        :param is_well: it may be answered on; otherwise it is closed.
        """
        self._given_back.append((connection, is_well))
        self._ring()

    def stop(self) -> None:
        """Listen no longer; end when what is being answered is."""
        self._stopping.set()
        self._ring()

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._connections)

    def is_stopping(self) -> bool:
        """Return whether no further request is taken."""
        return self._stopping.is_set()

    def _ring(self) -> None:
        with self._bell_lock:
            if self._bell is not None:
                os.eventfd_write(self._bell, 1)

    # -- the thread ---------------------------------------------------------------

    def run(self) -> None:
        """Serve until `stop`."""
        try:
            while self._end_by is None or self._has_to_go_on():
                self._turn()
        finally:
            self._close()

    def _close(self) -> None:
        now = self._clock.monotonic()
        for connection in list(self._connections.values()):
            if connection.is_lent:
                connection.wake()
            else:
                self._end(connection, "", now)
        self._tally.tell(now=now, at_once=True)
        self._listening.close()
        self._epoll.close()
        with self._bell_lock:
            if self._bell is not None:
                os.close(self._bell)
                self._bell = None

    def _turn(self) -> None:
        events = self._epoll.poll(self._seconds(), _EVENTS)
        now = self._clock.monotonic()
        # Each once, also if it had more to do and something came.
        ready, self._again = dict.fromkeys(self._again), []
        for number, _mask in events:
            if number == self._bell:
                os.eventfd_read(number)
            elif number in self._connections:
                ready[self._connections[number]] = None
        self._take_back(now)
        young = [one for one in ready if one.stage in _YOUNG]
        for connection in ready:
            if connection.stage not in _YOUNG:
                self._step(connection, now)
        until = self._clock.monotonic() + _HANDSHAKES_SECONDS
        for connection in young:
            # Those left are found again: epoll tells of what is ready until it is done.
            if self._clock.monotonic() < until:
                self._step(connection, now)
        if any(number == self._listening.fileno() for number, _ in events):
            self._accept(now)
        self._expire(now)
        self._lighten(now)
        self._listen(now)
        self._tally.tell(now=now)
        if self._stopping.is_set() and self._end_by is None:
            self._begin_to_end(now)

    def _seconds(self) -> float:
        """Return how long nothing has to be done if nothing happens; -1: for ever."""
        if self._again or self._given_back:
            return 0.0
        due = [self._alarms[0][0]] if self._alarms else []
        for when in (self._accept_at, self._tally.due, self._end_by):
            if when is not None:
                due.append(when)
        if not due:
            return -1.0
        return max(0.0, min(due) - self._clock.monotonic())

    def _step(self, connection: Connection, now: float) -> None:
        if connection.stage is Stage.CLOSED:
            return  # it had to make room
        try:
            connection.step(now)
        except Exception:
            LOG.exception("A connection's step failed")
            connection.end("failed")
        self._settle(connection, now)

    def _settle(self, connection: Connection, now: float) -> None:
        """See to it that the connection is found when it has something to do."""
        if connection.stage is Stage.WHOLE and self._hand_over(connection, now):
            return
        self._room.note(connection)
        if connection.stage is Stage.CLOSED:
            self._forget(connection, now)
            return
        if connection.has_more:
            self._again.append(connection)
        self._watch(connection)
        if connection.deadline < connection.alarm:
            self._set_alarm(connection)

    def _hand_over(self, connection: Connection, now: float) -> bool:
        """Give a whole request to the workers; return whether they have it."""
        if connection.is_cut and self._limits.streams:
            if not self._room.take_stream(connection):
                connection.refuse(503, "Too many large requests at one time", now=now)
                return False
            connection.is_streamed = True
        self._unwatch(connection)
        connection.is_lent = True
        self._room.note(connection)
        self._workers.put(connection, source=connection.source)
        return True

    def _withdraw(self, connection: Connection) -> bool:
        if self._workers.withdraw(connection, source=connection.source):
            connection.is_lent = False
        return not connection.is_lent

    def _take_back(self, now: float) -> None:
        while self._given_back:
            connection, is_well = self._given_back.popleft()
            connection.is_lent = connection.is_streamed = False
            if not is_well:
                self._end(connection, "", now)
            if self._stopping.is_set():
                connection.keeps_open = False
            self._step(connection, now)

    # -- accepting ----------------------------------------------------------------

    def _listen(self, now: float) -> None:
        if self._accept_at is not None and now >= self._accept_at:
            self._accept_at = None
            self._epoll.register(self._listening, select.EPOLLIN)

    def _accept(self, now: float) -> None:
        for _ in range(_ACCEPTS):
            try:
                link, peer = self._listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno not in _NO_FILES:
                    continue  # that peer is gone already
                self._tally.note("no file was left to accept with", now=now)
                self._pause(now)
                return
            self._admit(link, (str(peer[0]), int(peer[1])), now)

    def _pause(self, now: float) -> None:
        """Accept nobody for a moment, and let some go: else this would spin."""
        self._epoll.unregister(self._listening)
        self._accept_at = now + _NO_FILES_SECONDS
        for _ in range(_ACCEPTS):
            if (leaving := self._room.to_make_room("")) is None:
                return
            self._end(leaving, "made room for another", now)

    def _admit(self, link: socket.socket, peer: tuple[str, int], now: float) -> None:
        try:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(
                link, peer, limits=self._limits, wrap=self._wrap, now=now
            )
        except OSError:
            link.close()
            return
        if self._room.is_full():
            leaving = self._room.to_make_room(connection.source)
            if leaving is None:
                self._tally.note("found no room", now=now)
                connection.end()
                return
            self._end(leaving, "made room for another", now)
        connection.number = connection.fileno()
        self._connections[connection.number] = connection
        self._settle(connection, now)

    # -- watching and ending ------------------------------------------------------

    def _watch(self, connection: Connection) -> None:
        wanted = select.EPOLLOUT if connection.wants_to_write else select.EPOLLIN
        watched = self._watched.get(connection.number)
        if watched == wanted:
            return
        if watched is None:
            self._epoll.register(connection.number, wanted)
        else:
            self._epoll.modify(connection.number, wanted)
        self._watched[connection.number] = wanted

    def _unwatch(self, connection: Connection) -> None:
        if self._watched.pop(connection.number, None) is not None:
            self._epoll.unregister(connection.number)

    def _forget(self, connection: Connection, now: float) -> None:
        # First, so that whoever sees it gone finds it counted.
        if connection.why:
            self._tally.note(connection.why, now=now)
        # The kernel watches no closed file.
        if self._connections.get(connection.number) is connection:
            del self._connections[connection.number]
            self._watched.pop(connection.number, None)

    def _end(self, connection: Connection, why: str, now: float) -> None:
        connection.end(why)
        self._settle(connection, now)

    def _set_alarm(self, connection: Connection) -> None:
        connection.alarm = connection.deadline
        entry = (connection.alarm, next(self._order), connection)
        heapq.heappush(self._alarms, entry)

    def _expire(self, now: float) -> None:
        while self._alarms and self._alarms[0][0] <= now:
            when, _, connection = heapq.heappop(self._alarms)
            if when != connection.alarm:
                continue  # an earlier one was set later
            connection.alarm = float("inf")
            if connection.is_lent or connection.stage is Stage.CLOSED:
                continue
            if connection.deadline <= now:
                connection.expire(now)
            self._settle(connection, now)

    def _lighten(self, now: float) -> None:
        while (leaving := self._room.to_lighten()) is not None:
            self._end(leaving, "took too much memory", now)

    def _begin_to_end(self, now: float) -> None:
        self._end_by = now + self._limits.stop_seconds
        if self._accept_at is None:
            self._epoll.unregister(self._listening)
        self._accept_at = None
        self._listening.close()
        for connection in list(self._connections.values()):
            if connection.is_lent:
                continue
            if connection.stage in _UNASKED:
                self._end(connection, "", now)
            elif connection.stage is Stage.ANSWER:
                connection.keeps_open = False

    def _has_to_go_on(self) -> bool:
        assert self._end_by is not None
        # Who has all of the last answer is not waited for.
        asked = any(
            one.is_lent or one.stage is not Stage.LINGER
            for one in self._connections.values()
        )
        return asked and self._clock.monotonic() < self._end_by
