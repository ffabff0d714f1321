# SPDX-License-Identifier: Apache-2.0
"""The standing alarms are exactly those that should stand.

Sees what `sight` sees and the recovery runs of lost hosts; decides by
`domain.alarm_rule`; is the only writer of Hummingbird's own alarms, and logs each one set
or cleared. Those that clients of the API have posted it leaves alone, unless the rule
wants one of the same key. Runs on every conductor: two that raise the same alarm at once
raise it once (unique key), so there is no leader.
"""

from collections.abc import Mapping

from hummingbird.db.repository import alarm as alarm_repository
from hummingbird.db.repository import event_log
from hummingbird.domain import alarm_rule
from hummingbird.domain.alarm import Alarm, StoredAlarm, as_event
from hummingbird.reconcilers.base import Outcome
from hummingbird.reconcilers.ladder import Ladder
from hummingbird.reconcilers.sight import Eyes

_Key = tuple[str, str]


class AlarmReconciler:
    """Keeps the alarm table true."""

    name = "alarm"

    def __init__(self, eyes: Eyes, *, ladder: Ladder, period_seconds: float) -> None:
        self._eyes = eyes
        self._ladder = ladder
        self.period_seconds = period_seconds

    def reconcile(self) -> Outcome:
        """Raise what is missing, change what differs, clear what should not stand."""
        sight = self._eyes.look()
        with self._eyes.database.reader() as connection:
            given_up = self._ladder.given_up(connection, sight=sight)
            stands = {
                (item.alarm.alarm_id, item.alarm.entity_instance_id): item
                for item in alarm_repository.list_all(connection)
            }
        should = alarm_rule.standing(
            sight.hosts,
            judgement=sight.judgement,
            controller=self._eyes.controller,
            given_up=given_up,
        )
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
        now = self._eyes.clock.now()
        with self._eyes.database.writer() as connection:
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


def _name(alarm: Alarm) -> str:
    return f"{alarm.alarm_id} {alarm.severity} {alarm.entity_instance_id}"
