# SPDX-License-Identifier: Apache-2.0
"""Whether what is on a host is what would be put on it now."""

from dataclasses import replace

from hummingbird.domain.host import HostView, view
from tests.fakes.world import World


def seen(world: World) -> HostView:
    return view(world.host("edge-0"))


def test_a_host_is_out_of_date_once_the_settings_are_others(world: World) -> None:
    assert world.driver.run_once("plan").outcome.looked_at == 0
    world.unlock("edge-0")
    world.settle()
    world.driver.run_once("plan")
    fresh = seen(world)
    assert fresh.config_status is None
    assert fresh.config_applied is not None
    assert fresh.config_applied == fresh.config_target
    generation = world.host("edge-0").generation

    world.settings = replace(world.settings, sandbox_image="registry.k8s.io/pause:4")
    report = world.driver.run_once("plan")
    assert report.outcome.changed == ("what would be put on 1 hosts has changed",)
    old = seen(world)
    assert old.config_status == "Config out-of-date"
    assert old.config_applied == fresh.config_applied != old.config_target
    assert world.driver.run_once("plan").outcome.changed == ()
    assert world.host("edge-0").generation == generation

    world.settings = replace(world.settings, sandbox_image=SANDBOX)
    world.driver.run_once("plan")
    assert seen(world) == fresh


SANDBOX = "registry.k8s.io/pause:3.10.2"


def test_provisioning_again_brings_a_host_up_to_date(world: World) -> None:
    world.unlock("edge-0")
    world.settle()
    world.settings = replace(world.settings, release="2")
    world.driver.run_once("plan")
    assert seen(world).config_status == "Config out-of-date"
    world.lock("edge-0")
    world.settle()
    world.unlock("edge-0")
    world.settle()
    world.driver.run_once("plan")
    assert seen(world).config_status is None


def test_kubernetes_away_changes_nothing(world: World) -> None:
    world.unlock("edge-0")
    world.settle()
    before = seen(world)
    world.cluster.away = True
    assert world.driver.run_once("plan").outcome.failed
    assert seen(world) == before
