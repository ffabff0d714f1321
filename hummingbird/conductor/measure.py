# SPDX-License-Identifier: Apache-2.0
"""What this deployment looks like in numbers, at one moment.

Labels: `state`, `kind`, `severity`, `type`, `status` and `reconciler` have a handful of
values each. `host` has one a host, and stands only at what is asked of single hosts, for the
first `per_host` of them (0: of none).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from hummingbird.clock import Clock
from hummingbird.db.repository import condition, measure
from hummingbird.db.session import Connection, Database
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.host_state import HostState
from hummingbird.domain.metric import Family, MetricKind, Sample
from hummingbird.domain.wireguard import STALE_HANDSHAKE_SECONDS

SEVERITIES: Final = ("critical", "major", "minor", "warning")


class Measures:
    """Counts on demand."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        reports: Callable[[], Sequence[Mapping[str, Any]]],
        per_host: int,
    ) -> None:
        """:param reports: the last report of each reconciler, as plain data."""
        self._database = database
        self._clock = clock
        self._reports = reports
        self._per_host = per_host

    def families(self) -> list[Family]:
        """Return what is so now.

        :raises DatabaseUnavailable: the database does not answer.
        """
        with self._database.snapshot() as connection:
            found = [*_fleet(connection), *self._hosts(connection)]
        return [*found, *_reconcilers(self._reports())]

    def _hosts(self, connection: Connection) -> Iterable[Family]:
        if not self._per_host:
            return
        now = self._clock.now()
        heard = measure.last_heard(connection, most=self._per_host)
        yield from _paths(heard, now=now)
        tunnels = measure.tunnels(connection, most=self._per_host)
        ages = {
            name: max(0.0, (now - at).total_seconds())
            for name, at, *_ in tunnels
            if at is not None
        }
        yield Family(
            name="hummingbird_tunnel_up",
            help="1: the last handshake of the host's tunnel still carries packets.",
            labels=("host",),
            samples=tuple(
                Sample(
                    float(name in ages and ages[name] <= STALE_HANDSHAKE_SECONDS),
                    {"host": name},
                )
                for name, *_ in tunnels
            ),
        )
        yield Family(
            name="hummingbird_tunnel_handshake_age_seconds",
            help="Age of the last handshake of the host's tunnel.",
            labels=("host",),
            samples=tuple(Sample(age, {"host": name}) for name, age in ages.items()),
        )
        for what, place in (("received", 2), ("sent", 3)):
            yield Family(
                name=f"hummingbird_tunnel_{what}_bytes",
                help=f"Bytes {what} through the host's tunnel, as the hub counts.",
                kind=MetricKind.COUNTER,
                labels=("host",),
                samples=tuple(
                    Sample(float(row[place]), {"host": row[0]})  # type: ignore[arg-type]
                    for row in tunnels
                ),
            )


def _paths(
    heard: Sequence[tuple[str, Heartbeat]], *, now: datetime
) -> Iterable[Family]:
    """What each host's heartbeats tell of its path."""

    def each(value: Callable[[Heartbeat], float | None]) -> tuple[Sample, ...]:
        return tuple(
            Sample(float(known), {"host": name})
            for name, beat in heard
            if (known := value(beat)) is not None
        )

    label = ("host",)
    yield Family(
        name="hummingbird_heartbeat_age_seconds",
        help="Since when a host was not heard.",
        labels=label,
        samples=each(lambda beat: max(0.0, (now - beat.last_heard_at).total_seconds())),
    )
    yield Family(
        name="hummingbird_path_rtt_seconds",
        help="From a heartbeat of the host to its answer there, smoothed.",
        labels=label,
        samples=each(lambda beat: beat.rtt_seconds),
    )
    yield Family(
        name="hummingbird_path_loss_ratio",
        help="Share of the host's last heartbeats that was lost, there or back; 0 to 1.",
        labels=label,
        samples=each(lambda beat: beat.loss),
    )
    yield Family(
        name="hummingbird_path_mtu_bytes",
        help="The largest packet that the host sends the gateway in one piece.",
        labels=label,
        samples=each(lambda beat: beat.path_mtu),
    )


def _fleet(connection: Connection) -> Iterable[Family]:
    states = measure.hosts_by_state(connection)
    yield Family(
        name="hummingbird_hosts",
        help="Hosts, by state (doc/states.md).",
        labels=("state",),
        samples=tuple(
            Sample(float(states.get(state.value, 0)), {"state": state.value})
            for state in HostState
        ),
    )
    yield Family(
        name="hummingbird_runs",
        help="Runs that are kept, by kind and state.",
        labels=("kind", "state"),
        samples=tuple(
            Sample(float(count), {"kind": kind, "state": state})
            for (kind, state), count in measure.runs_by_state(connection).items()
        ),
    )
    yield Family(
        name="hummingbird_host_conditions",
        help="Hosts of which a condition was seen, by type and status.",
        labels=("type", "status"),
        samples=tuple(
            Sample(float(count), {"type": kind, "status": status})
            for (kind, status), count in condition.count(connection).items()
        ),
    )
    alarms = measure.alarms_by_severity(connection)
    yield Family(
        name="hummingbird_alarms",
        help="Alarms that stand, by severity.",
        labels=("severity",),
        samples=tuple(
            Sample(float(alarms.get(one, 0)), {"severity": one}) for one in SEVERITIES
        ),
    )
    yield Family(
        name="hummingbird_heartbeats",
        help="Heartbeats heard of the hosts that there are.",
        kind=MetricKind.COUNTER,
        samples=(Sample(float(measure.beats(connection))),),
    )


def _reconcilers(reports: Sequence[Mapping[str, Any]]) -> Iterable[Family]:
    def each(value: Callable[[Mapping[str, Any]], float]) -> tuple[Sample, ...]:
        return tuple(
            Sample(value(one), {"reconciler": str(one["name"])}) for one in reports
        )

    label = ("reconciler",)
    yield Family(
        name="hummingbird_reconciler_failed",
        help="Things that the last look could not put right.",
        labels=label,
        samples=each(lambda one: float(len(one["failed"]))),
    )
    yield Family(
        name="hummingbird_reconciler_changed",
        help="Things that the last look put right.",
        labels=label,
        samples=each(lambda one: float(len(one["changed"]))),
    )
    yield Family(
        name="hummingbird_reconciler_seconds",
        help="How long the last look took.",
        labels=label,
        samples=each(lambda one: float(one["took_seconds"])),
    )
