# SPDX-License-Identifier: Apache-2.0
"""VXLAN at a controller, in memory."""

from dataclasses import replace

from hummingbird.domain.vxlan import Bridge
from hummingbird.errors import VxlanUnavailable


class FakeBridges:
    """Keeps the contract of adapters.netlink.vxlan.Bridges
    (tests/contract/test_vxlan.py)."""

    def __init__(self) -> None:
        self.broken: str | None = None
        self.bridges: dict[str, Bridge] = {}
        self.puts = 0

    def look(self, name: str) -> Bridge | None:
        self._refuse()
        return self.bridges.get(name)

    def put(self, wanted: Bridge) -> None:
        self._refuse()
        self.puts += 1
        seen = self.bridges.get(wanted.name)
        is_theirs = seen is not None and not seen.is_ours
        if not wanted.is_ours and not is_theirs:
            raise VxlanUnavailable(message=f"there is no bridge {wanted.name}")
        if is_theirs:
            self.bridges[wanted.name] = Bridge(
                name=wanted.name, is_ours=False, segments=wanted.segments
            )
        elif wanted.segments:
            self.bridges[wanted.name] = wanted
        else:
            self.bridges.pop(wanted.name, None)

    def stop_answering(self, address: str) -> None:
        """Delete a proxy entry behind everybody's back."""
        for name, bridge in self.bridges.items():
            self.bridges[name] = replace(bridge, answers=bridge.answers - {address})

    def add_operators_bridge(self, name: str) -> None:
        """As an operator would who has the management network in it."""
        self.bridges[name] = Bridge(name=name, is_ours=False)

    def lose(self, vni: int) -> None:
        """Somebody deletes a device."""
        for name, bridge in self.bridges.items():
            left = {key: one for key, one in bridge.segments.items() if key != vni}
            self.bridges[name] = replace(bridge, segments=left)

    def _refuse(self) -> None:
        if self.broken is not None:
            raise VxlanUnavailable(message=self.broken)
