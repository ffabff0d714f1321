# SPDX-License-Identifier: Apache-2.0
"""Hosts with tunnels: how the conductor gets in, opens the way, and changes keys."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hummingbird.db.repository import emn as emns
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import process
from hummingbird.db.repository import tunnel as tunnels
from hummingbird.domain.emn import Attachment
from hummingbird.domain.host_state import HostState
from hummingbird.domain.run import RunKind, RunState
from hummingbird.domain.tunnel import Tunnel
from hummingbird.keypair import make_wireguard_key
from tests.fakes.ansible_runner import Outcome
from tests.fakes.world import HUB_PLAN, World

HOST = "kiosk-7"
UNDERLAY, OVERLAY = "10.30.0.11", "100.126.0.2"
FIRST, SECOND, CLAIM = (make_wireguard_key()[1] for _ in range(3))


class Site:
    """A world with one host in a network attached by wireguard."""

    def __init__(self, world: World) -> None:
        self.world = world
        with world.database.writer() as connection:
            emns.create(
                connection,
                name="kiosks",
                cidr="10.30.0.0/24",
                attachment=Attachment.WIREGUARD,
                site=None,
                credential_id=None,
                now=world.clock.now(),
            )
        world.add(HOST, UNDERLAY)

    @property
    def tunnel(self) -> Tunnel:
        with self.world.database.reader() as connection:
            found = tunnels.of_host(connection, self.world.host(HOST).id)
        assert found is not None
        return found

    def claim(self) -> None:
        """Let a script be printed, and be run on the host."""
        now = self.world.clock.now()
        with self.world.database.writer() as connection:
            begun = tunnels.create(
                connection,
                host_id=self.world.host(HOST).id,
                overlay=HUB_PLAN.overlay,
                now=now,
            )
            tunnels.ensure_hub(connection, box=self.world.box_of_secrets, now=now)
            tunnels.change(
                connection,
                begun,
                claim_key=CLAIM,
                claim_until=now + timedelta(hours=1),
            )
        self.world.reconcile("tunnel")
        self.answer_inside()
        self.hear(CLAIM)

    def answer_inside(self) -> None:
        self.world.boxes[HOST] = replace(self.world.boxes[HOST], address=OVERLAY)

    def hear(self, key: str) -> None:
        self.world.hub.interfaces["hub0"].shake_hands(
            key, at=self.world.clock.now(), endpoint="198.51.100.20:40000"
        )

    def peers(self) -> dict[str, tuple[str, ...]]:
        seen = self.world.hub.interfaces["hub0"].look().peers
        return {key: peer.addresses for key, peer in seen.items()}

    def tell(self, *, offer: str) -> None:
        """Let the host offer this key, and be heard under it when it goes over."""
        self.world.runner.script(
            "tunnel",
            Outcome(facts={"tunnel_next_key": offer}),
            Outcome(on_success=lambda: self.hear(offer)),
        )


@pytest.fixture
def site(world: World) -> Site:
    return Site(world)


def test_a_host_that_answers_outside_gets_its_tunnel_pushed(site: Site) -> None:
    site.world.runner.script(
        "provision",
        Outcome(
            facts={"tunnel_public_key": FIRST}, on_success=lambda: site.answer_inside()
        ),
    )
    site.world.unlock(HOST)
    site.world.settle()
    assert site.world.host(HOST).state is HostState.ENABLED, site.world.run(HOST)
    pushed, provisioned = site.world.runner.calls
    assert (pushed.access.address, pushed.tags) == (UNDERLAY, ("tunnel",))
    assert (provisioned.access.address, provisioned.tags) == (OVERLAY, ())
    assert provisioned.access.known_hosts, "the pinned key is the host's, inside too"
    assert provisioned.variables["kubernetes_node_ip"] == OVERLAY
    settings = str(provisioned.variables["tunnel_settings"])
    assert f"ADDRESS={OVERLAY}\n" in settings
    assert "HUB_ENDPOINT=198.51.100.2:51820\n" in settings
    assert "NETWORKS='100.126.0.0/16 192.168.204.0/24'\n" in settings
    assert "\nMTU=1420\nFIND_MTU=yes\nHUB_ADDRESS=100.126.0.1\n" in settings
    assert "KEEPALIVE=0\n" in settings, "nothing needs it where we got in from outside"
    assert site.peers() == {FIRST: (f"{OVERLAY}/32",)}


def test_a_tunnel_comes_before_what_may_be_reached_through_it_only(site: Site) -> None:
    """A package archive, for one. What it needs comes along, or from where the host gets
    its packages by itself."""
    neighbours = site.world.neighbours
    options = replace(neighbours.hub_options, bundle="/srv/wireguard")
    object.__setattr__(neighbours, "hub_options", options)
    site.world.runner.script(
        "provision",
        Outcome(facts={"tunnel_public_key": ""}),
        Outcome(
            facts={"tunnel_public_key": FIRST}, on_success=lambda: site.answer_inside()
        ),
    )
    site.world.unlock(HOST)
    site.world.settle()
    assert site.world.host(HOST).state is HostState.ENABLED, site.world.run(HOST)
    alone, installed, provisioned = site.world.runner.calls
    assert alone.tags == ("tunnel",)
    assert alone.variables["tunnel_bundle"] == "/srv/wireguard"
    assert alone.variables["tunnel_may_install"] is False
    assert (installed.access.address, installed.tags) == (
        UNDERLAY,
        ("node_config", "tunnel"),
    )
    assert "tunnel_may_install" not in installed.variables
    assert (provisioned.access.address, provisioned.tags) == (OVERLAY, ())


def test_a_bundle_that_others_may_write_to_reaches_no_host(
    site: Site, tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    neighbours = site.world.neighbours
    options = replace(neighbours.hub_options, bundle=str(tmp_path))
    object.__setattr__(neighbours, "hub_options", options)
    site.world.unlock(HOST)
    site.world.settle()
    run = site.world.run(HOST)
    assert run.state is RunState.FAILED
    assert f"chmod go-w {tmp_path}" in str(run.error)
    assert not site.world.runner.calls


def test_a_host_that_came_by_its_claim_gets_its_own_key_by_itself(site: Site) -> None:
    site.claim()
    site.tell(offer=FIRST)
    site.world.reconcile("tunnel")
    run = site.world.run(HOST)
    assert (run.kind, run.requested_by) == (RunKind.ROTATE, "hummingbird")
    site.world.settle()
    assert site.world.run(HOST).state is RunState.SUCCEEDED, site.world.run(HOST)
    assert (site.tunnel.public_key, site.tunnel.claim_key) == (FIRST, None)
    assert site.peers() == {FIRST: (f"{OVERLAY}/32",)}
    host = site.world.host(HOST)
    assert host.state is HostState.ADDED
    assert host.touched and host.known_hosts, "deleting it takes the tunnel back"
    steps = [step for step, state in site.world.steps(run) if state == "done"]
    assert steps == ["connect", "offer", "switch"]


def test_an_unlock_right_after_the_claim_changes_the_key_first(site: Site) -> None:
    site.claim()
    site.tell(offer=FIRST)
    site.world.unlock(HOST)
    site.world.settle()
    assert site.world.host(HOST).state is HostState.ENABLED, site.world.run(HOST)
    assert site.tunnel.public_key == FIRST
    assert [call.playbook for call in site.world.runner.calls] == [
        "tunnel",
        "tunnel",
        "provision",
    ]
    assert {call.access.address for call in site.world.runner.calls} == {OVERLAY}


def test_a_host_that_nobody_reaches_says_what_to_do(site: Site) -> None:
    site.world.power_off(HOST)
    site.world.unlock(HOST)
    site.world.settle()
    run = site.world.run(HOST)
    assert run.error_code == "hummingbird.host.unreachable"
    assert f"host-bootstrap {HOST}" in str(run.error)


def test_a_key_is_changed_on_request_and_the_former_one_is_dead(site: Site) -> None:
    site.claim()
    site.tell(offer=FIRST)
    site.world.unlock(HOST)
    site.world.settle()
    site.tell(offer=SECOND)
    site.world.ask(HOST, RunKind.ROTATE, None)
    site.world.settle()
    assert site.world.run(HOST).state is RunState.SUCCEEDED, site.world.run(HOST)
    assert site.world.host(HOST).state is HostState.ENABLED
    assert site.peers() == {SECOND: (f"{OVERLAY}/32",)}


def test_a_key_that_is_never_heard_leaves_the_former_one(site: Site) -> None:
    site.claim()
    site.tell(offer=FIRST)
    site.world.unlock(HOST)
    site.world.settle()
    site.world.runner.script("tunnel", Outcome(facts={"tunnel_next_key": SECOND}))
    site.world.ask(HOST, RunKind.ROTATE, None)
    site.world.settle()
    run = site.world.run(HOST)
    assert run.error_code == "hummingbird.tunnel.key_refused"
    assert site.peers() == {FIRST: (f"{OVERLAY}/32",), SECOND: ()}
    site.hear(SECOND)
    site.world.reconcile("tunnel")
    assert site.peers() == {SECOND: (f"{OVERLAY}/32",)}, "late is not lost"


@pytest.mark.parametrize("offered", ["", "no key", "hub", "other"])
def test_what_a_host_says_is_its_key_is_looked_at(site: Site, offered: str) -> None:
    site.claim()
    site.world.add("kiosk-8", "10.30.0.12")
    with site.world.database.writer() as connection:
        now = site.world.clock.now()
        other = tunnels.create(
            connection,
            host_id=site.world.host("kiosk-8").id,
            overlay=HUB_PLAN.overlay,
            now=now,
        )
        tunnels.change(connection, other, public_key=SECOND)
        hub = tunnels.hub_public_key(connection)
    key = {"hub": str(hub), "other": SECOND}.get(offered, offered)
    site.world.runner.script("tunnel", Outcome(facts={"tunnel_next_key": key}))
    site.world.ask(HOST, RunKind.ROTATE, None)
    site.world.settle()
    run = site.world.run(HOST)
    assert run.state is RunState.FAILED
    assert str(run.error_code) in (
        "hummingbird.tunnel.public_key_invalid",
        "hummingbird.tunnel.key_taken",
    )
    assert site.tunnel.next_key is None


def test_a_retired_hosts_key_is_dead_with_it(site: Site) -> None:
    site.claim()
    site.tell(offer=FIRST)
    site.world.unlock(HOST)
    site.world.settle()
    site.world.lock(HOST)
    site.world.settle()
    site.world.delete(HOST)
    site.world.settle()
    assert site.world.runner.calls[-1].access.address == OVERLAY
    site.world.reconcile("tunnel")
    assert site.peers() == {}


def test_a_host_keeps_its_address_inside_whatever_its_own_becomes(site: Site) -> None:
    site.claim()
    site.tell(offer=FIRST)
    site.world.unlock(HOST)
    site.world.settle()
    with site.world.database.writer() as connection:
        host = hosts.find(connection, HOST)
        hosts.change(connection, host, now=site.world.clock.now(), mgmt_ip="10.30.0.99")
    site.world.lock(HOST)
    site.world.settle()
    site.world.unlock(HOST)
    site.world.settle()
    assert site.world.host(HOST).state is HostState.ENABLED
    assert site.tunnel.address == OVERLAY
    assert "provision" not in [c.playbook for c in site.world.runner.calls[3:]]


def test_a_direct_host_has_no_tunnel(world: World) -> None:
    world.unlock("edge-0")
    world.settle()
    assert world.runner.calls[0].variables["tunnel_settings"] == ""
    with world.database.reader() as connection:
        assert tunnels.list_all(connection) == []
        assert tunnels.hub_public_key(connection) is None


def test_a_key_that_is_never_asked_for_is_refused(site: Site) -> None:
    site.world.ask(HOST, RunKind.ROTATE, None)
    site.world.settle()
    assert site.world.run(HOST).error_code == "hummingbird.tunnel.missing"


def test_a_host_that_another_controller_hears_is_left_to_it(site: Site) -> None:
    site.claim()
    site.tell(offer=FIRST)
    site.world.unlock(HOST)
    site.world.settle()
    now = site.world.clock.now()
    with site.world.database.writer() as connection:
        tunnels.change(
            connection, site.tunnel, controller="controller-1", handshake_at=now
        )
        process.register(
            connection,
            name="controller-1.conductor",
            kind="conductor",
            incarnation="other",
            now=now,
        )
    site.tell(offer=SECOND)
    site.world.ask(HOST, RunKind.ROTATE, None)
    site.world.settle()
    assert site.world.run(HOST).state is RunState.QUEUED
    site.world.clock.advance(site.world.patience.lease + 1)
    site.world.settle()
    assert site.world.run(HOST).state is RunState.SUCCEEDED, "the other one has died"
