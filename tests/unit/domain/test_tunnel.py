# SPDX-License-Identifier: Apache-2.0
"""What the host's end of a tunnel is told."""

from dataclasses import replace
from datetime import UTC, datetime

from hummingbird.domain.emn import Attachment, Emn
from hummingbird.domain.tunnel import HubOptions, Tunnel, host_settings

AT = datetime(2026, 1, 1, tzinfo=UTC)
OPTIONS = HubOptions(
    endpoints=("203.0.113.5:51820", "[2001:db8::5]:51820"),
    overlay="100.126.0.0/16",
    networks=("192.168.204.0/24",),
    keepalive_seconds=25,
    mtu=1420,
    period_seconds=10.0,
)
TUNNEL = Tunnel(
    id=1,
    uuid="t",
    host_id=1,
    address="100.126.0.2",
    public_key=None,
    next_key=None,
    claim_key=None,
    claim_until=None,
    rotated_at=None,
    endpoint=None,
    handshake_at=None,
    received_bytes=0,
    sent_bytes=0,
    created_at=AT,
)
KIOSKS = Emn(
    id=2,
    uuid="n",
    name="kiosks",
    cidr="10.30.0.0/24",
    attachment=Attachment.WIREGUARD,
    site="kiosks",
    credential_id=None,
    gateway=None,
    mtu=None,
    created_at=AT,
)


def told(emn: Emn | None, *, outside: str | None = None) -> dict[str, str]:
    lines = host_settings(
        TUNNEL, hub_key="k", options=OPTIONS, emn=emn, outside=outside
    ).splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_what_fits_is_found_unless_somebody_said_it() -> None:
    found = told(KIOSKS)
    assert (found["MTU"], found["FIND_MTU"]) == ("1420", "yes")
    assert found["HUB_ADDRESS"] == "100.126.0.1", "who answers inside"
    said = told(replace(KIOSKS, mtu=1380))
    assert (said["MTU"], said["FIND_MTU"]) == ("1380", "''")


def test_what_is_said_of_a_vxlan_is_not_said_of_the_tunnel_below() -> None:
    inside = replace(KIOSKS, attachment=Attachment.WIREGUARD_VXLAN, mtu=1200)
    assert (told(inside)["MTU"], told(inside)["FIND_MTU"]) == ("1420", "yes")


def test_a_host_is_told_the_end_of_the_hub_that_it_can_speak_to() -> None:
    assert told(KIOSKS)["HUB_ENDPOINT"] == "203.0.113.5:51820"
    six = told(KIOSKS, outside="fd00:20::11")["HUB_ENDPOINT"]
    assert six == "'[2001:db8::5]:51820'"
