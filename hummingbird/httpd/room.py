# SPDX-License-Identifier: Apache-2.0
"""How much room the peers of one server take, and who has to go when there is no more.

Connections are counted by source, and so are the bytes of bodies that no worker has taken
yet and of answers that nobody has taken yet. Used by the event loop's thread alone; it
ends nobody, it names who is to be ended.
"""

from collections import Counter
from collections.abc import Callable

from hummingbird.httpd.connection import Connection, Stage
from hummingbird.httpd.limits import Limits
from hummingbird.httpd.place import Places


class _Weights:
    """Bytes held for connections."""

    def __init__(self) -> None:
        self.total = 0
        self._of: dict[Connection, int] = {}

    def __len__(self) -> int:
        return len(self._of)

    def note(self, connection: Connection, size: int) -> None:
        """Say how many bytes are held for it now."""
        before = self._of.get(connection, 0)
        if size == before:
            return
        self.total += size - before
        if size:
            self._of[connection] = size
        else:
            del self._of[connection]

    def heaviest(self) -> list[Connection]:
        """Return the connections of the source for which most is held, heaviest first."""
        by_source: Counter[str] = Counter()
        for connection, size in self._of.items():
            by_source[connection.source] += size
        (source, _size) = by_source.most_common(1)[0]
        its = [one for one in self._of if one.source == source]
        return sorted(its, key=self._of.__getitem__, reverse=True)


class Room:
    """What is taken, and by whom."""

    def __init__(
        self,
        limits: Limits,
        *,
        most: int,
        withdraw: Callable[[Connection], bool],
    ) -> None:
        """
        :param most: connections at one time.
        :param withdraw: takes a whole request back from the workers, if none has it.
        """
        self._limits = limits
        self._most = most
        self._withdraw = withdraw
        self._incomplete: Places[Connection] = Places()
        self._with_workers: Places[Connection] = Places()
        self._streams: Places[Connection] = Places()
        self._bodies = _Weights()
        self._answers = _Weights()

    def note(self, connection: Connection) -> None:
        """Take note of where a connection is now."""
        source = connection.source
        if connection.is_lent:
            self._incomplete.leave(connection, source=source)
            self._with_workers.enter(connection, source=source)
        else:
            self._with_workers.leave(connection, source=source)
            self._streams.leave(connection, source=source)
            if connection.stage is Stage.CLOSED:
                self._incomplete.leave(connection, source=source)
            else:
                self._incomplete.enter(connection, source=source)
        self._bodies.note(connection, connection.held_bytes)
        self._answers.note(connection, connection.out_bytes)

    def take_stream(self, connection: Connection) -> bool:
        """Take a place for a body that a worker reads while it comes; return whether
        there was one. One in four is for other sources than the one with the most."""
        most, source = self._limits.streams, connection.source
        if len(self._streams) >= most or self._streams.of(source) >= most - most // 4:
            return False
        self._streams.enter(connection, source=source)
        return True

    def is_full(self) -> bool:
        """Return whether one more connection is one too many."""
        return len(self._incomplete) + len(self._with_workers) >= self._most

    def to_make_room(self, newcomer: str) -> Connection | None:
        """Return who is to be ended for one more connection of this source; None if it is
        the newcomer itself.

        First who has not said what they want, the oldest of the source with the most;
        then whole requests that wait, the newest of a source that has more of them.
        """
        source = self._incomplete.heaviest()
        if source is not None:
            return self._incomplete.oldest(source)
        source = self._with_workers.heaviest()
        if source is None or source == newcomer:
            return None
        last = self._with_workers.newest(source)
        return last if self._withdraw(last) else None

    def to_lighten(self) -> Connection | None:
        """Return who is to be ended because too much is held in memory, if anybody."""
        if self._bodies.total > self._limits.bodies_bytes:
            for connection in self._bodies.heaviest():
                if not connection.is_lent or self._withdraw(connection):
                    return connection
        if self._answers.total > self._limits.answers_bytes and len(self._answers) > 1:
            for connection in self._answers.heaviest():
                if not connection.is_lent:
                    return connection
        return None
