# SPDX-License-Identifier: Apache-2.0
"""Liveness and alarms together: silence, our own deafness, dark sites, returns."""

from dataclasses import replace
from typing import Any

import pytest

from hummingbird.db.repository import alarm
from hummingbird.db.repository import host as hosts
from hummingbird.domain.host_state import HostState
from hummingbird.evaluation.fleet_view import FleetObserver, FleetView
from tests.fakes.world import World

LOST = "200.005 host=edge-0.network=Management"


@pytest.fixture(autouse=True)
def in_service(world: World) -> None:
    world.unlock("edge-0")
    world.settle()
    world.live(2)


def state(world: World, name: str = "edge-0") -> HostState:
    return world.host(name).state


def quiet(world: World, seconds: int) -> None:
    """Let time pass and look once at its end."""
    world.clock.advance(seconds)
    world.reconcile("liveness", "alarm")


def test_nothing_is_written_while_nothing_changes(world: World) -> None:
    before = world.host("edge-0")
    quiet(world, 11)
    report = world.driver.run_once("liveness")
    assert (report.outcome.looked_at, report.outcome.changed) == (0, ())
    assert world.host("edge-0") == before


def test_silence_is_late_then_lost_and_the_alarm_follows(world: World) -> None:
    world.power_off("edge-0")
    quiet(world, 22)
    assert (state(world), world.standing()) == (HostState.DEGRADED, {LOST: "major"})
    assert world.host("edge-0").online
    quiet(world, 10)
    assert (state(world), world.standing()) == (HostState.LOST, {LOST: "critical"})
    assert not world.host("edge-0").online


def test_a_return_clears_by_itself(world: World) -> None:
    world.power_off("edge-0")
    quiet(world, 40)
    world.power_on("edge-0")
    quiet(world, 11)
    assert (state(world), world.standing()) == (HostState.ENABLED, {})
    host = world.host("edge-0")
    assert host.online and host.boot_id == world.boxes["edge-0"].boot_id


def test_a_dead_gateway_raises_no_alarm(world: World) -> None:
    world.stop_gateway()
    quiet(world, 120)
    assert (state(world), world.standing()) == (HostState.ENABLED, {})


def test_an_older_look_does_not_undo_what_a_run_has_written_since(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It read that the host is online; then a run switched it off; then it writes the boot
    that it saw."""
    world.power_off("edge-0")
    world.power_on("edge-0")
    world.clock.advance(11)
    look = FleetObserver.look

    def look_and_be_late(self: FleetObserver, **arguments: Any) -> FleetView:
        view = look(self, **arguments)
        with world.database.writer() as connection:
            host = hosts.find(connection, "edge-0")
            hosts.change(
                connection,
                host,
                now=world.clock.now(),
                online=False,
                powered_off=True,
            )
        return view

    monkeypatch.setattr(FleetObserver, "look", look_and_be_late)
    world.reconcile("liveness")
    host = world.host("edge-0")
    assert host.boot_id == world.boxes["edge-0"].boot_id
    assert (host.online, host.powered_off) == (False, True)


def test_with_every_gateway_and_our_link_gone_what_was_concluded_stands(
    world: World,
) -> None:
    world.power_off("edge-0")
    quiet(world, 40)
    world.stop_gateway()
    world.links.set_up("mgmt0", False)
    link = "100.109 host=controller-0.interface=mgmt0"
    for _ in range(12):
        quiet(world, 10)
        world.reconcile("recovery")
    assert state(world) is HostState.LOST
    assert world.standing() == {LOST: "critical", link: "critical"}


def test_a_gateways_restart_neither_raises_nor_clears(world: World) -> None:
    world.power_off("edge-0")
    quiet(world, 40)
    assert world.standing() == {LOST: "critical"}
    world.stop_gateway()
    quiet(world, 60)
    world.start_gateway()
    for _ in range(35):
        quiet(world, 1)
        assert (state(world), world.standing()) == (HostState.LOST, {LOST: "critical"})
    told = [line for line in world.log() if line.startswith("200.005")]
    assert [line.split()[1] for line in told] == ["set"]


def test_our_own_link_down_is_one_alarm_and_nobodys_fault(world: World) -> None:
    world.links.set_up("mgmt0", False)
    world.boxes["edge-0"].is_connected = False
    quiet(world, 60)
    link = "100.109 host=controller-0.interface=mgmt0"
    assert (state(world), world.standing()) == (HostState.ENABLED, {link: "critical"})

    world.links.set_up("mgmt0", True)
    quiet(world, 1)
    assert (state(world), world.standing()) == (HostState.ENABLED, {})
    world.boxes["edge-0"].is_connected = True
    quiet(world, 25)
    assert (state(world), world.standing()) == (HostState.ENABLED, {})


def test_a_link_that_was_switched_off_takes_its_route_along(world: World) -> None:
    quiet(world, 1)
    world.links.set_up("mgmt0", False)
    world.links.drop_routes("mgmt0")
    world.boxes["edge-0"].is_connected = False
    quiet(world, 60)
    assert state(world) is HostState.ENABLED
    assert world.standing() == {"100.109 host=controller-0.interface=mgmt0": "critical"}


def test_a_detour_by_the_default_route_is_not_our_link(world: World) -> None:
    quiet(world, 1)
    world.links.set_up("mgmt0", False)
    world.links.drop_routes("mgmt0")
    world.links.add("wan0")
    world.links.add_route("0.0.0.0/0", link="wan0", source="198.51.100.2")
    world.boxes["edge-0"].is_connected = False
    quiet(world, 60)
    assert state(world) is HostState.ENABLED
    assert "100.109 host=controller-0.interface=mgmt0" in world.standing()


def test_a_dark_site_is_one_alarm_and_nobody_is_recovered(world: World) -> None:
    world.add_network("plant", "10.20.0.0/24")
    for number in range(3):
        world.in_service(f"plant-{number}", f"10.20.0.{11 + number}")
    world.live(3)
    for number in range(3):
        world.boxes[f"plant-{number}"].is_hung = True
    world.live(45)
    assert world.standing() == {"200.005 site=plant.network=Management": "critical"}
    assert {state(world, f"plant-{n}") for n in range(3)} == {HostState.LOST}
    assert not world.runs("plant-0", world.run("edge-0").kind.RECOVER)
    for number in range(3):
        world.boxes[f"plant-{number}"].is_hung = False
    world.live(12)
    assert not world.standing()
    assert {state(world, f"plant-{n}") for n in range(3)} == {HostState.ENABLED}


def test_a_locked_host_is_shown_online_or_offline_but_never_alarmed(
    world: World,
) -> None:
    world.lock("edge-0")
    world.settle()
    quiet(world, 11)
    assert world.host("edge-0").online
    world.power_off("edge-0")
    quiet(world, 60)
    assert not world.host("edge-0").online
    assert world.standing() == {"200.001 host=edge-0": "warning"}


def test_uptime_is_written_once_a_minute(world: World) -> None:
    written = set()
    for _ in range(130):
        quiet(world, 1)
        written.add(world.host("edge-0").uptime_seconds)
    assert 2 <= len(written) <= 4


def test_an_alarm_that_somebody_deleted_stands_again(world: World) -> None:
    world.power_off("edge-0")
    quiet(world, 40)
    with world.database.writer() as connection:
        key = ("200.005", LOST.split(" ", 1)[1])
        alarm.clear(connection, [key], now=world.clock.now())
    assert not world.standing()
    world.reconcile("alarm")
    assert world.standing() == {LOST: "critical"}


def test_more_patience_after_a_return_is_taken_where_it_is_asked_for(
    world: World,
) -> None:
    liveness = world.controllers[0].reconciler("liveness")
    liveness._observer = replace(liveness._observer, return_seconds=300.0)  # type: ignore[attr-defined]
    world.power_off("edge-0")
    world.stop_gateway()
    quiet(world, 60)
    world.start_gateway()
    quiet(world, 285)
    assert state(world) is HostState.ENABLED
    world.clock.advance(20)
    world.driver.run_once("liveness")
    assert state(world) is HostState.LOST
