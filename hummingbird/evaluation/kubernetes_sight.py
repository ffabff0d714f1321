# SPDX-License-Identifier: Apache-2.0
"""Whether what Kubernetes says of nodes means anything now, as one observer sees it.

A node whose kubelet says nothing is one host's fault where few are so, and Kubernetes' own
where many are whose hosts are heard: its API was away or its store stood still, and each
kubelet's lease is as old as that. A kubelet is silent, too, where its lease has stood for
LEASE_SECONDS though Kubernetes calls its node Ready: then nobody there judges nodes (its
controller manager is away). Leases are timed by the clock of who looks: kubelets' clocks
don't matter. Decides nothing and writes nothing.
"""

from collections.abc import Iterable, Mapping, Set
from typing import Final

from hummingbird.adapters.kubernetes.node import NodeStatus
from hummingbird.domain.condition import (
    KUBELETS_SILENT,
    UNREACHABLE,
    Seen,
    Status,
    is_stale,
)
from hummingbird.domain.unchanged import Unchanged

LEASE_SECONDS: Final = 120.0
"""A kubelet renews each 10 s, and Kubernetes calls a node Unknown after 50 s without
(node-monitor-grace-period): whoever judges nodes there has judged by then."""
ILL_SECONDS: Final = 60.0
"""A guess: an API server that is restarted is back sooner."""
RETURN_SECONDS: Final = 60.0
"""A kubelet tells of itself each 10 s and after a failure tries again within as long, and
Kubernetes needs some seconds to believe it: six of its turns."""


class Returns:
    """Which hosts are back since a short time, as one observer has seen them go and come:
    their kubelets' silence is still that of their absence."""

    def __init__(self) -> None:
        self._away: set[str] = set()
        self._back_at: dict[str, float] = {}

    def see(self, heard: Mapping[str, bool], *, monotonic: float) -> None:
        """Note which hosts are heard; whoever is not named is forgotten."""
        now_heard = {name for name, is_heard in heard.items() if is_heard}
        for name in self._away & now_heard:
            self._back_at[name] = monotonic
        self._away = heard.keys() - now_heard
        self._back_at = {n: t for n, t in self._back_at.items() if n in now_heard}

    def recent(self, *, monotonic: float) -> set[str]:
        """Return those that are back since less than RETURN_SECONDS."""
        return {
            name
            for name, since in self._back_at.items()
            if monotonic - since < RETURN_SECONDS
        }


class KubernetesSight:
    """What one observer remembers of Kubernetes from one look to the next."""

    def __init__(self, *, observer: str) -> None:
        self._observer = observer
        self._ill_since: float | None = None
        self._leases: Unchanged[str] = Unchanged()

    def forget(self) -> None:
        """Begin anew: another one has looked meanwhile."""
        self._ill_since = None
        self._leases = Unchanged()

    def silent(self, nodes: Mapping[str, NodeStatus], *, monotonic: float) -> set[str]:
        """Return the names of the nodes whose kubelets tell nothing.

        :param monotonic: the observer's time from before they were read.
        """
        return {
            name for name, node in nodes.items() if self._is_silent(node, monotonic)
        }

    def keep(self, names: Iterable[str]) -> None:
        """Forget all nodes but these."""
        self._leases.keep(set(names))

    def judge(self, silent: Set[str], heard: Set[str], *, monotonic: float) -> Seen:
        """Return what all nodes together say of Kubernetes.

        :param silent: names of all nodes whose kubelets tell nothing.
        :param heard: names of the nodes whose hosts are heard.
        """
        count = len(silent & heard)
        if not is_stale(silent=count, nodes=len(heard)):
            self._ill_since = None
            return Seen(status=Status.TRUE, reason="Reachable", observer=self._observer)
        return self._ill(
            KUBELETS_SILENT,
            f"the kubelets of {count} of {len(heard)} hosts that are heard tell it"
            " nothing",
            monotonic=monotonic,
        )

    def unreachable(self, error: Exception, *, monotonic: float) -> Seen:
        """Return what is known while it does not answer."""
        return self._ill(UNREACHABLE, str(error), monotonic=monotonic)

    def _ill(self, reason: str, message: str, *, monotonic: float) -> Seen:
        if self._ill_since is None:
            self._ill_since = monotonic
        is_long = monotonic - self._ill_since >= ILL_SECONDS
        return Seen(
            status=Status.FALSE if is_long else Status.UNKNOWN,
            reason=reason,
            message=message,
            observer=self._observer,
        )

    def _is_silent(self, node: NodeStatus, monotonic: float) -> bool:
        if not node.posts:
            return True
        stood = self._leases.seconds(
            node.name, node.lease_renewed_at, monotonic=monotonic
        )
        return (
            node.ready and node.lease_renewed_at is not None and stood >= LEASE_SECONDS
        )
