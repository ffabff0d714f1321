# SPDX-License-Identifier: Apache-2.0
"""Who looks only at what wants attention concludes what a look at every host does, and a
fleet that does not change costs the same however large it is."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from hummingbird.db.repository import heartbeat
from hummingbird.db.repository import host as hosts
from hummingbird.db.session import Database
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import HostState
from tests.explain import Watched
from tests.fakes.fleet import Fleet


@pytest.fixture
def fleet(database: Database) -> Iterator[Fleet]:
    yield Fleet(database)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("listening_seconds", [1.0, 25.0, 7200.0])
def test_attention_misses_nothing(
    fleet: Fleet, seed: int, listening_seconds: float
) -> None:
    fleet.chance.seed(seed)
    liveness, alarm = fleet.liveness(), fleet.alarms()
    liveness.reconcile()
    alarm.reconcile()
    fleet.clock.advance(listening_seconds)
    fleet.listen()
    with fleet.database.writer() as connection:
        for _ in range(60):
            fleet.add_any(connection)
    # Alarms last: they follow the states. Twice, for those that passed through one.
    for _ in range(2):
        liveness.reconcile()
        alarm.reconcile()
    seen = fleet.state()
    # These two are new, and so look at everything.
    everywhere = (fleet.liveness().reconcile(), fleet.alarms().reconcile())
    assert [outcome.changed for outcome in everywhere] == [(), ()]
    found, standing = fleet.state()
    assert standing == seen[1]
    assert [_settled(host) for host in found] == [_settled(host) for host in seen[0]]


def _settled(host: Host) -> Host:
    # Nobody waits for these: they are taken over now and then.
    return replace(host, boot_id=None, uptime_seconds=0)


def test_a_fleet_that_does_not_change_costs_the_same_however_large(
    fleet: Fleet,
) -> None:
    liveness, alarm, recovery = fleet.liveness(), fleet.alarms(), fleet.recovery()
    watched, counts = Watched(fleet.database), []
    for size in (5, 100):
        with fleet.database.writer() as connection:
            for _ in range(size):
                fleet.add(connection, HostState.ENABLED)
                fleet.add(connection, HostState.LOCKED)
                fleet.add(connection, HostState.LOST, silence=1e5)
                fleet.add(connection, HostState.DEGRADED, silence=1500.0)
                fleet.add(connection, HostState.LOCKED, silence=1e5)
        fleet.clock.advance(11.0)
        fleet.listen()
        for _ in range(5):
            liveness.reconcile()
            alarm.reconcile()
            recovery.reconcile()
        with watched.watching():
            outcomes = liveness.reconcile(), alarm.reconcile(), recovery.reconcile()
        assert [(one.looked_at, one.changed) for one in outcomes] == [(0, ())] * 3
        assert watched.walks == []
        counts.append(len(watched.statements))
    assert counts[0] == counts[1]


def test_a_reboot_that_was_no_silence_is_noted_before_long(fleet: Fleet) -> None:
    with fleet.database.writer() as connection:
        host = fleet.add(connection, HostState.ENABLED)
    liveness = fleet.liveness()
    liveness.reconcile()
    boot_id = str(uuid4())
    with fleet.database.writer() as connection:
        beat = heartbeat.of_host(connection, host.id)
        assert beat is not None
        assert beat.heard_seconds is not None
        later = beat.heard_seconds + 1.0
        heartbeat.put(connection, [replace(beat, boot_id=boot_id, heard_seconds=later)])
    fleet.clock.advance(10.0)
    fleet.listen()
    liveness.reconcile()
    with fleet.database.reader() as connection:
        assert hosts.get(connection, host.id).boot_id == boot_id
