# SPDX-License-Identifier: Apache-2.0
"""VXLAN's arithmetic, and who has an end of it."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hummingbird.domain.emn import Attachment, Emn, within
from hummingbird.domain.vxlan import (
    Bridge,
    Segment,
    check_vni,
    differences,
    gateway_name,
    mac_of,
    mtu,
    overhead,
)
from hummingbird.errors import EmnInvalid

MN = Emn(
    id=1,
    uuid="u",
    name="mn",
    cidr="192.168.204.0/24,fd00:204::/64",
    attachment=Attachment.DIRECT,
    site="mn",
    credential_id=None,
    gateway=None,
    mtu=None,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def test_what_fits_is_what_the_narrowest_way_leaves() -> None:
    assert mtu({"10.20.0.12": 1500}) == 1450
    assert mtu({"fd00:20::12": 1500}) == 1430
    assert mtu({"10.20.0.12": 9000, "10.20.0.13": 1420}) == 1370
    assert mtu({"10.20.0.12": None}) == 1450
    assert mtu({}) == 1450
    assert (overhead("10.20.0.12"), overhead("fd00::1")) == (50, 70)


def test_a_hosts_mac_address_is_its_own_and_always_the_same() -> None:
    one, other = mac_of("a"), mac_of("b")
    assert one == mac_of("a") != other
    assert re.fullmatch(r"02(:[0-9a-f]{2}){5}", one)


@pytest.mark.parametrize("vni", [0, -1, 2**24])
def test_numbers_that_vxlan_does_not_have_are_refused(vni: int) -> None:
    with pytest.raises(EmnInvalid):
        check_vni(vni)
    assert check_vni(2**24 - 1) == 2**24 - 1


@pytest.mark.parametrize(
    ("cidr", "inside"),
    [
        ("192.168.204.128/26", True),
        ("192.168.204.0/24", True),
        ("192.168.204.128/26,fd00:204::/80", True),
        ("192.168.204.128/26,fd00:205::/80", False),
        ("192.168.204.0/23", False),
        ("10.20.0.0/24", False),
    ],
)
def test_a_network_is_a_part_of_the_management_network_or_not(
    cidr: str, inside: bool
) -> None:
    assert (within([MN], cidr) is MN) is inside


def test_a_router_is_no_gateway_of_ours() -> None:
    assert gateway_name(replace(MN, gateway="edge-3")) == "edge-3"
    assert gateway_name(replace(MN, gateway="10.20.0.1")) is None
    assert gateway_name(MN) is None


def test_a_device_whose_port_or_family_changes_is_made_anew() -> None:
    before = Segment(
        vni=7,
        port=4789,
        mtu=1450,
        learning=False,
        remotes=frozenset({"10.20.0.12"}),
    )
    seen = Bridge(name="b", segments={7: before})
    for after in (replace(before, port=8472), replace(before, learning=True)):
        said = differences(Bridge(name="b", segments={7: after}), seen)
        assert said == ("hbvx7 made anew",)
    sixth = replace(before, remotes=frozenset({"fd00:20::12"}))
    said = differences(Bridge(name="b", segments={7: sixth}), seen)
    assert said[0] == "hbvx7 made anew"
