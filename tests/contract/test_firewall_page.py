# SPDX-License-Identifier: Apache-2.0
"""The page of ports is the table's, and so are the rules of the lab's NAT router."""

import re

from hummingbird_lab import inventory

from hummingbird.conf import new
from hummingbird.conf.share import known_ports
from hummingbird.domain.emn import Attachment
from hummingbird.domain.firewall import Where, rules
from tools.list_ports import TARGET, text

TUNNELS = (Attachment.WIREGUARD, Attachment.WIREGUARD_VXLAN)


def test_the_page_is_up_to_date() -> None:
    assert TARGET.read_text() == text(), "make it again: tox -e docs"


def test_the_labs_nat_router_lets_out_exactly_what_the_table_says() -> None:
    """So each lab test of a host behind it shows that the table is enough."""
    for attachment in TUNNELS:
        outside = {
            (rule.source, rule.destination, rule.protocol, rule.port)
            for rule in rules(known_ports(new()), [attachment])
            if rule.where is Where.OUTSIDE
        }
        let_out = re.findall(
            r'iifname "eth1" oifname "eth0" (\w+) dport (\d+) accept',
            inventory.UDP_ONLY_RULES,
        )
        assert outside == {("host", "controller", *rule) for rule in let_out}
    transit = inventory.UDP_ONLY_RULES.partition("chain local")[0]
    assert "policy drop" in transit
    assert transit.count("accept") == 2, "answers, and what is let out"


def test_every_attachment_needs_ssh_heartbeats_and_kubernetes() -> None:
    for attachment in Attachment:
        found = {
            (rule.source, rule.destination, rule.protocol)
            for rule in rules(known_ports(new()), [attachment])
        }
        assert found >= {
            ("controller", "host", "tcp"),
            ("host", "controller", "udp"),
            ("host", "Kubernetes API", "tcp"),
        }


def test_a_deployments_own_ports_count() -> None:
    conf = new(
        {
            "gateway": {"port": 3131},
            "tunnel": {"hub_port": 443},
            "kubernetes": {"api_endpoint": ["[fd00::2]:7443", "10.0.0.1:7443"]},
        }
    )
    ports = {rule.port for rule in rules(known_ports(conf), [Attachment.WIREGUARD])}
    assert {"3131", "443", "7443"} <= ports
