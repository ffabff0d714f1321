# SPDX-License-Identifier: Apache-2.0
"""Tunnels as clients see them: begun by a script, shown, their keys changed, cut off."""

import base64
import subprocess
from datetime import timedelta

import pytest

from hummingbird.db.repository import event_log, heartbeat
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import tunnel as tunnels
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.run import RunKind
from hummingbird.keypair import make_wireguard_key, ssh_public_key
from tests.functional.api.conftest import World

HOST = "kiosk-7"
PRIVATE, CLAIM = make_wireguard_key()


@pytest.fixture
def site(world: World) -> World:
    """A host in a network attached by wireguard."""
    world.dependencies.conf.set_override(
        "hub_endpoint", ["198.51.100.2:51820"], group="tunnel"
    )
    world.add_ready("edge-0")
    world.client.post(
        "/v1/emns",
        {"name": "kiosks", "cidr": "10.30.0.0/24", "attachment": "wireguard"},
    )
    world.add(HOST, mgmt_ip="10.30.0.11")
    return world


def claim(world: World, **more: object) -> dict[str, object]:
    answer = world.client.post(
        f"/v1/tunnels/{HOST}/claim", {"claim_key": CLAIM, **more}
    )
    assert answer.status == 201, answer.body
    found: dict[str, object] = answer.json
    return found


def test_a_claim_begins_a_tunnel_and_makes_a_script(site: World) -> None:
    assert site.client.get("/v1/tunnels").json == {"tunnels": []}
    told = claim(site)
    shown = site.client.get(f"/v1/tunnels/{HOST}").json
    assert told["tunnel"] == shown
    assert (shown["state"], shown["address"]) == ("claimable", "100.126.0.2")
    assert shown["networks"] == ["100.126.0.0/16", "192.168.204.0/24"]
    assert site.client.get("/v1/tunnels").json == {"tunnels": [shown]}
    assert "tunnel" in site.nudges
    script = str(told["script"])
    assert "ADDRESS=100.126.0.2\n" in script
    assert f"HUB_KEY={shown['hub_public_key']}" in script.replace("'", "")
    assert "CLAIM_KEY='@CLAIM_KEY@'" in script, "the private half is the client's"
    checked = subprocess.run(
        ["sh", "-n"], input=script, text=True, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    with site.database.reader() as connection:
        hub = tunnels.hub_private_key(connection, box=site.box)
    assert hub and hub not in script


def test_a_tunnel_says_how_the_path_is(site: World) -> None:
    claim(site)
    shown = site.client.get(f"/v1/tunnels/{HOST}").json
    unknown = {"rtt_ms": None, "loss_percent": None, "mtu": None}
    assert {name: shown[name] for name in unknown} == unknown
    with site.database.writer() as connection:
        host = hosts.find(connection, HOST)
        word = Heartbeat(
            host_id=host.id,
            last_heard_at=site.clock.now(),
            period_seconds=10.0,
            boot_id="b",
            uptime_seconds=1,
            beats=1,
            rtt_seconds=0.0312,
            sent=60,
            lost=3,
            path_mtu=1240,
        )
        heartbeat.put(connection, [word])
    known = {"rtt_ms": 31.2, "loss_percent": 5.0, "mtu": 1240}
    for path in (f"/v1/tunnels/{HOST}", f"/v1/heartbeats/{HOST}"):
        shown = site.client.get(path).json
        assert {name: shown[name] for name in known} == known
    (listed,) = site.client.get("/v1/tunnels").json["tunnels"]
    assert {name: listed[name] for name in known} == known


def test_a_claim_gets_old(site: World) -> None:
    claim(site, hours=2)
    site.clock.advance(timedelta(hours=2).total_seconds() + 1)
    shown = site.client.get(f"/v1/tunnels/{HOST}").json
    assert (shown["state"], shown["claim_until"]) == ("new", None)


def test_the_script_lets_in_who_has_the_credentials_key(site: World) -> None:
    key = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    site.client.post(
        "/v1/credentials", {"name": "kiosk", "user": "edge", "private_key": key}
    )
    site.client.patch("/v1/emns/kiosks", {"credential": "kiosk"})
    line = ssh_public_key(key)
    script = str(claim(site)["script"])
    assert f"SSH_KEY='{line}'\n" in script
    assert "SSH_USER=edge\n" in script
    assert key.splitlines()[1] not in script
    assert "SSH_KEY=''\n" in str(claim(site, authorize=False)["script"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "hummingbird.tunnel.public_key_invalid"),
        ({"claim_key": "x"}, "hummingbird.tunnel.public_key_invalid"),
        ({"claim_key": 7}, "hummingbird.tunnel.public_key_invalid"),
        ({"claim_key": CLAIM, "hours": 0}, "hummingbird.bad_request"),
        ({"claim_key": CLAIM, "hours": 1000}, "hummingbird.bad_request"),
        ({"claim_key": CLAIM, "hours": True}, "hummingbird.bad_request"),
        ({"claim_key": CLAIM, "foo": 1}, "hummingbird.bad_request"),
    ],
)
def test_a_bad_claim_is_refused(site: World, body: object, code: str) -> None:
    answer = site.client.post(f"/v1/tunnels/{HOST}/claim", body)
    assert (answer.status, answer.fault["code"]) == (400, code)
    assert site.client.get("/v1/tunnels").json == {"tunnels": []}


def test_a_claim_needs_a_hub_that_hosts_can_find(site: World) -> None:
    for endpoint, code in (
        ("", "hummingbird.tunnel.hub_endpoint_missing"),
        ("198.51.100.2", "hummingbird.tunnel.hub_endpoint_invalid"),
        ("$(reboot):1", "hummingbird.tunnel.hub_endpoint_invalid"),
        ("198.51.100.2:70000", "hummingbird.tunnel.hub_endpoint_invalid"),
    ):
        site.dependencies.conf.set_override(
            "hub_endpoint", [endpoint] if endpoint else [], group="tunnel"
        )
        answer = site.client.post(f"/v1/tunnels/{HOST}/claim", {"claim_key": CLAIM})
        assert (answer.status, answer.fault["code"]) == (400, code)


def test_a_host_that_needs_no_tunnel_gets_none(site: World) -> None:
    """Whether or not this controller has a hub."""
    site.dependencies.conf.set_override("hub_endpoint", [], group="tunnel")
    asked = site.client.post("/v1/tunnels/edge-0/claim", {"claim_key": CLAIM})
    assert (asked.status, asked.fault["code"]) == (
        400,
        "hummingbird.tunnel.not_tunnelled",
    )
    answers = [
        site.client.post("/v1/tunnels/edge-0/rotate", {}),
        site.client.get("/v1/tunnels/edge-0"),
        site.client.delete("/v1/tunnels/edge-0"),
    ]
    for answer in answers:
        assert (answer.status, answer.fault["code"]) == (
            404,
            "hummingbird.tunnel.not_needed",
        )


def test_a_host_that_needs_a_tunnel_and_has_none_is_told_how_to_make_it(
    site: World,
) -> None:
    for method in (site.client.get, site.client.delete):
        answer = method(f"/v1/tunnels/{HOST}")
        assert (answer.status, answer.fault["code"]) == (
            404,
            "hummingbird.tunnel.missing",
        )


def test_a_key_is_one_hosts_alone(site: World) -> None:
    claim(site)
    site.add("kiosk-8", mgmt_ip="10.30.0.12")
    answer = site.client.post("/v1/tunnels/kiosk-8/claim", {"claim_key": CLAIM})
    assert (answer.status, answer.fault["code"]) == (
        409,
        "hummingbird.tunnel.key_taken",
    )


def test_a_rotation_is_one_queued_run(site: World) -> None:
    claim(site)
    first = site.client.post(f"/v1/tunnels/{HOST}/rotate", {})
    assert (first.status, first.json["kind"]) == (202, "rotate")
    again = site.client.post(f"/v1/tunnels/{HOST}/rotate", {})
    assert again.json["id"] == first.json["id"]
    assert [run.kind for run in site.runs(HOST)] == [RunKind.ROTATE]
    assert site.client.post("/v1/tunnels/edge-0/rotate", {}).status == 404


def test_a_revoked_host_has_no_key_any_more(site: World) -> None:
    claim(site)
    with site.database.writer() as connection:
        (one,) = tunnels.list_all(connection)
        tunnels.change(
            connection,
            one,
            public_key=make_wireguard_key()[1],
            handshake_at=site.clock.now(),
            endpoint="203.0.113.9:40000",
        )
    assert site.client.get(f"/v1/tunnels/{HOST}").json["state"] == "up"
    site.nudges.clear()
    assert site.client.delete(f"/v1/tunnels/{HOST}").status == 204
    shown = site.client.get(f"/v1/tunnels/{HOST}").json
    assert (shown["state"], shown["public_key"]) == ("new", None)
    assert shown["address"] == "100.126.0.2", "it may come again"
    assert site.nudges == ["tunnel"]
    assert site.client.post(f"/v1/tunnels/{HOST}/rotate", {}).status == 404
    with site.database.reader() as connection:
        said = [
            line.event.reason_text
            for line in event_log.list_latest(connection, limit=5)
        ]
    assert any("revoke" in text for text in said)


def test_no_secret_is_in_any_answer(site: World) -> None:
    text = str(claim(site)) + site.client.get("/v1/tunnels").body.decode()
    with site.database.reader() as connection:
        hub = tunnels.hub_private_key(connection, box=site.box)
    assert hub is not None and hub not in text
    assert base64.b64decode(hub)
    assert PRIVATE not in text
