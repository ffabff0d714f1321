# SPDX-License-Identifier: Apache-2.0
"""The standing alarms are exactly those that should stand.

Sees what `fleet_view` sees, and the recovery runs of lost hosts; decides by
`domain.alarm_rule`; is the only writer of Hummingbird's own alarms, and logs each one set or
cleared. It looks at the hosts and sites of which something changed, and at nothing where
nothing did. Those that clients of the API have posted it leaves alone, unless the rule wants
one of the same key.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import Final

from hummingbird.db.repository import alarm as alarm_repository
from hummingbird.db.repository import (
    attention,
    condition,
    event_log,
    fleet,
    neighbour_condition,
)
from hummingbird.db.repository import board as board_repository
from hummingbird.db.repository import link as link_repository
from hummingbird.db.repository import process as process_repository
from hummingbird.db.repository.attention import News
from hummingbird.db.session import Connection
from hummingbird.domain import alarm_rule
from hummingbird.domain.alarm import (
    LINK_DOWN,
    SERVICE_FAILED,
    SITE_DARK,
    Alarm,
    StoredAlarm,
    as_event,
    host_of,
    keys_of_host,
    kubernetes_unreachable,
    site_entity,
    site_of,
)
from hummingbird.domain.condition import KUBERNETES, Status
from hummingbird.evaluation.fleet_view import FleetObserver, FleetView, Rounds
from hummingbird.evaluation.recovery_ladder import Ladder
from hummingbird.evaluation.restart_ladder import Case, RestartLadder
from hummingbird.reconcilers.base import Outcome

_Key = tuple[str, str]

_OF_NO_HOST: Final = (LINK_DOWN, SERVICE_FAILED)
_KUBERNETES: Final = (
    kubernetes_unreachable().alarm_id,
    kubernetes_unreachable().entity_instance_id,
)
UNREADY_SECONDS: Final = 5.0
"""As the reconciler `readiness` looks."""
NAMES_MOST: Final = 500
"""Where so many hosts are looked at, all alarms are read: that takes less than to name
those that they may have."""


@dataclass(frozen=True, kw_only=True)
class _Scope:
    """What is looked at."""

    hosts: set[int] | None
    """Ids; None: everything."""
    names: set[str]
    """Of hosts that may be gone."""
    sites: set[str]


@dataclass(frozen=True, kw_only=True)
class _Unready:
    """Hosts that are heard and not Ready, as they were seen last."""

    hosts: frozenset[int] = frozenset()
    left: frozenset[int] = frozenset()
    """On which nothing is left to be tried."""
    is_common: bool = False

    @classmethod
    def of(cls, cases: Iterable[Case], *, is_common: bool) -> "_Unready":
        """Return what was seen."""
        known = list(cases)
        return cls(
            hosts=frozenset(case.unready.host_id for case in known),
            left=frozenset(case.unready.host_id for case in known if case.is_given_up),
            is_common=is_common,
        )

    def differ(self, other: "_Unready") -> Set[int]:
        """Return the hosts whose alarm is another one for the other."""
        if self.is_common is not other.is_common:
            return self.hosts | other.hosts
        return self.left ^ other.left


class AlarmReconciler:
    """Keeps the alarm table true."""

    name = "alarm"

    def __init__(
        self,
        observer: FleetObserver,
        *,
        ladder: Ladder,
        restarts: RestartLadder,
        period_seconds: float,
    ) -> None:
        self._observer = observer
        self._ladder = ladder
        self._restarts = restarts
        self._unready = _Unready()
        self._unready_due = Rounds(observer.clock, seconds=UNREADY_SECONDS)
        self.period_seconds = period_seconds
        self._everywhere = Rounds(observer.clock)
        self._inbox = observer.news.subscribe()

    def forget(self) -> None:
        """Look at everything next time."""
        self._everywhere.begin()

    def reconcile(self) -> Outcome:
        """Raise what is missing, change what differs, clear what should not stand."""
        news = self._inbox.open()
        everywhere = self._everywhere.is_due() or news.everything
        if not everywhere and not news and not self._is_time():
            return Outcome()
        try:
            outcome = self._look(None if everywhere else news)
        except BaseException:
            if everywhere:
                self._everywhere.begin()
            raise
        self._inbox.done()
        return outcome

    def _is_time(self) -> bool:
        """Return whether it may be another by now what is left to be tried on hosts that are
        heard and not Ready."""
        return bool(self._unready.hosts) and self._unready_due.is_due()

    def _look(self, news: News | None) -> Outcome:
        unready = self._see_unready()
        scope = self._scope(news, self._unready.differ(unready))
        view = self._observer.look(also=scope.hosts, sites=scope.sites)
        turned = self._turned(scope, view)
        if turned:
            scope = replace(scope, hosts=turned)
            view = self._observer.look(also=scope.hosts, sites=scope.sites)
        with self._observer.database.snapshot() as connection:
            given_up = self._ladder.given_up(connection, view=view)
            boards_away = board_repository.away(connection, among=scope.hosts)
            keys_changed = condition.key_changed(connection, among=scope.hosts)
            links = link_repository.list_all(connection)
            processes = process_repository.everything(connection)
            kubernetes = neighbour_condition.find(connection, KUBERNETES)
            stands = self._standing(connection, scope, view)
        should = alarm_rule.standing(
            view.hosts,
            judgement=view.judgement,
            links=links,
            processes=processes,
            given_up=given_up,
            boards_away=boards_away,
            keys_changed=keys_changed,
            not_ready=view.not_ready,
            kubernetes_is_away=(
                kubernetes is not None and kubernetes.status is Status.FALSE
            ),
            is_not_ready_common=unready.is_common,
            left_not_ready=unready.left,
        )
        put = {
            key: alarm
            for key, alarm in should.items()
            if key not in stands or stands[key].alarm != alarm or stands[key].posted
        }
        gone = [
            key for key, one in stands.items() if key not in should and not one.posted
        ]
        changed = self._write(put, gone, stands=stands) if put or gone else []
        self._unready = unready
        return Outcome(looked_at=len(view.hosts), changed=tuple(changed))

    def _see_unready(self) -> "_Unready":
        with self._observer.database.snapshot() as connection:
            now = self._observer.clock.now()
            cases = self._restarts.cases(connection, seen={}, now=now)
            is_common = self._restarts.is_common(connection, count=len(cases))
        return _Unready.of(cases, is_common=is_common)

    def _scope(self, news: News | None, unready: Set[int]) -> _Scope:
        """Return what the news are about.

        :param unready: ids of hosts whose alarm is another for what is left to be tried.
        """
        if news is None:
            return _Scope(hosts=None, names=set(), sites=set())
        names = {name for name in map(host_of, news.subjects) if name is not None}
        with self._observer.database.snapshot() as connection:
            hosts = news.hosts | unready | fleet.ids_of(connection, names)
            sites = attention.sites(connection, hosts=hosts, networks=news.networks)
        sites |= {site for site in map(site_of, news.subjects) if site is not None}
        return _Scope(hosts=set(hosts), names=names, sites=sites)

    def _turned(self, scope: _Scope, view: FleetView) -> set[int] | None:
        """Return the hosts to look at where a site has become dark or is no longer, of
        which each silent host has another alarm now; None: none has."""
        if scope.hosts is None:
            return None
        keys = {(SITE_DARK, site_entity(site)) for site in scope.sites}
        with self._observer.database.snapshot() as connection:
            known = alarm_repository.of_keys(connection, keys)
            alarmed = {
                site_of(one.alarm.entity_instance_id) for one in known if not one.posted
            }
            dark = view.judgement.dark_sites.keys()
            turned = {
                site for site in scope.sites if (site in dark) != (site in alarmed)
            }
            more = attention.silent_of_sites(connection, turned) - scope.hosts
        return scope.hosts | more if more else None

    def _standing(
        self, connection: Connection, scope: _Scope, view: FleetView
    ) -> dict[_Key, StoredAlarm]:
        """Return the alarms that stand, of what is looked at."""
        if scope.hosts is None:
            return {_key(one): one for one in alarm_repository.list_all(connection)}
        names = scope.names | {host.hostname for host in view.hosts}
        if len(names) > NAMES_MOST:
            every = alarm_repository.list_all(connection)
            return {
                _key(one): one for one in every if _is_about(one, names, scope.sites)
            }
        keys = {key for name in names for key in keys_of_host(name)}
        keys |= {(SITE_DARK, site_entity(site)) for site in scope.sites}
        keys.add(_KUBERNETES)
        known = alarm_repository.of_keys(connection, keys)
        for alarm_id in _OF_NO_HOST:
            known += alarm_repository.of_id(connection, alarm_id)
        return {_key(one): one for one in known}

    def _write(
        self,
        put: Mapping[_Key, Alarm],
        gone: list[_Key],
        *,
        stands: Mapping[_Key, StoredAlarm],
    ) -> list[str]:
        said: list[str] = []
        now = self._observer.clock.now()
        with self._observer.database.writer() as connection:
            for key, alarm in put.items():
                if not alarm_repository.put(connection, alarm, now=now):
                    continue
                before = stands.get(key)
                if before is None or before.alarm.severity is not alarm.severity:
                    line = as_event(alarm, state="set")
                    event_log.append(connection, line, now=now)
                    said.append(f"set {_name(alarm)}")
            for key in gone:
                if not alarm_repository.clear(connection, [key], now=now):
                    continue
                alarm = stands[key].alarm
                event_log.append(connection, as_event(alarm, state="clear"), now=now)
                said.append(f"cleared {_name(alarm)}")
        return said


def _key(one: StoredAlarm) -> _Key:
    return one.alarm.alarm_id, one.alarm.entity_instance_id


def _is_about(one: StoredAlarm, names: set[str], sites: set[str]) -> bool:
    """Return whether an alarm is of one of these hosts or sites, or of no host."""
    entity = one.alarm.entity_instance_id
    return (
        one.alarm.alarm_id in _OF_NO_HOST
        or _key(one) == _KUBERNETES
        or host_of(entity) in names
        or site_of(entity) in sites
    )


def _name(alarm: Alarm) -> str:
    return f"{alarm.alarm_id} {alarm.severity} {alarm.entity_instance_id}"
