# SPDX-License-Identifier: Apache-2.0
"""The hub follows the tunnels: stories of keys that come, change and die."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from hummingbird.adapters.netlink.hub import HubPlan
from hummingbird.db.repository import heartbeat
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import tunnel as tunnel_repository
from hummingbird.domain.emn import Attachment
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.run import RunKind
from hummingbird.domain.tunnel import Tunnel, TunnelState, narrow_ways, state
from hummingbird.domain.wireguard import Peer, SeenPeer
from hummingbird.keypair import make_wireguard_key, wireguard_public_key
from hummingbird.reconcilers.machine.tunnel import Rotation, TunnelReconciler
from hummingbird.secretbox import SecretBox
from tests.explain import Watched
from tests.fakes.hub import FakeHub
from tests.fakes.wireguard import FakeWireGuard
from tests.fakes.world import World

BOX = SecretBox(Fernet.generate_key())

PLAN = HubPlan(
    interface="hub0",
    address="100.126.0.1",
    overlay="100.126.0.0/16",
    port=51820,
    mtu=1420,
)


class Site:
    """A hub, its reconciler, and the tunnel of host edge-0."""

    def __init__(self, world: World) -> None:
        self.world, self.hub = world, FakeHub()
        self.private_key, self.public_key = make_wireguard_key()
        self.reconciler = self.make()

    def make(self, rotation: Rotation | None = None) -> TunnelReconciler:
        return TunnelReconciler(
            self.world.database,
            clock=self.world.clock,
            box=BOX,
            hub=self.hub,
            plan=PLAN,
            period_seconds=30.0,
            controller="controller-0",
            rotation=rotation,
        )

    def begin(self) -> Tunnel:
        """Give edge-0 a tunnel, and the hub a key."""
        now = self.world.clock.now()
        with self.world.database.writer() as connection:
            tunnel_repository.keep_hub(
                connection,
                private_key=self.private_key,
                public_key=self.public_key,
                box=BOX,
                now=now,
            )
            host = host_repository.find(connection, "edge-0")
            return tunnel_repository.create(
                connection, host_id=host.id, overlay=PLAN.overlay, now=now
            )

    def change(self, **values: object) -> Tunnel:
        with self.world.database.writer() as connection:
            return tunnel_repository.change(connection, self.tunnel, **values)

    def hear(self, key: str, *, endpoint: str = "203.0.113.9:40000") -> None:
        self.interface.shake_hands(key, at=self.world.clock.now(), endpoint=endpoint)

    @property
    def tunnel(self) -> Tunnel:
        with self.world.database.reader() as connection:
            (only,) = tunnel_repository.list_all(connection)
        return only

    @property
    def state(self) -> TunnelState:
        return state(self.tunnel, now=self.world.clock.now())

    @property
    def interface(self) -> FakeWireGuard:
        return self.hub.interfaces["hub0"]

    def peers(self) -> dict[str, tuple[str, ...]]:
        return {key: one.addresses for key, one in self.interface.look().peers.items()}


@pytest.fixture
def site(world: World) -> Site:
    return Site(world)


def test_without_a_tunnel_there_is_no_hub(site: Site) -> None:
    assert site.reconciler.reconcile().looked_at == 0
    assert site.hub.interfaces == {}


def test_a_script_that_was_given_out_opens_the_way_until_its_time_is_over(
    site: Site,
) -> None:
    tunnel = site.begin()
    assert (tunnel.address, site.state) == ("100.126.0.2", TunnelState.NEW)
    _, claim = make_wireguard_key()
    now = site.world.clock.now()
    site.change(claim_key=claim, claim_until=now + timedelta(seconds=30))
    assert site.state is TunnelState.CLAIMABLE

    site.reconciler.reconcile()
    assert site.interface.look().public_key == site.public_key
    assert site.peers() == {claim: ("100.126.0.2/32",)}

    site.world.clock.advance(31)
    assert site.state is TunnelState.NEW
    (said,) = site.reconciler.reconcile().changed
    assert "removed" in said
    assert site.peers() == {}


def test_the_hosts_own_key_takes_over_when_it_is_heard(site: Site) -> None:
    site.begin()
    _, claim = make_wireguard_key()
    _, own = make_wireguard_key()
    until = site.world.clock.now() + timedelta(hours=1)
    site.change(claim_key=claim, claim_until=until, next_key=own)
    site.reconciler.reconcile()
    assert site.peers() == {claim: ("100.126.0.2/32",), own: ()}

    site.hear(claim)
    site.reconciler.reconcile()
    assert site.peers() == {claim: ("100.126.0.2/32",), own: ()}, "not heard yet"
    assert site.state is TunnelState.UP

    site.hear(own, endpoint="203.0.113.9:40001")
    site.reconciler.reconcile()
    assert site.peers() == {own: ("100.126.0.2/32",)}
    tunnel = site.tunnel
    assert (tunnel.public_key, tunnel.next_key, tunnel.claim_key) == (own, None, None)
    assert tunnel.rotated_at == site.world.clock.now()
    assert not site.reconciler.reconcile().changed


def test_what_was_heard_is_remembered_and_gets_old(site: Site) -> None:
    site.begin()
    _, own = make_wireguard_key()
    site.change(public_key=own)
    site.reconciler.reconcile()
    assert site.state is TunnelState.CONNECTING
    site.hear(own)
    site.reconciler.reconcile()
    assert (site.state, site.tunnel.endpoint) == (TunnelState.UP, "203.0.113.9:40000")
    site.world.clock.advance(181)
    assert site.state is TunnelState.DOWN


def test_a_retired_hosts_key_and_a_strangers_die_in_one_look(site: Site) -> None:
    site.begin()
    _, own = make_wireguard_key()
    _, stranger = make_wireguard_key()
    site.change(public_key=own)
    site.reconciler.reconcile()
    site.interface.change([Peer(public_key=stranger, addresses=("100.126.0.9/32",))])
    (said,) = site.reconciler.reconcile().changed
    assert said == f"peer {stranger[:8]}… removed: no tunnel has it"

    with site.world.database.writer() as connection:
        tunnel_repository.remove(connection, site.tunnel)
    site.reconciler.reconcile()
    assert site.peers() == {}


def test_a_hub_that_lost_everything_gets_it_back(site: Site) -> None:
    site.begin()
    _, own = make_wireguard_key()
    site.change(public_key=own)
    site.reconciler.reconcile()
    site.hub.interfaces.clear()
    site.reconciler.reconcile()
    assert site.interface.look().public_key == wireguard_public_key(site.private_key)
    assert site.peers() == {own: ("100.126.0.2/32",)}


def test_nobody_else_is_touched(site: Site) -> None:
    site.begin()
    _, own = make_wireguard_key()
    site.change(public_key=own)
    site.world.add("edge-1", "192.168.204.102")
    with site.world.database.writer() as connection:
        host = host_repository.find(connection, "edge-1")
        second = tunnel_repository.create(
            connection,
            host_id=host.id,
            overlay=PLAN.overlay,
            now=site.world.clock.now(),
        )
    assert second.address == "100.126.0.3"
    site.reconciler.reconcile()
    site.interface.touched.clear()
    _, other = make_wireguard_key()
    with site.world.database.writer() as connection:
        tunnel_repository.change(connection, second, public_key=other)
    site.reconciler.reconcile()
    assert site.interface.touched == [other]


def test_a_hub_that_cannot_be_made_is_said_and_nothing_is_lost(site: Site) -> None:
    site.begin()
    site.hub.broken = "no TUN device"
    (failed,) = site.reconciler.reconcile().failed
    assert "no TUN device" in failed
    site.hub.broken = None
    assert not site.reconciler.reconcile().failed


def test_a_claim_takes_nothing_from_a_host_before_it_is_heard(site: Site) -> None:
    site.begin()
    _, own = make_wireguard_key()
    _, claim = make_wireguard_key()
    until = site.world.clock.now() + timedelta(hours=1)
    site.change(public_key=own, claim_key=claim, claim_until=until)
    site.reconciler.reconcile()
    assert site.peers() == {own: ("100.126.0.2/32",), claim: ()}

    site.hear(claim)
    said = site.reconciler.reconcile().changed
    assert "100.126.0.2 came anew by its claim" in said
    assert site.peers() == {claim: ("100.126.0.2/32",)}
    assert site.tunnel.public_key is None


def test_old_keys_are_changed_by_runs_and_not_twice(site: Site) -> None:
    site.begin()
    _, own = make_wireguard_key()
    site.change(public_key=own, rotated_at=site.world.clock.now())
    nudged: list[str] = []
    site.reconciler = site.make(
        rotation=Rotation(days=30, nudge_runs=lambda: nudged.append("run"))
    )
    site.reconciler.reconcile()
    site.hear(own)
    site.reconciler.reconcile()
    assert not nudged, "it is not old yet"

    site.change(rotated_at=site.world.clock.now() - timedelta(days=30))
    site.world.clock.advance(181)
    site.reconciler.reconcile()
    assert not nudged, "whom nobody hears is not asked"
    site.hear(own)
    assert "edge-0: its key is to be changed" in site.reconciler.reconcile().changed
    run = site.world.run("edge-0")
    assert (run.kind, run.requested_by) == (RunKind.ROTATE, "hummingbird")
    assert nudged == ["run"]
    site.reconciler.reconcile()
    assert site.world.run("edge-0").id == run.id


def test_a_look_at_what_has_not_changed_reads_no_tunnel(site: Site) -> None:
    site.begin()
    _, own = make_wireguard_key()
    site.change(public_key=own)
    site.reconciler.reconcile()
    watched = Watched(site.world.database)
    with watched.watching():
        assert site.reconciler.reconcile().looked_at == 1
    assert not [one for one in watched.statements if "public_key" in one], watched
    site.hear(own)
    site.reconciler.reconcile()
    with watched.watching():
        site.reconciler.reconcile()
    assert not [one for one in watched.statements if "UPDATE" in one], "it is told once"


def test_a_tunnel_that_goes_with_its_host_is_missed(site: Site) -> None:
    """Nobody tells the hub: the database removes it."""
    site.begin()
    _, own = make_wireguard_key()
    site.change(public_key=own)
    site.reconciler.reconcile()
    assert site.peers() == {own: ("100.126.0.2/32",)}
    with site.world.database.writer() as connection:
        host = host_repository.find(connection, "edge-0")
        host_repository.remove(connection, host.id)
    site.reconciler.reconcile()
    assert site.peers() == {}


def test_what_another_hub_has_heard_later_stands(site: Site) -> None:
    tunnel = site.begin()
    _, own = make_wireguard_key()
    site.change(public_key=own)
    site.reconciler.reconcile()
    site.hear(own)
    sooner = site.world.clock.now()
    later = sooner + timedelta(seconds=60)
    elsewhere = SeenPeer(
        public_key=own,
        addresses=(),
        endpoint="198.51.100.1:1",
        handshake_at=later,
        received_bytes=7,
        sent_bytes=7,
    )
    with site.world.database.writer() as connection:
        tunnel_repository.put_seen(
            connection, {tunnel.id: elsewhere}, controller="controller-1"
        )
    site.reconciler.reconcile()
    assert (site.tunnel.handshake_at, site.tunnel.controller) == (later, "controller-1")
    site.world.clock.advance(120)
    site.hear(own)
    site.reconciler.reconcile()
    assert site.tunnel.controller == "controller-0"


def test_what_a_host_has_found_to_fit_is_what_the_hub_sends_it(site: Site) -> None:
    """TCP's two ends agree by themselves; all else has to be told."""
    world = site.world
    world.add_network("kiosks", "10.30.0.0/24", attachment=Attachment.WIREGUARD)
    world.add("kiosk-7", "10.30.0.11")
    site.begin()
    host, now = world.host("kiosk-7"), world.clock.now()
    word = Heartbeat(
        host_id=host.id,
        last_heard_at=now,
        period_seconds=10.0,
        boot_id="b",
        uptime_seconds=1,
        beats=1,
        path_mtu=1240,
    )
    with world.database.writer() as connection:
        tunnel = tunnel_repository.create(
            connection, host_id=host.id, overlay=PLAN.overlay, now=now
        )
        heartbeat.put(connection, [word])
    said = site.reconciler.reconcile().changed
    assert f"packets to {tunnel.address} are of 1240 bytes at most" in said
    assert site.hub.narrow_ways == {tunnel.address: 1240}
    assert site.reconciler.reconcile().changed == ()
    with world.database.writer() as connection:
        later = replace(word, last_heard_at=now + timedelta(seconds=9), path_mtu=1420)
        heartbeat.put(connection, [later])
    site.reconciler.reconcile()
    assert site.hub.narrow_ways == {}


def test_what_a_vxlan_takes_is_below_what_its_host_says() -> None:
    found = narrow_ways(
        [("100.126.0.2", 1190, True), ("100.126.0.3", 1370, True)], most=1420
    )
    assert found == {"100.126.0.2": 1240}, "the other's tunnel is as wide as the hub's"
