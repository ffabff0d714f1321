# SPDX-License-Identifier: Apache-2.0
"""Which networks, routers and hosts a lab has: tables, and nothing else.

A new host is a new row of `HOSTS`; a new network is a new row of `SWITCHES` and the
ports that are plugged into it.  The addresses are those that StarlingX documents for
a management network (192.168.204.0/24), a private range for each edge network, and
TEST-NET-2 (RFC 5737) for the wide area.
"""

from dataclasses import dataclass

CONTROLLER = "controller"
CONTROLLER_ADDRESS = "192.168.204.2"
CONTROLLER_WAN_ADDRESS = "198.51.100.2"
SSH_USER = "edge"

SWITCHES = ("mn", "emn", "lan", "wan")
"""The management network, the routed edge network, the one behind NAT, the WAN."""


@dataclass(frozen=True)
class Port:
    """One end of a cable into a switch.

    `name` is the cable's name (at most 13 letters: the switch's end is `p-NAME`),
    `owner` the network namespace of the other end, `address` in CIDR form.
    """

    name: str
    owner: str
    device: str
    switch: str
    address: str


PORTS = (
    Port(CONTROLLER, CONTROLLER, "mn0", "mn", f"{CONTROLLER_ADDRESS}/24"),
    Port("uplink", CONTROLLER, "wan0", "wan", f"{CONTROLLER_WAN_ADDRESS}/24"),
    Port("r1", "r1", "eth0", "mn", "192.168.204.1/24"),
    Port("r1-emn", "r1", "eth1", "emn", "10.20.0.1/24"),
    Port("r2", "r2", "eth0", "wan", "198.51.100.20/24"),
    Port("r2-lan", "r2", "eth1", "lan", "10.30.0.1/24"),
)

ROUTES = ((CONTROLLER, "10.20.0.0/24", "192.168.204.1"),)
"""Owner, destination, next hop."""

ROUTERS = ("r1", "r2")
"""They forward; the second one translates too, and lets only UDP out."""

UDP_ONLY_RULES = """
table inet gateway {
  chain transit {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "eth1" oifname "eth0" meta l4proto udp accept
  }
  chain local {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    iifname "lo" accept
    iifname "eth1" accept
  }
  chain source {
    type nat hook postrouting priority 100;
    oifname "eth0" masquerade
  }
}
"""


@dataclass(frozen=True)
class HostPlan:
    """One edge host as it comes out of its box.

    `network` is its switch, `reached_from` the namespace whose SSH reaches it
    without the product's help: the controller, or for a host behind NAT its gateway,
    which stands for a laptop plugged in on site.
    """

    name: str
    network: str
    address: str
    gateway: str | None
    mac: str
    reached_from: str = CONTROLLER
    memory: str = "2G"


HOSTS = (
    HostPlan("edge-0", "mn", "192.168.204.101", None, "02:68:62:00:00:00"),
    HostPlan("edge-1", "emn", "10.20.0.11", "10.20.0.1", "02:68:62:00:01:01"),
    HostPlan("edge-2", "lan", "10.30.0.11", "10.30.0.1", "02:68:62:00:02:02", "r2"),
)
HOST_BY_NAME = {plan.name: plan for plan in HOSTS}
