# SPDX-License-Identifier: Apache-2.0
"""Each host's state says what its silence means, and `online` says whether it is heard.

Sees heartbeats, gateways and our own links; decides by `domain.verdict`. Writes only what
changed, and looks at the hosts that want attention only: a host that is in service and
heard costs nothing. What nobody waits for is taken over now and then: a reboot that was too
short to be a silence, how long hosts have been up.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hummingbird.db.repository import attention, condition, event_log, fleet
from hummingbird.db.repository import host as host_repository
from hummingbird.db.session import Connection
from hummingbird.domain.alarm import host_log
from hummingbird.domain.condition import HEARD, heard_or_not
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.host import Host
from hummingbird.domain.host_machine import Event, may
from hummingbird.domain.host_state import WATCHED, HostState
from hummingbird.domain.liveness import Allowance, Liveness
from hummingbird.domain.verdict import Verdict
from hummingbird.errors import HostGenerationConflict, HostNotFound
from hummingbird.evaluation.fleet_view import FleetObserver, FleetView, Rounds
from hummingbird.reconcilers.base import Outcome

UPTIME_GRAIN_SECONDS: Final = 60
"""Uptime is written this often, as StarlingX's maintenance does."""

REBOOT_SECONDS: Final = 10.0
"""Between two looks for reboots that were no silence. A guess: it is the heartbeat's own
period, before which nothing is known of a reboot."""

_HEARD: Final = (Liveness.LIVE, Liveness.SUSPECT)


@dataclass(frozen=True, kw_only=True)
class _Change:
    """What to write to one host; None: leave it."""

    event: Event | None
    online: bool | None
    boot_id: str | None
    uptime_seconds: int | None

    def is_empty(self) -> bool:
        return (self.event, self.online, self.boot_id, self.uptime_seconds) == (
            None,
            None,
            None,
            None,
        )


class LivenessReconciler:
    """Keeps host states in step with what is heard."""

    name = "liveness"

    def __init__(self, observer: FleetObserver, *, period_seconds: float) -> None:
        self._observer = observer
        self.period_seconds = period_seconds
        self._everywhere = Rounds(observer.clock)
        self._reboots = Rounds(observer.clock, seconds=REBOOT_SECONDS)
        self._uptimes = Rounds(observer.clock, seconds=UPTIME_GRAIN_SECONDS)

    def forget(self) -> None:
        """Look at everything next time."""
        self._everywhere.begin()

    def reconcile(self) -> Outcome:
        """Look at the hosts that want attention; move those whose verdict changed."""
        said: list[str] = []
        everywhere = self._everywhere.is_due()
        view = self._observer.look(everywhere=everywhere, also=self._rebooted())
        if self._uptimes.is_due():
            with self._observer.database.writer() as connection:
                fleet.note_uptimes(connection, grain_seconds=UPTIME_GRAIN_SECONDS)
        for host in view.hosts:
            verdict = view.verdicts[host.hostname]
            heartbeat = view.heartbeats.get(host.id)
            change = _decide(
                host,
                verdict,
                heartbeat,
                now=view.now,
                is_ready=host.id not in view.not_ready,
            )
            if not change.is_empty():
                said += self._apply(host, change, verdict=verdict, view=view)
        if everywhere:
            self._align(view)
        return Outcome(looked_at=len(view.hosts), changed=tuple(said))

    def _align(self, view: FleetView) -> None:
        """Have the condition Heard say what `online` does, which a release before writes
        alone."""
        database = self._observer.database
        with database.reader() as connection:
            amiss = condition.without_heard(connection)
        if not amiss:
            return
        with database.writer() as connection:
            for host in host_repository.among(connection, amiss):
                heartbeat = view.heartbeats.get(host.id)
                seen = heard_or_not(
                    host.online,
                    reason="",
                    gateway="" if heartbeat is None else heartbeat.gateway,
                )
                condition.put(connection, host.id, HEARD, seen, now=view.now)

    def _rebooted(self) -> set[int]:
        if not self._reboots.is_due():
            return set()
        with self._observer.database.reader() as connection:
            return attention.rebooted(connection)

    def _apply(
        self, host: Host, change: _Change, *, verdict: Verdict, view: FleetView
    ) -> list[str]:
        said: list[str] = []
        try:
            with self._observer.database.writer() as connection:
                if change.event is not None:
                    moved = _move(connection, host, change.event, view=view)
                    said.append(
                        f"{host.hostname} {host.state} -> {moved.state}"
                        f" ({verdict.reason})"
                    )
                said += _note(connection, host, change, verdict=verdict, view=view)
        except (HostGenerationConflict, HostNotFound):
            # Somebody else changed it since we looked; the next look sees both.
            return []
        return said


def _decide(
    host: Host,
    verdict: Verdict,
    heartbeat: Heartbeat | None,
    *,
    now: datetime,
    is_ready: bool,
) -> _Change:
    event = _event(host, verdict, is_ready=is_ready)
    online: bool | None = None
    if not verdict.carried:
        is_heard = verdict.liveness in _HEARD
        if is_heard and not host.online and not _is_echo(host, heartbeat, now=now):
            online = True
        silent = verdict.liveness is Liveness.LOST or (
            verdict.liveness is Liveness.LATE and host.state not in WATCHED
        )
        if silent and host.online:
            online = False
    boot_id = uptime_seconds = None
    if heartbeat is not None:
        rebooted = heartbeat.boot_id != host.boot_id
        drift = abs(heartbeat.uptime_seconds - host.uptime_seconds)
        boot_id = heartbeat.boot_id if rebooted else None
        if rebooted or drift >= UPTIME_GRAIN_SECONDS:
            uptime_seconds = heartbeat.uptime_seconds
    return _Change(
        event=event, online=online, boot_id=boot_id, uptime_seconds=uptime_seconds
    )


def _is_echo(host: Host, heartbeat: Heartbeat | None, *, now: datetime) -> bool:
    """Return whether what is heard was said before the host was switched off. After one
    allowance it was not, whoever says that it is off."""
    if not host.powered_off or heartbeat is None or host.updated_at is None:
        return False
    allowance = timedelta(seconds=Allowance.of(heartbeat.period_seconds).lost_seconds)
    # A note of the future is one of another clock, or of before ours was set.
    is_recent = timedelta() <= now - host.updated_at < allowance
    return heartbeat.boot_id == host.boot_id and is_recent


def _event(host: Host, verdict: Verdict, *, is_ready: bool) -> Event | None:
    """Return what the verdict does to a watched host, if anything."""
    if host.state not in WATCHED or verdict.carried:
        return None
    event = {
        Liveness.LIVE: Event.HEARD if is_ready else Event.NOT_READY,
        Liveness.LATE: Event.LATE,
        Liveness.LOST: Event.SILENT,
    }.get(verdict.liveness)
    if event is None or not may(host.state, event):
        return None
    return event


def _move(connection: Connection, host: Host, event: Event, *, view: FleetView) -> Host:
    task: dict[str, str | None] = {"task": None} if event is Event.HEARD else {}
    moved = host_repository.move(connection, host, event, now=view.now, **task)
    if event is Event.SILENT:
        _log(connection, host, "state", "disabled", view=view)
    heard = event in (Event.HEARD, Event.NOT_READY)
    if heard and host.state is HostState.LOST:
        _log(connection, host, "state", "enabled", view=view)
    return moved


def _note(
    connection: Connection,
    host: Host,
    change: _Change,
    *,
    verdict: Verdict,
    view: FleetView,
) -> list[str]:
    """Write what does not belong to the state; return what is worth a word."""
    host_repository.note_heard(
        connection,
        host.id,
        online=change.online,
        boot_id=change.boot_id,
        uptime_seconds=change.uptime_seconds,
    )
    if change.online is None:
        return []
    heartbeat = view.heartbeats.get(host.id)
    seen = heard_or_not(
        change.online,
        reason=verdict.reason,
        gateway="" if heartbeat is None else heartbeat.gateway,
    )
    condition.put(connection, host.id, HEARD, seen, now=view.now)
    word = "online" if change.online else "offline"
    _log(connection, host, "status", word, view=view)
    return [f"{host.hostname} is now {word}"]


def _log(
    connection: Connection, host: Host, kind: str, word: str, *, view: FleetView
) -> None:
    line = host_log(
        "200.022",
        host.hostname,
        instance=f"{kind}={word}",
        text=f"is now '{word}'",
    )
    event_log.append(connection, line, now=view.now)
