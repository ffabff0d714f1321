# SPDX-License-Identifier: Apache-2.0
"""This controller forwards what hosts behind its hub and its bridge send to others.

To each other, to the API server, the registry and the archive where those are other
machines. Puts nothing right, for settings and firewall are the operator's: it says what is
otherwise, and what to do. Runs on every conductor, each for its own machine.
"""

from collections.abc import Mapping

from hummingbird.adapters.netlink.forwarding import Forwarding
from hummingbird.reconcilers.base import Outcome

_SYSCTLS: Mapping[int, str] = {
    4: "net.ipv4.ip_forward",
    6: "net.ipv6.conf.all.forwarding",
}


class ForwardingReconciler:
    """Watches that this machine forwards."""

    name = "forwarding"

    def __init__(
        self,
        forwarding: Forwarding,
        *,
        interfaces: Mapping[str, frozenset[int]],
        period_seconds: float,
    ) -> None:
        """:param interfaces: name -> the versions of IP that come in by it."""
        self._forwarding = forwarding
        self._interfaces = interfaces
        self.period_seconds = period_seconds

    def reconcile(self) -> Outcome:
        """Look at the interfaces that there are."""
        there = [name for name in self._interfaces if self._forwarding.has(name)]
        failed: list[str] = []
        for name in there:
            failed += [
                f"IPv{version} that comes in by {name} is not forwarded, so hosts behind"
                f" it reach this controller alone: sysctl -w {_SYSCTLS[version]}=1, and"
                " the same in /etc/sysctl.d"
                for version in sorted(self._interfaces[name])
                if not self._forwarding.is_on(name, version=version)
            ]
            failed += [
                f"the firewall's chain {chain} drops what no rule lets through, and none"
                f" names {name}: let it in and out there, or hosts behind it reach this"
                " controller alone (checked unless [tunnel]check_forwarding is false)"
                for chain in self._forwarding.shut_out(name)
            ]
        return Outcome(looked_at=len(there), failed=tuple(failed))
