# SPDX-License-Identifier: Apache-2.0
"""Each place where a path may end, and what is said of it."""

from dataclasses import replace
from typing import Any

import pytest

from hummingbird.domain.emn import Attachment
from hummingbird.domain.finding import Finding
from hummingbird.domain.trace import Seen, Ssh, StepState, trace

GOOD = Seen(
    hostname="edge-0",
    emn="shops",
    attachment=Attachment.ROUTED,
    address="10.20.0.11",
    link="mn0",
    link_up=True,
    answers=True,
    mtu_wanted=1500,
    mtu_found=1500,
    ssh=Ssh.ANSWERS,
    key_is_pinned=True,
    key_is_known=True,
    login="",
    from_host={"Kubernetes at 192.168.204.2:6443": True, "the gateway": True},
    heard_seconds=3.0,
    is_in_service=True,
)
VXLAN = replace(
    GOOD, attachment=Attachment.VXLAN, outer="10.40.0.11", outer_answers=True
)
TUNNEL = replace(
    GOOD, attachment=Attachment.WIREGUARD, link=None, handshake_seconds=20.0
)
BOTH = replace(
    TUNNEL,
    attachment=Attachment.WIREGUARD_VXLAN,
    outer="100.126.0.5",
    outer_answers=True,
)
SILENT = {"answers": False, "ssh": Ssh.SILENT, "mtu_found": None}


def test_where_all_is_well_nothing_is_to_be_done() -> None:
    for seen in (GOOD, VXLAN, TUNNEL, BOTH):
        found = trace(seen)
        assert (found.finding, found.repair) == (Finding.REACHED, "")
        assert all(
            step.state in (StepState.OK, StepState.UNKNOWN) for step in found.steps
        ), found


@pytest.mark.parametrize(
    ("seen", "changes", "finding", "words"),
    [
        (GOOD, {"address": None}, Finding.ADDRESS_MISSING, "--mgmt-ip"),
        (
            GOOD,
            {"link": None, "link_up": False},
            Finding.ROUTE_MISSING,
            "Add a route to 10.20.0.11",
        ),
        (GOOD, {"link_up": False}, Finding.LINK_DOWN, "cable"),
        (GOOD, SILENT, Finding.HOST_SILENT, "power"),
        (
            VXLAN,
            {**SILENT, "outer_answers": False},
            Finding.UNDERLAY_SILENT,
            "--underlay",
        ),
        (VXLAN, SILENT, Finding.UDP_BLOCKED, "UDP 4789"),
        (TUNNEL, {**SILENT, "has_key": False}, Finding.TUNNEL_NEW, "host-bootstrap"),
        (
            TUNNEL,
            {**SILENT, "handshake_seconds": None, "hub": "203.0.113.5:51820"},
            Finding.TUNNEL_NEVER_HEARD,
            "203.0.113.5:51820",
        ),
        (
            TUNNEL,
            {**SILENT, "handshake_seconds": 4000.0},
            Finding.HANDSHAKE_OLD,
            "uplink",
        ),
        (TUNNEL, SILENT, Finding.HANDSHAKE_OLD, "comes back by itself"),
        (
            TUNNEL,
            {**SILENT, "outer": "10.30.0.11", "outer_answers": False},
            Finding.HANDSHAKE_OLD,
            "uplink",
        ),
        (
            TUNNEL,
            {**SILENT, "outer": "10.30.0.11", "outer_answers": True},
            Finding.TUNNEL_UDP_BLOCKED,
            "hummingbird-tunnel",
        ),
        (BOTH, SILENT, Finding.UDP_BLOCKED, "hummingbird-vxlan"),
        (BOTH, {**SILENT, "outer_answers": False}, Finding.HANDSHAKE_OLD, "uplink"),
        (GOOD, {"mtu_found": 1400}, Finding.MTU_BLACK_HOLE, "--mtu 1400"),
        (GOOD, {"ssh": Ssh.REFUSED}, Finding.SSH_REFUSED, "sshd"),
        (GOOD, {"ssh": Ssh.SILENT}, Finding.SSH_SILENT, "TCP 22"),
        (GOOD, {"ssh": Ssh.HUNG}, Finding.SSH_HUNG, "host-reset"),
        (GOOD, {"key_is_known": False}, Finding.HOST_KEY_CHANGED, "--forget-host-key"),
        (GOOD, {"login": "Permission denied"}, Finding.LOGIN_REFUSED, "credential"),
        (
            GOOD,
            {"from_host": {"Kubernetes at 192.168.204.2:6443": False}},
            Finding.KUBERNETES_UNREACHABLE,
            "firewall-show",
        ),
        (
            GOOD,
            {"from_host": {"the gateway at 192.168.204.2:6386": False}},
            Finding.GATEWAY_UNREACHABLE,
            "[gateway]advertise",
        ),
        (GOOD, {"heard_seconds": None}, Finding.AGENT_SILENT, "pods"),
        (GOOD, {"heard_seconds": 90.0}, Finding.AGENT_SILENT, "pods"),
    ],
)
def test_each_end_of_a_path_has_its_repair(
    seen: Seen, changes: dict[str, Any], finding: Finding, words: str
) -> None:
    found = trace(replace(seen, **changes))
    assert found.finding is finding
    assert words in found.repair
    assert "None" not in found.sentence + found.repair
    if finding is not Finding.ADDRESS_MISSING:
        assert any(step.state is StepState.BROKEN for step in found.steps), found.steps


def test_a_ping_that_nobody_answers_says_nothing_where_ssh_does() -> None:
    assert trace(replace(GOOD, answers=False)).finding is Finding.REACHED
    assert trace(replace(VXLAN, answers=False)).finding is Finding.REACHED


def test_the_nearest_end_is_told() -> None:
    found = trace(replace(VXLAN, link_up=False, outer_answers=False, **SILENT))
    assert found.finding is Finding.LINK_DOWN


def test_a_host_that_is_locked_needs_no_heartbeat() -> None:
    seen = replace(GOOD, is_in_service=False, heard_seconds=None)
    assert trace(seen).finding is Finding.REACHED
