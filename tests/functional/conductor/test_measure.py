# SPDX-License-Identifier: Apache-2.0
"""What Prometheus reads is what is so."""

import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from hummingbird.adapters.prometheus.listener import MetricsListener
from hummingbird.clock import SystemClock
from hummingbird.conductor.measure import Measures
from hummingbird.db.repository import heartbeat
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import tunnel as tunnels
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.wireguard import SeenPeer
from hummingbird.errors import DatabaseUnavailable
from tests.fakes.world import World

REPORT = {"name": "alarm", "failed": ["x"], "changed": [], "took_seconds": 0.25}


def scrape(listener: MetricsListener) -> dict[str, float]:
    url = f"http://127.0.0.1:{listener.port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    return {name: float(value) for name, value in (one.rsplit(" ", 1) for one in lines)}


@pytest.fixture
def measures(world: World) -> Measures:
    return Measures(
        world.database, clock=world.clock, reports=lambda: [REPORT], per_host=1
    )


@pytest.fixture
def listener(measures: Measures) -> Iterator[MetricsListener]:
    made = MetricsListener(
        measures.families, bind="127.0.0.1", port=0, clock=SystemClock()
    )
    made.start()
    yield made
    made.stop()


def test_hosts_alarms_runs_and_reconcilers_are_counted(
    world: World, listener: MetricsListener
) -> None:
    world.unlock("edge-0")
    world.settle()
    world.add("edge-1", "192.168.204.102")
    world.live(12)
    world.power_off("edge-0")
    world.live(40)
    seen = scrape(listener)
    assert seen['hummingbird_hosts{state="lost"}'] == 1
    assert seen['hummingbird_hosts{state="added"}'] == 1
    assert seen['hummingbird_hosts{state="enabled"}'] == 0
    assert seen['hummingbird_alarms{severity="critical"}'] == 1
    assert seen['hummingbird_runs{kind="unlock",state="succeeded"}'] == 1
    assert seen["hummingbird_heartbeats_total"] >= 2
    assert seen['hummingbird_heartbeat_age_seconds{host="edge-0"}'] > 30
    assert seen['hummingbird_reconciler_failed{reconciler="alarm"}'] == 1
    assert seen['hummingbird_reconciler_seconds{reconciler="alarm"}'] == 0.25
    assert seen["hummingbird_scrape_failed"] == 0


def test_a_tunnel_is_measured_as_the_hub_saw_it(
    world: World, listener: MetricsListener
) -> None:
    now = world.clock.now()
    with world.database.writer() as connection:
        host = hosts.find(connection, "edge-0")
        tunnel = tunnels.create(
            connection, host_id=host.id, overlay="100.126.0.0/16", now=now
        )
        peer = SeenPeer(
            public_key="y" * 42 + "8=",
            addresses=(),
            endpoint="198.51.100.20:4711",
            handshake_at=now,
            received_bytes=1000,
            sent_bytes=2000,
        )
        tunnels.put_seen(connection, {tunnel.id: peer}, controller="controller-0")
    seen = scrape(listener)
    assert seen['hummingbird_tunnel_up{host="edge-0"}'] == 1
    assert seen['hummingbird_tunnel_received_bytes_total{host="edge-0"}'] == 1000
    assert seen['hummingbird_tunnel_sent_bytes_total{host="edge-0"}'] == 2000
    world.clock.advance(200)
    seen = scrape(listener)
    assert seen['hummingbird_tunnel_up{host="edge-0"}'] == 0
    assert seen['hummingbird_tunnel_handshake_age_seconds{host="edge-0"}'] >= 200


def test_a_path_is_measured_as_the_host_did(
    world: World, listener: MetricsListener
) -> None:
    now = world.clock.now()
    with world.database.writer() as connection:
        host = hosts.find(connection, "edge-0")
        beat = Heartbeat(
            host_id=host.id,
            last_heard_at=now,
            period_seconds=10.0,
            boot_id="b",
            uptime_seconds=1,
            beats=1,
        )
        heartbeat.put(connection, [beat])
    assert not [name for name in scrape(listener) if "hummingbird_path_" in name]
    with world.database.writer() as connection:
        later = now + timedelta(seconds=10)
        told = replace(
            beat,
            last_heard_at=later,
            rtt_seconds=0.125,
            sent=80,
            lost=4,
            path_mtu=1240,
        )
        heartbeat.put(connection, [told])
    seen = scrape(listener)
    assert seen['hummingbird_path_rtt_seconds{host="edge-0"}'] == 0.125
    assert seen['hummingbird_path_loss_ratio{host="edge-0"}'] == 0.05
    assert seen['hummingbird_path_mtu_bytes{host="edge-0"}'] == 1240


def test_single_hosts_are_named_up_to_the_limit(
    world: World, listener: MetricsListener
) -> None:
    world.unlock("edge-0")
    world.settle()
    world.in_service("edge-1", "192.168.204.102")
    ages = [name for name in scrape(listener) if "heartbeat_age" in name]
    assert ages == ['hummingbird_heartbeat_age_seconds{host="edge-0"}']


def test_a_database_that_is_away_is_said() -> None:
    def away() -> list[object]:
        raise DatabaseUnavailable(message="gone")

    listener = MetricsListener(
        away,  # type: ignore[arg-type]
        bind="127.0.0.1",
        port=0,
        clock=SystemClock(),
    )
    listener.start()
    try:
        assert scrape(listener) == {"hummingbird_scrape_failed": 1}
    finally:
        listener.stop()
