# SPDX-License-Identifier: Apache-2.0
"""A trace that was asked for says where the path to the host ends."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from hummingbird.adapters.ansible.playbook import PlaybookEvent, PlaybookResult
from hummingbird.conductor.trace import TraceParts, TraceReconciler
from hummingbird.db.model import CREDENTIAL
from hummingbird.db.repository import heartbeat
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import trace as traces
from hummingbird.db.repository import tunnel as tunnels
from hummingbird.domain.emn import Attachment
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.trace import Ssh
from hummingbird.domain.wireguard import SeenPeer
from hummingbird.keypair import make_wireguard_key
from tests.fakes.path import FakePath
from tests.fakes.world import World

ADDRESS = "192.168.204.101"
KEY = "ssh-ed25519 AAAA"


class Host:
    """What a login finds."""

    def __init__(self) -> None:
        self.refuses: str | None = None
        self.reaches = "yes yes"
        self.asked: list[Any] = []
        self.held_to: list[str | None] = []
        self.shows: str | None = None
        self.meanwhile: Callable[[], None] = lambda: None

    def run(
        self, playbook: str, *, variables: Mapping[str, object], **rest: Any
    ) -> PlaybookResult:
        assert playbook == "trace"
        self.asked.append(variables["trace_targets"])
        self.held_to.append(rest["access"].known_hosts)
        self.meanwhile()
        if self.refuses is not None:
            return PlaybookResult(status="unreachable", message=self.refuses)
        rest["on_event"](
            PlaybookEvent(
                step="trace",
                task="Tell what it reaches",
                status="ok",
                message=self.reaches,
            )
        )
        return PlaybookResult(status="successful", ok=1, known_hosts=self.shows)


class Tracer:
    """A controller that looks, and host edge-0, of whom all is well."""

    def __init__(self, world: World) -> None:
        self.world, self.path, self.host = world, FakePath(), Host()
        self.use(self.path)
        self.path.fits[ADDRESS] = 1500
        self.path.servers[ADDRESS] = Ssh.ANSWERS
        self.path.keys[ADDRESS] = (KEY,)

    def use(self, path: FakePath, **seconds: float) -> None:
        world = self.world
        self.reconciler = TraceReconciler(
            world.database,
            clock=world.clock,
            box=world.box_of_secrets,
            parts=TraceParts(
                path=path,
                links=world.links,
                runner=self.host,
                cluster=world.cluster,
                gateways=lambda: ("[fd00:204::2]:2131",),
                hubs=("203.0.113.5:51820",),
                period_seconds=10.0,
            ),
            **seconds,
        )

    def change(self, name: str = "edge-0", **values: Any) -> None:
        with self.world.database.writer() as connection:
            host = hosts.find(connection, name)
            hosts.change(connection, host, now=self.world.clock.now(), **values)

    def trace(self, name: str = "edge-0") -> Mapping[str, Any]:
        host_id = self.world.host(name).id
        with self.world.database.writer() as connection:
            traces.ask(connection, host_id, now=self.world.clock.now())
        self.reconciler.reconcile()
        with self.world.database.reader() as connection:
            found = traces.of_host(connection, host_id)
        assert found is not None and found.done_at is not None
        return found.body


@pytest.fixture
def tracer(world: World) -> Tracer:
    return Tracer(world)


def test_all_is_well(tracer: Tracer) -> None:
    tracer.change(known_hosts=f"{ADDRESS} {KEY}\n")
    found = tracer.trace()
    assert found["finding"] == "reached", found
    assert [step["name"] for step in found["steps"]] == [
        "link",
        "answer",
        "mtu",
        "ssh",
        "host key",
        "login",
        "from the host",
        "from the host",
    ]
    assert tracer.host.asked[0][1] == {"host": "fd00:204::2", "port": 2131}
    assert tracer.reconciler.reconcile().looked_at == 0, "it was answered already"


def test_a_login_by_password_waits_for_a_pinned_key(tracer: Tracer) -> None:
    world = tracer.world
    with world.database.writer() as connection:
        sealed = world.box_of_secrets.seal("secret")
        connection.execute(CREDENTIAL.update().values(password_sealed=sealed))
    found = tracer.trace()
    assert found["finding"] == "key_not_pinned"
    assert "--host-key" in found["repair"] and "ssh-keyscan" in found["repair"]
    assert tracer.host.asked == []
    tracer.change(known_hosts=f"{ADDRESS} {KEY}\n")
    assert tracer.trace()["finding"] == "reached"


def test_the_first_contact_of_a_trace_is_pinned(tracer: Tracer) -> None:
    tracer.host.shows = f"edge {KEY}\n"
    assert tracer.trace()["finding"] == "reached"
    assert tracer.world.host("edge-0").known_hosts == f"edge {KEY}\n"
    tracer.path.keys[ADDRESS] = ("ssh-ed25519 BBBB",)
    found = tracer.trace()
    assert found["finding"] == "host_key_changed"
    assert "--host-key" in found["repair"]
    assert tracer.host.held_to == [None], "who shows another key is not logged in to"


def test_of_two_first_contacts_the_first_pin_stands(tracer: Tracer) -> None:
    tracer.host.shows = "edge ssh-ed25519 BBBB\n"
    tracer.host.meanwhile = lambda: tracer.change(known_hosts=f"edge-0 {KEY}\n")
    assert tracer.trace()["finding"] == "host_key_changed"
    assert tracer.world.host("edge-0").known_hosts == f"edge-0 {KEY}\n"


def test_a_host_that_is_away_is_said_so_without_a_login(tracer: Tracer) -> None:
    tracer.path.fits.clear()
    tracer.path.servers.clear()
    assert tracer.trace()["finding"] == "host_silent"
    assert tracer.host.asked == []


def test_packets_that_vanish_are_measured(tracer: Tracer) -> None:
    tracer.path.fits[ADDRESS] = 1444
    found = tracer.trace()
    assert found["finding"] == "mtu_black_hole"
    assert "--mtu 1420" in found["repair"]
    assert tracer.host.asked == [], "a login would hang"


def test_a_way_that_says_what_it_carries_is_no_black_hole(tracer: Tracer) -> None:
    """The router's word is in the kernel from then on (here: in the fake)."""

    class Told(FakePath):
        def ping(self, address: str, *, size: int | None = None) -> bool:
            if size is not None and size > 1444:
                tracer.world.links.set_mtu("mgmt0", 1444)
            return super().ping(address, size=size)

    told = Told()
    told.fits, told.servers, told.keys = {ADDRESS: 1444}, tracer.path.servers, {}
    tracer.use(told)
    found = tracer.trace()
    assert found["finding"] == "reached"
    assert "1444 of 1444 bytes fit" in [step["detail"] for step in found["steps"]]


def test_what_a_host_has_found_for_its_tunnel_is_no_black_hole(tracer: Tracer) -> None:
    """It keeps to it, and has TCP's other end keep to it."""
    world, inside = tracer.world, "100.126.0.2"
    world.add_network("kiosks", "10.30.0.0/24", attachment=Attachment.WIREGUARD)
    world.add("kiosk-7", "10.30.0.11")
    host, now = world.host("kiosk-7"), world.clock.now()
    key = make_wireguard_key()[1]
    with world.database.writer() as connection:
        tunnel = tunnels.create(
            connection, host_id=host.id, overlay="100.126.0.0/16", now=now
        )
        tunnels.change(connection, tunnel, public_key=key)
        seen = SeenPeer(
            public_key=key,
            addresses=(),
            endpoint="198.51.100.1:1",
            handshake_at=now,
            received_bytes=0,
            sent_bytes=0,
        )
        tunnels.put_seen(connection, {tunnel.id: seen}, controller="controller-0")
        word = Heartbeat(
            host_id=host.id,
            last_heard_at=now,
            period_seconds=10.0,
            boot_id="b",
            uptime_seconds=1,
            beats=1,
        )
        heartbeat.put(connection, [word])
    tracer.path.fits[inside] = 1240
    tracer.path.servers[inside] = Ssh.ANSWERS
    tracer.path.keys[inside] = (KEY,)
    assert tracer.trace("kiosk-7")["finding"] == "mtu_black_hole"
    world.clock.advance(1)
    with world.database.writer() as connection:
        later = replace(word, last_heard_at=world.clock.now(), path_mtu=1240)
        heartbeat.put(connection, [later])
    found = tracer.trace("kiosk-7")
    assert found["finding"] == "reached", found
    assert "1240 of 1240 bytes fit" in [step["detail"] for step in found["steps"]]


def test_another_key_ends_the_look_before_a_login(tracer: Tracer) -> None:
    tracer.change(known_hosts=f"{ADDRESS} ssh-ed25519 BBBB\n")
    assert tracer.trace()["finding"] == "host_key_changed"
    alarm = {"200.011 host=edge-0.ssh=hostkey": "critical"}
    tracer.world.reconcile("alarm")
    assert tracer.world.standing() == alarm
    # To show the known key is no proof of having it; to be logged in to is.
    tracer.path.keys[ADDRESS] = ("ssh-ed25519 BBBB",)
    assert tracer.host.asked == []
    tracer.host.refuses = "Permission denied"
    tracer.trace()
    tracer.world.reconcile("alarm")
    assert tracer.world.standing() == alarm
    tracer.host.refuses = None
    assert tracer.trace()["finding"] == "reached"
    tracer.world.reconcile("alarm")
    assert tracer.world.standing() == {}


def test_what_the_host_does_not_reach_is_named(tracer: Tracer) -> None:
    tracer.host.reaches = "no yes"
    found = tracer.trace()
    assert found["finding"] == "kubernetes_unreachable"
    assert "Kubernetes at" in found["sentence"]
    tracer.host.reaches = "yes no"
    assert tracer.trace()["finding"] == "gateway_unreachable"
    tracer.host.refuses = "Permission denied (publickey)"
    assert tracer.trace()["finding"] == "login_refused"


def test_a_vxlan_through_which_nothing_comes(tracer: Tracer) -> None:
    tracer.world.add_network("depot", "192.168.204.128/26", attachment=Attachment.VXLAN)
    tracer.world.add("edge-3", "192.168.204.131", underlay="10.20.0.12")
    assert tracer.trace("edge-3")["finding"] == "underlay_silent"
    tracer.path.fits["10.20.0.12"] = 1500
    assert tracer.trace("edge-3")["finding"] == "udp_blocked"


def test_a_tunnel_that_was_never_heard(tracer: Tracer) -> None:
    tracer.world.add_network("kiosks", "10.30.0.0/24", attachment=Attachment.WIREGUARD)
    tracer.world.add("edge-2", "10.30.0.11")
    found = tracer.trace("edge-2")
    assert found["finding"] == "tunnel_new", found


def test_our_own_link_is_nobodys_fault_out_there(tracer: Tracer) -> None:
    tracer.world.links.set_up("mgmt0", False)
    tracer.path.fits.clear()
    tracer.path.servers.clear()
    assert tracer.trace()["finding"] == "link_down"


class Holds(FakePath):
    """Looks of which those at one address do not end until they are let."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.let = threading.Event()

    def ssh(self, address: str, *, port: int) -> Ssh:
        if address == self.address:
            self.let.wait()
        return super().ssh(address, port=port)


def test_a_host_that_holds_whoever_looks_holds_up_no_other_trace(world: World) -> None:
    tracer = Tracer(world)
    world.add("edge-1", "192.168.204.102")
    path = Holds(ADDRESS)
    path.servers[ADDRESS] = path.servers["192.168.204.102"] = Ssh.REFUSED
    tracer.use(path, wait_seconds=0.1, trace_seconds=0.3)
    try:
        deadline = time.monotonic() + 60
        for _ in range(2):
            for name in ("edge-0", "edge-1"):
                with world.database.writer() as connection:
                    host = hosts.find(connection, name)
                    traces.ask(connection, host.id, now=world.clock.now())
            while (
                not (one := stored(world, "edge-1")) or one["finding"] != "ssh_refused"
            ):
                assert time.monotonic() < deadline, "the other is held up"
                tracer.reconciler.reconcile()
            while (one := stored(world, "edge-0")).get("finding") != "unfinished":
                assert time.monotonic() < deadline, "it does not age out"
                tracer.reconciler.reconcile()
            assert "did not come to an end" in one["sentence"]
            world.clock.advance(60)
    finally:
        path.let.set()


def stored(world: World, name: str) -> Mapping[str, Any]:
    with world.database.reader() as connection:
        found = traces.of_host(connection, hosts.find(connection, name).id)
    return {} if found is None or found.done_at is None else found.body
