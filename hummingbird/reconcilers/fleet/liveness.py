# SPDX-License-Identifier: Apache-2.0
"""Each host's state says what its silence means, and `online` says whether it is heard.

Sees heartbeats, gateways and our own links; decides by `domain.verdict`. Writes only what
changed, and looks only at hosts whose verdict may be another than what was concluded of
them: something of them was changed, they are heard again, or have been silent for so long
that it means more. What is as it was costs nothing, heard or away. What is concluded of
hosts that are silent is written before their states, so that whoever looks at one of a site
knows of all. How long hosts have been up is taken over now and then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from hummingbird.db.repository import attention, condition, event_log, fleet
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import verdict as verdict_repository
from hummingbird.db.session import Connection
from hummingbird.domain.alarm import host_log
from hummingbird.domain.condition import HEARD, heard_or_not
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.host import Host
from hummingbird.domain.host_machine import Event, may
from hummingbird.domain.host_state import WATCHED, HostState
from hummingbird.domain.liveness import SILENT, Allowance, Liveness
from hummingbird.domain.verdict import Concluded, Verdict
from hummingbird.errors import HostGenerationConflict, HostNotFound
from hummingbird.evaluation.fleet_view import FleetObserver, FleetView, Rounds
from hummingbird.reconcilers.base import Outcome

UPTIME_GRAIN_SECONDS: Final = 60
"""Uptime is written this often, as StarlingX's maintenance does."""

_HEARD: Final = (Liveness.LIVE, Liveness.SUSPECT)
_Behind = Mapping[int, tuple[str, float | None]]


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
        self._uptimes = Rounds(observer.clock, seconds=UPTIME_GRAIN_SECONDS)
        self._inbox = observer.news.subscribe()
        self._again: set[int] = set()
        self._untold: set[int] | None = set()
        """Ids of the hosts that were looked at while nobody listened; None: all."""
        self._behind: _Behind = {}

    def forget(self) -> None:
        """Look at everything next time."""
        self._everywhere.begin()

    def reconcile(self) -> Outcome:
        """Look at the hosts that want attention; move those whose verdict changed."""
        if self._uptimes.is_due():
            with self._observer.database.writer() as connection:
                fleet.note_uptimes(connection, grain_seconds=UPTIME_GRAIN_SECONDS)
        news = self._inbox.open()
        everywhere = self._everywhere.is_due() or news.everything
        behind = self._links()
        try:
            outcome = self._look(None if everywhere else self._wanted(news, behind))
        except BaseException:
            if everywhere:
                self._everywhere.begin()
            raise
        self._behind = behind
        self._inbox.done()
        return outcome

    def _links(self) -> _Behind:
        """Return which link leads to each network, and since when that is up."""
        states = self._observer.own_links.states()
        return {
            emn_id: (name, states.up_since_seconds.get(name))
            for emn_id, name in states.by_emn.items()
        }

    def _wanted(self, news: attention.News, behind: _Behind) -> set[int]:
        """Return the ids of the hosts to look at, beside those that are due."""
        changed = [
            emn_id
            for emn_id in {*behind, *self._behind}
            if behind.get(emn_id) != self._behind.get(emn_id)
        ]
        wanted = {*news.hosts, *self._again}
        if changed:
            with self._observer.database.reader() as connection:
                wanted |= attention.of_networks(connection, changed)
        return wanted

    def _look(self, wanted: set[int] | None) -> Outcome:
        view = self._observer.look(also=wanted, due=True)
        if view.through is not None and wanted is not None and self._untold != set():
            # Somebody listens again: of these nothing could be told before.
            more = None if self._untold is None else wanted | self._untold
            view = self._observer.look(also=more, due=True)
        if view.through is not None:
            self._untold = set()
        elif view.asked is None or self._untold is None:
            self._untold = None
        else:
            self._untold |= view.asked
        changes = {
            host.id: _decide(
                host,
                view.verdicts[host.hostname],
                view.heartbeats.get(host.id),
                now=view.now,
                is_ready=host.id not in view.not_ready,
            )
            for host in view.hosts
        }
        if view.through is not None:
            self._conclude(view, changes)
        said: list[str] = []
        again: set[int] = set()
        for host in view.hosts:
            if not changes[host.id].is_empty():
                verdict = view.verdicts[host.hostname]
                done = self._apply(host, changes[host.id], verdict=verdict, view=view)
                if done is None:
                    again.add(host.id)
                else:
                    said += done
        self._again = again
        if view.asked is None:
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

    def _conclude(self, view: FleetView, changes: "Mapping[int, _Change]") -> None:
        """Write what is concluded of the hosts that were looked at, where it changed."""
        concluded: dict[int, Concluded] = {}
        settled: dict[bool, list[int]] = {True: [], False: []}
        for host in view.hosts:
            verdict = view.verdicts[host.hostname]
            one = _conclusion(host, verdict, changes[host.id], view=view)
            if one is not None:
                concluded[host.id] = one
            is_settled = _is_settled(host, verdict, view=view)
            if view.settled.get(host.id, is_settled) != is_settled:
                settled[is_settled].append(host.id)
        new = {
            host_id: one
            for host_id, one in concluded.items()
            if view.concluded.get(host_id) != one
        }
        gone = view.concluded.keys() - concluded.keys()
        if not (new or gone or settled[True] or settled[False]):
            return
        with self._observer.database.writer() as connection:
            for is_settled, host_ids in settled.items():
                verdict_repository.settle(connection, host_ids, to=is_settled)
            verdict_repository.put(connection, new, known=view.concluded)
            verdict_repository.remove(connection, gone)

    def _apply(
        self, host: Host, change: _Change, *, verdict: Verdict, view: FleetView
    ) -> list[str] | None:
        """Write a change; return what is worth a word, or None if it was in vain."""
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
            return None
        return said


def _conclusion(
    host: Host, verdict: Verdict, change: _Change, *, view: FleetView
) -> Concluded | None:
    """Return what is to be kept of a verdict; None: nothing, it is heard, or its silence
    does not matter."""
    online = host.online if change.online is None else change.online
    liveness, look_seconds = verdict.liveness, verdict.look_seconds
    if liveness in _HEARD:
        heartbeat = view.heartbeats.get(host.id)
        if not online and heartbeat is not None and view.through is not None:
            # What is heard is not believed yet.
            look_seconds = view.through + heartbeat.period_seconds
        elif not _waits(host, verdict, view=view):
            return None
        liveness = Liveness.UNKNOWN
    if host.state not in WATCHED:
        liveness = Liveness.UNKNOWN
        if not online and verdict.liveness not in _HEARD:
            return None
    if liveness not in SILENT and look_seconds is None:
        return None
    return Concluded(liveness, look_seconds)


def _is_settled(host: Host, verdict: Verdict, *, view: FleetView) -> bool:
    """Return whether the host need not be looked at for being due: its silence has been
    taken note of. Where it is not due, it is looked at each time."""
    heartbeat = view.heartbeats.get(host.id)
    if heartbeat is None or heartbeat.heard_seconds is None or view.through is None:
        return True
    late = Allowance.of(heartbeat.period_seconds).late_seconds
    is_due = heartbeat.heard_seconds + late <= view.through
    return is_due or _waits(host, verdict, view=view)


def _waits(host: Host, verdict: Verdict, *, view: FleetView) -> bool:
    """Return whether the host's next word will move it, and its last is too old to."""
    if verdict.liveness is not Liveness.SUSPECT:
        return False
    live = replace(verdict, liveness=Liveness.LIVE)
    return _event(host, live, is_ready=host.id not in view.not_ready) is not None


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
    if change.online:
        condition.forget_silence(connection, host.id)
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
