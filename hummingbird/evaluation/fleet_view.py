# SPDX-License-Identifier: Apache-2.0
"""What is known at one moment: hosts, last words, and the verdict on them.

Reads the database, decides by `domain.verdict`, writes nothing. How long hosts were silent
is what the gateways say together (`domain.hearing`); no wall clock makes it longer. The
reconcilers of liveness, alarms and recovery all look through here, and so judge alike. They
look at the hosts of which something changed, so that what is as it was costs next to nothing,
away or well; now and then, and first of all, at every host, so that nothing which was
overlooked stays so.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

from hummingbird.clock import Clock
from hummingbird.db.repository import attention, condition
from hummingbird.db.repository import emn as emn_repository
from hummingbird.db.repository import heartbeat as heartbeat_repository
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import verdict as verdict_repository
from hummingbird.db.session import Connection, Database
from hummingbird.domain.emn import Emn
from hummingbird.domain.hearing import Hearing
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import WATCHED, HostState
from hummingbird.domain.liveness import SILENT, Allowance, Liveness
from hummingbird.domain.verdict import (
    Concluded,
    Count,
    HostEvidence,
    Judgement,
    Verdict,
    Watch,
    judge_all,
)
from hummingbird.evaluation.ears import Ears
from hummingbird.evaluation.news import NewsDesk
from hummingbird.evaluation.own_links import OwnLinks

GATEWAY_FRESH_FLUSHES: Final = 5.0
GATEWAY_FRESH_MIN_SECONDS: Final = 5.0
"""A gateway writes with each flush. Where none has for five of them, and at least 5 s,
nobody listens, or what is heard is not seen here."""

EVERYWHERE_SECONDS: Final = 600.0
"""A guess: long against the cost of a look at the whole fleet, short against a working
day. What needs it is rare: rows that somebody changed by hand, texts of a new version."""

_CONCLUDED: Final = {
    HostState.DEGRADED: Liveness.LATE,
    HostState.LOST: Liveness.LOST,
    HostState.RECOVERING: Liveness.LOST,
}


@dataclass(frozen=True, kw_only=True)
class FleetView:
    """Everything of one look."""

    now: datetime
    hosts: tuple[Host, ...]
    """Those that were looked at."""
    networks: Mapping[int, Emn]
    heartbeats: Mapping[int, Heartbeat]
    judgement: Judgement
    """On the hosts whose silence means something."""
    not_ready: frozenset[int]
    """Ids of hosts whose nodes were not Ready when Kubernetes last said how they are."""
    verdicts: Mapping[str, Verdict]
    """By host name, on every host looked at, watched or not."""
    through: float | None
    """Up to when what was heard is known, on the listening clock; None: no silence means
    anything now."""
    asked: frozenset[int] | None
    """Ids of the hosts that were to be looked at; None: all."""
    concluded: Mapping[int, Concluded]
    """What was concluded before, by host id."""
    settled: Mapping[int, bool]
    """Whether heartbeats are settled, by host id."""

    def site(self, host: Host) -> str:
        """Return the failure domain of `host`."""
        return _site(host, networks=self.networks)


@dataclass(frozen=True, kw_only=True)
class FleetObserver:
    """How to look."""

    database: Database
    clock: Clock
    own_links: OwnLinks
    period_seconds: float
    """Heartbeat period of a host that was never heard."""
    gateway_flush_seconds: float
    return_seconds: float = 0.0
    """How long a gateway or a link that came back listens before anybody is judged;
    less than one full allowance is no less than that."""

    def look(
        self,
        *,
        also: Iterable[int] | None = None,
        due: bool = False,
        sites: Iterable[str] = (),
    ) -> FleetView:
        """Return what is known now.

        :param also: ids of the hosts to look at; None: all.
        :param sites: of which it is told whether they are dark, beside those of the hosts.
        :param due: whether those are looked at as well whose verdict may be another by now
            for what was heard, or was not.
        """
        states = self.own_links.states()
        asked_at = self.clock.monotonic()
        with self.database.snapshot() as connection:
            now = self.clock.now()
            # Before the heartbeats: what it says is complete is in what is read then.
            heard = self._ears.listen(connection, monotonic=asked_at)
            through = heard.hearing.through if heard.hearing is not None else None
            asked = None if also is None else set(also)
            if asked is not None and due and through is not None:
                asked |= attention.due(connection, through=through)
            found = self._read(connection, asked, sites=set(sites))
        watch = Watch(
            through=through, deaf=heard.deaf, links_up_since=states.up_since_seconds
        )
        silence_matters: list[HostEvidence] = []
        others: list[HostEvidence] = []
        for host in found.hosts:
            evidence = self._evidence(
                host,
                found,
                link=states.by_emn.get(host.emn_id or 0),
                watch=watch,
                hearing=heard.hearing,
                now=now,
            )
            (silence_matters if host.state in WATCHED else others).append(evidence)
        judgement = judge_all(silence_matters, watch=watch, others=found.others)
        told = (*judgement.hosts, *judge_all(others, watch=watch).hosts)
        return FleetView(
            now=now,
            hosts=tuple(found.hosts),
            networks=found.networks,
            heartbeats=found.heartbeats,
            judgement=judgement,
            not_ready=found.not_ready,
            verdicts={verdict.hostname: verdict for verdict in told},
            through=through,
            asked=None if asked is None else frozenset(asked),
            concluded=found.concluded,
            settled=found.settled,
        )

    @cached_property
    def news(self) -> NewsDesk:
        """What has changed, for each of those that look through here."""
        return NewsDesk(self.database)

    def _read(
        self, connection: Connection, asked: set[int] | None, *, sites: set[str]
    ) -> "_Found":
        if asked is not None and not asked and not sites:
            return _Found()
        networks = {n.id: n for n in emn_repository.list_all(connection)}
        if asked is None:
            return _Found(
                hosts=host_repository.list_all(connection),
                networks=networks,
                heartbeats=heartbeat_repository.list_all(connection),
                not_ready=frozenset(condition.not_ready(connection)),
                concluded=verdict_repository.list_all(connection),
                settled=verdict_repository.settled(connection),
            )
        hosts = host_repository.among(connection, asked)
        concluded = verdict_repository.of_hosts(connection, asked)
        return _Found(
            hosts=hosts,
            networks=networks,
            heartbeats=heartbeat_repository.of_hosts(connection, asked),
            not_ready=frozenset(condition.not_ready(connection, among=asked)),
            concluded=concluded,
            settled=verdict_repository.settled(connection, asked),
            others=_others(connection, hosts, concluded, sites, networks=networks),
        )

    @cached_property
    def _ears(self) -> Ears:
        return Ears(
            fresh_seconds=max(
                GATEWAY_FRESH_MIN_SECONDS,
                GATEWAY_FRESH_FLUSHES * self.gateway_flush_seconds,
            )
        )

    def _evidence(
        self,
        host: Host,
        found: "_Found",
        *,
        link: str | None,
        watch: Watch,
        hearing: Hearing | None,
        now: datetime,
    ) -> HostEvidence:
        heartbeat = found.heartbeats.get(host.id)
        period_seconds = heartbeat.period_seconds if heartbeat else self.period_seconds
        counts_from = 0.0
        if hearing is not None and hearing.through is not None:
            begins = hearing.begins(heartbeat.gateway if heartbeat else "")
            counts_from = max(
                self._after_return(begins, period_seconds=period_seconds),
                self._after_return(
                    watch.links_up_since.get(link or "") or 0.0,
                    period_seconds=period_seconds,
                ),
                hearing.through
                - _new_for(host, now=now, period_seconds=period_seconds),
            )
        return HostEvidence(
            hostname=host.hostname,
            site=_site(host, networks=found.networks),
            link=link,
            period_seconds=period_seconds,
            heard=heartbeat.heard_seconds if heartbeat else None,
            counts_from=counts_from,
            concluded=_concluded(host, found),
        )

    def _after_return(self, since: float, *, period_seconds: float) -> float:
        """Return from when on silence counts because our ears were closed until `since`:
        so much later that a host is lost no sooner than `return_seconds` after that."""
        allowance = Allowance.of(period_seconds).lost_seconds
        return since + max(0.0, self.return_seconds - allowance)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What was read."""

    hosts: list[Host] = field(default_factory=list)
    networks: Mapping[int, Emn] = field(default_factory=dict)
    heartbeats: Mapping[int, Heartbeat] = field(default_factory=dict)
    not_ready: frozenset[int] = frozenset()
    concluded: Mapping[int, Concluded] = field(default_factory=dict)
    settled: Mapping[int, bool] = field(default_factory=dict)
    others: Mapping[str, Count] = field(default_factory=dict)
    """Site -> its watched hosts that are not among `hosts`."""


def _concluded(host: Host, found: _Found) -> Liveness:
    """Return what stands of a host while nothing new can be told of it."""
    by_state = _CONCLUDED.get(host.state, Liveness.UNKNOWN)
    if by_state is not Liveness.LATE:
        return by_state
    # Degraded, for its silence or for its node.
    known = found.concluded.get(host.id)
    if known is not None and known.liveness in SILENT:
        return Liveness.LATE
    return Liveness.UNKNOWN if host.id in found.not_ready else Liveness.LATE


def _new_for(host: Host, *, now: datetime, period_seconds: float) -> float:
    """Return for how many seconds a host has been in service, or known; infinity: so long
    that it does not matter.

    Wall times of several machines are compared here, and so this counts only where it
    makes us wait longer, for one allowance at most: a clock that was set back, or that of
    another machine, hides nobody, and one that was set forward makes nobody silent.
    """
    since = host.state_since if host.state is HostState.ENABLED else host.created_at
    seconds = (now - since).total_seconds()
    is_new = 0.0 <= seconds < Allowance.of(period_seconds).lost_seconds
    return seconds if is_new else math.inf


class Rounds:
    """When somebody who looks at what wants attention looks at everything: at first, and
    every `seconds`."""

    def __init__(self, clock: Clock, *, seconds: float = EVERYWHERE_SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._last: float | None = None

    def begin(self) -> None:
        """Have it be time now."""
        self._last = None

    def is_due(self) -> bool:
        """Return whether it is time, and count from now on if so."""
        now = self._clock.monotonic()
        if self._last is not None and now - self._last < self._seconds:
            return False
        self._last = now
        return True


def _others(
    connection: Connection,
    hosts: Iterable[Host],
    concluded: Mapping[int, Concluded],
    sites: Iterable[str],
    *,
    networks: Mapping[int, Emn],
) -> Mapping[str, Count]:
    """Return how many watched hosts there are beside `hosts` in their sites, and in
    others."""
    silent: Counter[str] = Counter()
    watched: Counter[str] = Counter()
    for host in hosts:
        if host.state in WATCHED:
            site = _site(host, networks=networks)
            known = concluded.get(host.id)
            silent[site] += known is not None and known.liveness in SILENT
            watched[site] += 1
    return {
        site: Count(count.silent - silent[site], count.watched - watched[site])
        for site, count in attention.counts(connection, {*watched, *sites}).items()
    }


def _site(host: Host, *, networks: Mapping[int, Emn]) -> str:
    network = networks.get(host.emn_id or 0)
    return network.site if network is not None else ""
