# SPDX-License-Identifier: Apache-2.0
"""The sessions of the agents, as this gateway knows them.

The database has them; each gateway keeps those in memory that it has heard of, and
looks again every REFRESH_SECONDS, so that the session of a retired host ends here no
later than that. While the database is away the sessions in memory go on, expired or not:
a host must not fall silent because our own store did.

A session's key is HMAC-SHA256 of its number under the deployment's `gateway.key`: every
gateway that has this file can check every session, also one it has not looked up yet,
and only datagrams with a good tag cost a look-up. Numbers are never given out twice by
one database; who restores an older copy of it must delete `gateway.key` too.
"""

import hmac
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from hummingbird.db.repository import facts, heartbeat
from hummingbird.db.session import Database
from hummingbird.domain.heartbeat import AgentSession
from hummingbird.secretbox import write_secret_once
from hummingbird.wire.replay import ReplayWindow

REFRESH_SECONDS: Final = 15.0


@dataclass
class LiveSession:
    """One session in memory."""

    of: AgentSession
    key: bytes
    window: ReplayWindow
    report_wanted: bool
    last_first_sequence: int = 0
    """First sequence of the last beat: a repeated beat is counted once."""
    lock: threading.Lock = field(default_factory=threading.Lock)


class SessionKeys:
    """Derives the key of every session from the deployment's secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def from_file(cls, path: Path) -> "SessionKeys":
        """Read the secret from `path`; made there, mode 0600, if there is none."""
        write_secret_once(path, secrets.token_bytes(32))
        secret = path.read_bytes()
        if len(secret) < 32:
            raise ValueError(f"{path} is too short to be the gateway's secret")
        return cls(secret)

    def of(self, session_id: int) -> bytes:
        """Return the key of a session, whether there is such a session or not."""
        return hmac.digest(
            self._secret, b"session" + session_id.to_bytes(8, "big"), "sha256"
        )


class Sessions:
    """Sessions in memory, and their way from the database."""

    def __init__(self, database: Database, keys: SessionKeys) -> None:
        self._database = database
        self.keys = keys
        self._live: dict[int, LiveSession] = {}
        self._guard = threading.Lock()

    def get(self, session_id: int) -> LiveSession | None:
        """Return the session if it is in memory."""
        return self._live.get(session_id)

    def look_up(self, session_ids: Iterable[int]) -> None:
        """Take sessions into memory that are in the database.

        :raises DatabaseUnavailable: it does not answer.
        """
        wanted = [number for number in session_ids if number not in self._live]
        self._load(wanted)

    def refresh(self) -> int:
        """Drop sessions that ended, and take over what other gateways noted; return how
        many are left.

        :raises DatabaseUnavailable: it does not answer; nothing has changed.
        """
        known = list(self._live)
        found = self._load(known)
        with self._guard:
            for number in known:
                if number not in found:
                    self._live.pop(number, None)
        return len(self._live)

    def open(
        self,
        *,
        host_id: int,
        agent: str,
        node_uid: str,
        pod_uid: str,
        expires_at: datetime,
        now: datetime,
    ) -> tuple[int, str | None]:
        """Store a new session, which ends the agent's former one; return its number and
        the hash of the inventory that is known of its host.

        :raises DatabaseUnavailable: it does not answer.
        """
        with self._database.writer() as connection:
            heartbeat.end_expired(connection, now=now)
            number = heartbeat.open_session(
                connection,
                host_id=host_id,
                agent=agent,
                node_uid=node_uid,
                pod_uid=pod_uid,
                expires_at=expires_at,
            )
            known = facts.of_host(connection, host_id)
        return number, None if known is None else known.content_hash or None

    def note_report(self, session: LiveSession) -> None:
        """The host's inventory is known from now on."""
        session.report_wanted = False

    def _load(self, session_ids: list[int]) -> set[int]:
        if not session_ids:
            return set()
        with self._database.reader() as connection:
            found = heartbeat.find_sessions(connection, session_ids)
            known = facts.hosts_known(connection, {row.host_id for row in found})
        with self._guard:
            for row in found:
                self._take(row, report_wanted=row.host_id not in known)
        return {row.id for row in found}

    def _take(self, row: AgentSession, *, report_wanted: bool) -> None:
        live = self._live.get(row.id)
        if live is None:
            self._live[row.id] = LiveSession(
                of=row,
                key=self.keys.of(row.id),
                window=ReplayWindow(floor=row.last_sequence),
                report_wanted=report_wanted,
                last_first_sequence=row.last_sequence,
            )
            return
        with live.lock:
            live.of = row
            live.report_wanted = report_wanted
            if row.last_sequence > live.window.highest:
                live.window.raise_floor(row.last_sequence)
                live.last_first_sequence = row.last_sequence
