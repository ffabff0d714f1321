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

CONTROLLER_ADDRESS_6 = "fd00:204::2"

SWITCHES = ("mn", "emn", "lan", "wan", "depot", "shop", "emn6")
"""The management network, the routed edge network, the one behind NAT, the WAN; a site that
the WAN leads to, the cable behind that site's gateway, an edge network of IPv6 alone."""


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
    address_6: str | None = None


PORTS = (
    Port(
        CONTROLLER,
        CONTROLLER,
        "mn0",
        "mn",
        f"{CONTROLLER_ADDRESS}/24",
        f"{CONTROLLER_ADDRESS_6}/64",
    ),
    Port("uplink", CONTROLLER, "wan0", "wan", f"{CONTROLLER_WAN_ADDRESS}/24"),
    Port("r1", "r1", "eth0", "mn", "192.168.204.1/24", "fd00:204::1/64"),
    Port("r1-emn", "r1", "eth1", "emn", "10.20.0.1/24"),
    Port("r2", "r2", "eth0", "wan", "198.51.100.20/24"),
    Port("r2-lan", "r2", "eth1", "lan", "10.30.0.1/24"),
    Port("r3", "r3", "eth0", "wan", "198.51.100.30/24"),
    Port("r3-depot", "r3", "eth1", "depot", "10.40.0.1/24"),
    Port("r1-emn6", "r1", "eth2", "emn6", "fd00:20::1/64"),
    Port("laptop", "laptop", "eth0", "shop", "192.168.204.9/24"),
)

ROUTES = (
    (CONTROLLER, "10.20.0.0/24", "192.168.204.1"),
    (CONTROLLER, "10.40.0.0/24", "198.51.100.30"),
    (CONTROLLER, "fd00:20::/64", "fd00:204::1"),
)
"""Owner, destination, next hop."""

ROUTERS = ("r1", "r2", "r3")
"""They forward; the second one translates too, and lets only WireGuard's UDP out: exactly
what the product says that it needs there."""

UDP_ONLY_RULES = """
table inet gateway {
  chain transit {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "eth1" oifname "eth0" udp dport 51820 accept
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
    lan: str | None = None
    """The switch of a second port, which has no address."""

    @property
    def prefix(self) -> int:
        """The length of its subnet's prefix."""
        return 64 if ":" in self.address else 24


HOSTS = (
    HostPlan("edge-0", "mn", "192.168.204.101", None, "02:68:62:00:00:00"),
    HostPlan("edge-1", "emn", "10.20.0.11", "10.20.0.1", "02:68:62:00:01:01"),
    HostPlan("edge-2", "lan", "10.30.0.11", "10.30.0.1", "02:68:62:00:02:02", "r2"),
    HostPlan(
        *("edge-3", "depot", "10.40.0.11", "10.40.0.1", "02:68:62:00:03:03"),
        lan="shop",
    ),
    HostPlan(
        *("edge-4", "shop", "192.168.204.141", None, "02:68:62:00:04:04", "laptop")
    ),
    HostPlan("edge-5", "emn6", "fd00:20::11", "fd00:20::1", "02:68:62:00:05:05"),
)
USUAL_HOSTS = ("edge-0", "edge-1", "edge-2")
"""Those of a lab that was not asked for others."""
HOST_BY_NAME = {plan.name: plan for plan in HOSTS}
