# SPDX-License-Identifier: Apache-2.0
"""The standing alarms are exactly those that should stand.

Sees what `fleet_view` sees, the hosts whose alarms may not be what they should be, and the
recovery runs of lost hosts; decides by `domain.alarm_rule`; is the only writer of
Hummingbird's own alarms, and logs each one set or cleared. Those that clients of the API
have posted it leaves alone, unless the rule wants one of the same key.
"""

from collections.abc import Iterable, Mapping

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
from hummingbird.domain import alarm_rule
from hummingbird.domain.alarm import Alarm, StoredAlarm, as_event, host_of
from hummingbird.domain.condition import KUBERNETES, Status
from hummingbird.evaluation.fleet_view import FleetObserver, Rounds
from hummingbird.evaluation.recovery_ladder import Ladder
from hummingbird.evaluation.restart_ladder import RestartLadder
from hummingbird.reconcilers.base import Outcome

_Key = tuple[str, str]


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
        self.period_seconds = period_seconds
        self._everywhere = Rounds(observer.clock)

    def forget(self) -> None:
        """Look at everything next time."""
        self._everywhere.begin()

    def reconcile(self) -> Outcome:
        """Raise what is missing, change what differs, clear what should not stand."""
        everywhere = self._everywhere.is_due()
        database = self._observer.database
        with database.snapshot() as connection:
            if everywhere:
                questionable, suspects = alarm_repository.list_all(connection), set()
            else:
                questionable = alarm_repository.list_questionable(connection)
                suspects = attention.without_lock_alarm(connection)
                suspects |= board_repository.away_without_alarm(connection)
                suspects |= condition.key_changed(connection)
                suspects |= fleet.ids_of(connection, _names(questionable))
        view = self._observer.look(everywhere=everywhere, also=suspects)
        with database.snapshot() as connection:
            given_up = self._ladder.given_up(connection, view=view)
            boards_away = board_repository.away(connection)
            keys_changed = condition.key_changed(connection)
            links = link_repository.list_all(connection)
            kubernetes = neighbour_condition.find(connection, KUBERNETES)
            cases = self._restarts.cases(connection, seen={}, now=view.now)
            is_common = self._restarts.is_common(connection, count=len(cases))
        should = alarm_rule.standing(
            view.hosts,
            judgement=view.judgement,
            links=links,
            given_up=given_up,
            boards_away=boards_away,
            keys_changed=keys_changed,
            not_ready=view.not_ready,
            kubernetes_is_away=(
                kubernetes is not None and kubernetes.status is Status.FALSE
            ),
            is_not_ready_common=is_common,
            left_not_ready={case.unready.host_id for case in cases if case.is_given_up},
        )
        stands = {_key(one): one for one in questionable}
        unknown = should.keys() - stands.keys()
        if unknown and not everywhere:
            with database.reader() as connection:
                known = alarm_repository.of_keys(connection, unknown)
            stands |= {_key(one): one for one in known}
        put = {
            key: alarm
            for key, alarm in should.items()
            if key not in stands or stands[key].alarm != alarm or stands[key].posted
        }
        gone = [
            key for key, one in stands.items() if key not in should and not one.posted
        ]
        if not put and not gone:
            return Outcome(looked_at=len(should))
        changed = self._write(put, gone, stands=stands)
        return Outcome(looked_at=len(should), changed=tuple(changed))

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


def _names(stands: Iterable[StoredAlarm]) -> set[str]:
    """Return the names of the hosts that our own alarms are about."""
    entities = (one.alarm.entity_instance_id for one in stands if not one.posted)
    return {name for name in map(host_of, entities) if name is not None}


def _name(alarm: Alarm) -> str:
    return f"{alarm.alarm_id} {alarm.severity} {alarm.entity_instance_id}"
