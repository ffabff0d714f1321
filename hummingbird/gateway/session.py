# SPDX-License-Identifier: Apache-2.0
"""The sessions of the agents, as this gateway knows them.

The database has them; each gateway keeps those in memory that it has heard of. What it
writes of a session tells it whether that still is one (the session of a retired host ends
with its next beat), and some of the others are looked at with each batch, so that all have
been within REFRESH_SECONDS, or as soon as REFRESH_MOST at a time allow. While the database is
away the sessions in memory go on, expired or not: a host must not fall silent because our
own store did.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from hummingbird.clock import Clock
from hummingbird.db.repository import facts, heartbeat
from hummingbird.db.session import Database
from hummingbird.domain.heartbeat import AgentSession
from hummingbird.gateway.keys import SessionKeys, new_nonce
from hummingbird.wire.replay import ReplayWindow

REFRESH_SECONDS: Final = 15.0
REFRESH_MOST: Final = 2000
"""At once: some 40 ms of a processor, so that no batch waits for it."""
SCAN_MOST: Final = 10 * REFRESH_MOST
"""How many are asked at once whether it is time."""
ENDED_SECONDS: Final = 5.0
"""How long a number that the database did not know is not asked for again."""
ENDED_MOST: Final = 10_000


@dataclass
class LiveSession:
    """One session in memory."""

    of: AgentSession
    number: int
    """What its agent calls it."""
    key: bytes
    window: ReplayWindow
    report_wanted: bool
    seen_at: float
    """When the database was last asked for it, in monotonic seconds."""
    last_first_sequence: int = 0
    """First sequence of the last beat: a repeated beat is counted once."""
    origin: object = None
    """Where its last datagram came from, as whoever answers it wants to know."""
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, kw_only=True)
class NewSession:
    """What an agent is given."""

    number: int
    key: bytes
    report_hash: str | None
    """Hash of the inventory that is known of its host."""


class Sessions:
    """Sessions in memory, and their way from the database."""

    def __init__(self, database: Database, keys: SessionKeys, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.keys = keys
        self._live: dict[int, LiveSession] = {}
        self._round: OrderedDict[int, None] = OrderedDict()
        """Numbers in the order in which they are looked at again."""
        self._ended: dict[int, float] = {}
        self._guard = threading.Lock()

    def get(self, number: int) -> LiveSession | None:
        """Return the session if it is in memory."""
        return self._live.get(number)

    def all(self) -> list[LiveSession]:
        """Return those in memory."""
        with self._guard:
            return list(self._live.values())

    def has_ended(self, number: int) -> bool:
        """Return whether the database did not know it a moment ago."""
        until = self._ended.get(number)
        return until is not None and self._clock.monotonic() < until

    def look_up(self, numbers: Iterable[int]) -> None:
        """Take sessions into memory that are in the database.

        :raises DatabaseUnavailable: it does not answer.
        """
        wanted = {number for number in numbers if number not in self._live}
        missing = wanted - self._load(wanted)
        until = self._clock.monotonic() + ENDED_SECONDS
        with self._guard:
            if len(self._ended) + len(missing) > ENDED_MOST:
                self._ended.clear()
            self._ended |= dict.fromkeys(missing, until)

    def learn(self, known: Mapping[int, int | None]) -> None:
        """Take over what a batch has found in the database.

        :param known: number -> the highest sequence that any gateway had taken before;
            None: the session has ended.
        """
        now = self._clock.monotonic()
        for number, highest in known.items():
            live = self._live.get(number)
            if live is None:
                continue
            if highest is None:
                self._drop(number)
                continue
            live.seen_at = now
            with live.lock:
                _raise_floor(live, highest)

    def refresh(self) -> int:
        """Look at some sessions again, those first that were not for longest: what other
        gateways noted is taken over, and those that ended are dropped. Return how many
        were looked at.

        :raises DatabaseUnavailable: it does not answer; nothing has changed.
        """
        due = self._due()
        found = self._load(due)
        for number in due:
            if number not in found:
                self._drop(number)
        return len(due)

    def _due(self) -> list[int]:
        """Return those whose turn it is; the others' comes after all that are left."""
        now = self._clock.monotonic()
        due: list[int] = []
        with self._guard:
            for _ in range(min(len(self._round), SCAN_MOST)):
                number = next(iter(self._round))
                live = self._live.get(number)
                if live is None:
                    del self._round[number]
                    continue
                self._round.move_to_end(number)
                if now - live.seen_at >= REFRESH_SECONDS:
                    due.append(number)
                    if len(due) == REFRESH_MOST:
                        break
        return due

    def open(
        self,
        *,
        host_id: int,
        agent: str,
        node_uid: str,
        pod_uid: str,
        gateway: str,
        expires_at: datetime,
        now: datetime,
    ) -> NewSession:
        """Store a new session, which ends the agent's former one.

        :param gateway: the name of this one.
        :raises DatabaseUnavailable: it does not answer.
        """
        nonce = new_nonce()
        with self._database.writer() as connection:
            heartbeat.end_expired(connection, now=now)
            row = heartbeat.open_session(
                connection,
                host_id=host_id,
                agent=agent,
                node_uid=node_uid,
                pod_uid=pod_uid,
                nonce=nonce,
                gateway=gateway,
                expires_at=expires_at,
            )
            known = facts.of_host(connection, host_id)
        made = AgentSession(
            id=row,
            host_id=host_id,
            hostname="",
            agent=agent,
            node_uid=node_uid,
            pod_uid=pod_uid,
            nonce=nonce,
            expires_at=expires_at,
            last_sequence=0,
        )
        number = self.keys.number(made)
        self._drop(number)
        return NewSession(
            number=number,
            key=self.keys.key(made),
            report_hash=None if known is None else known.content_hash or None,
        )

    def note_report(self, session: LiveSession) -> None:
        """The host's inventory is known from now on."""
        session.report_wanted = False

    def _load(self, numbers: Iterable[int]) -> set[int]:
        """Take these over as they are in the database; return those that are there."""
        rows = {self.keys.row_of(number) for number in numbers} - {None}
        if not rows:
            return set()
        with self._database.reader() as connection:
            wanted = sorted(row for row in rows if row is not None)
            found = heartbeat.find_sessions(connection, wanted)
            known = facts.hosts_known(connection, {row.host_id for row in found})
        with self._guard:
            return {
                self._take(row, report_wanted=row.host_id not in known) for row in found
            }

    def _take(self, row: AgentSession, *, report_wanted: bool) -> int:
        number = self.keys.number(row)
        live = self._live.get(number)
        now = self._clock.monotonic()
        # A row that an older copy of the database gives out again is another session.
        if live is None or live.of.nonce != row.nonce:
            self._live[number] = LiveSession(
                of=row,
                number=number,
                key=self.keys.key(row),
                window=ReplayWindow(floor=row.last_sequence),
                report_wanted=report_wanted,
                seen_at=now,
                last_first_sequence=row.last_sequence,
            )
        else:
            with live.lock:
                live.of, live.seen_at = row, now
                live.report_wanted = report_wanted
                _raise_floor(live, row.last_sequence)
        self._round[number] = None
        return number

    def _drop(self, number: int) -> None:
        with self._guard:
            self._live.pop(number, None)
            self._ended.pop(number, None)


def _raise_floor(live: LiveSession, highest: int) -> None:
    """Another gateway has taken datagrams up to `highest`."""
    if highest > live.window.highest:
        live.window.raise_floor(highest)
        live.last_first_sequence = highest
