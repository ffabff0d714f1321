# SPDX-License-Identifier: Apache-2.0
"""What is known at one moment: hosts, last words, and the verdict on them.

Reads the database, decides by `domain.verdict`, writes nothing. The reconcilers of
liveness, alarms and recovery all look through here, and so judge alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hummingbird.clock import Clock
from hummingbird.db.repository import emn as emn_repository
from hummingbird.db.repository import heartbeat as heartbeat_repository
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import process
from hummingbird.db.session import Connection, Database
from hummingbird.domain.emn import Emn
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import WATCHED, HostState
from hummingbird.domain.liveness import Allowance, Liveness
from hummingbird.domain.verdict import (
    HostEvidence,
    Judgement,
    Verdict,
    Watch,
    judge_all,
)
from hummingbird.reconcilers.reach import Reach

GATEWAY_FRESH_FLUSHES: Final = 5.0
GATEWAY_FRESH_MIN_SECONDS: Final = 5.0
"""A gateway beats with each flush; one that missed five, and at least 5 s, does not
listen, or what it hears is not seen here."""

_CONCLUDED: Final = {
    HostState.DEGRADED: Liveness.LATE,
    HostState.LOST: Liveness.LOST,
    HostState.RECOVERING: Liveness.LOST,
}


@dataclass(frozen=True, kw_only=True)
class Sight:
    """Everything of one look."""

    now: datetime
    hosts: tuple[Host, ...]
    networks: Mapping[int, Emn]
    heartbeats: Mapping[int, Heartbeat]
    judgement: Judgement
    """On the hosts whose silence means something."""
    verdicts: Mapping[str, Verdict]
    """By host name, on every host, watched or not."""

    def site(self, host: Host) -> str:
        """Return the failure domain of `host`."""
        network = self.networks.get(host.emn_id or 0)
        return network.site if network is not None else ""


@dataclass(frozen=True, kw_only=True)
class Eyes:
    """How to look."""

    database: Database
    clock: Clock
    reach: Reach
    controller: str
    period_seconds: float
    """Heartbeat period of a host that was never heard."""
    gateway_flush_seconds: float
    return_seconds: float = 0.0
    """How long a gateway or a link that came back listens before anybody is judged;
    less than one full allowance is no less than that."""

    def look(self) -> Sight:
        """Return what is known now."""
        ways = self.reach.ways()
        with self.database.reader() as connection:
            hosts = tuple(host_repository.list_all(connection))
            networks = {n.id: n for n in emn_repository.list_all(connection)}
            heartbeats = heartbeat_repository.list_all(connection)
            now = self.clock.now()
            listening_since = self._listening_since(connection, now=now)
        watch = Watch(listening_since=listening_since, links_up_since=ways.up_since)
        watched: list[HostEvidence] = []
        others: list[HostEvidence] = []
        for host in hosts:
            evidence = self._evidence(
                host,
                networks=networks,
                heartbeat=heartbeats.get(host.id),
                link=ways.by_emn.get(host.emn_id or 0),
                watch=watch,
            )
            (watched if host.state in WATCHED else others).append(evidence)
        judgement = judge_all(watched, watch=watch, now=now)
        told = (*judgement.hosts, *judge_all(others, watch=watch, now=now).hosts)
        return Sight(
            now=now,
            hosts=hosts,
            networks=networks,
            heartbeats=heartbeats,
            judgement=judgement,
            verdicts={verdict.hostname: verdict for verdict in told},
        )

    def _listening_since(
        self, connection: Connection, *, now: datetime
    ) -> datetime | None:
        fresh = timedelta(
            seconds=max(
                GATEWAY_FRESH_MIN_SECONDS,
                GATEWAY_FRESH_FLUSHES * self.gateway_flush_seconds,
            )
        )
        return min(
            (
                gateway.started_at
                for gateway in process.list_all(connection, kind="gateway")
                if now - gateway.beat_at <= fresh
            ),
            default=None,
        )

    def _evidence(
        self,
        host: Host,
        *,
        networks: Mapping[int, Emn],
        heartbeat: Heartbeat | None,
        link: str | None,
        watch: Watch,
    ) -> HostEvidence:
        network = networks.get(host.emn_id or 0)
        in_service = host.state is HostState.ENABLED
        period_seconds = heartbeat.period_seconds if heartbeat else self.period_seconds
        return HostEvidence(
            hostname=host.hostname,
            site=network.site if network is not None else "",
            link=link,
            period_seconds=period_seconds,
            last_heard_at=heartbeat.last_heard_at if heartbeat else None,
            watched_since=max(
                host.state_since if in_service else host.created_at,
                *self._returns(watch, link, period_seconds=period_seconds),
            ),
            concluded=_CONCLUDED.get(host.state, Liveness.UNKNOWN),
        )

    def _returns(
        self, watch: Watch, link: str | None, *, period_seconds: float
    ) -> list[datetime]:
        """Return from when on silence counts because our ears were closed before: so
        much later that a host is lost no sooner than `return_seconds` after that."""
        allowance = Allowance.of(period_seconds).lost_seconds
        later = timedelta(seconds=max(0.0, self.return_seconds - allowance))
        opened = (watch.listening_since, watch.links_up_since.get(link or ""))
        return [since + later for since in opened if since is not None]
