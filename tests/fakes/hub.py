# SPDX-License-Identifier: Apache-2.0
"""The hub of a controller, in memory."""

from collections.abc import Mapping

from hummingbird.adapters.netlink.hub import HubPlan
from hummingbird.adapters.netlink.wireguard import WireGuard
from hummingbird.errors import HubUnavailable
from tests.fakes.wireguard import FakeWireGuard


class FakeHub:
    """Keeps the contract of adapters.netlink.hub.Hub (tests/contract/test_hub.py)."""

    def __init__(self) -> None:
        self.broken: str | None = None
        self.interfaces: dict[str, FakeWireGuard] = {}
        self.plans: dict[str, HubPlan] = {}
        self.narrow_ways: dict[str, int] = {}

    def open(self, plan: HubPlan) -> WireGuard:
        if self.broken is not None:
            raise HubUnavailable(message=self.broken)
        self.plans[plan.interface] = plan
        return self.interfaces.setdefault(plan.interface, FakeWireGuard(plan.interface))

    def narrow(self, plan: HubPlan, ways: Mapping[str, int]) -> list[str]:
        if plan.interface not in self.interfaces:
            raise HubUnavailable(message=f"{plan.interface} is gone")
        said = [
            f"packets to {address} may be as large as the hub's"
            for address in sorted(self.narrow_ways.keys() - ways.keys())
        ]
        said += [
            f"packets to {address} are of {mtu} bytes at most"
            for address, mtu in sorted(ways.items())
            if self.narrow_ways.get(address) != mtu
        ]
        self.narrow_ways = dict(ways)
        return said
