# SPDX-License-Identifier: Apache-2.0
"""The hub of a controller, in memory."""

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

    def open(self, plan: HubPlan) -> WireGuard:
        if self.broken is not None:
            raise HubUnavailable(message=self.broken)
        self.plans[plan.interface] = plan
        return self.interfaces.setdefault(plan.interface, FakeWireGuard(plan.interface))
