# SPDX-License-Identifier: Apache-2.0
"""Each EdgeWorker's Kubernetes node has the labels and the cordon of its host.

The host's labels are mirrored, and those that it lost are taken away again; labels that
others set on the node stay. What a node says of its kubelet is kept with the host.

Sees provisioned hosts that nobody works on, and the nodes of their names; one call reads
all nodes. Decides by `domain.node`. Nodes that are not our hosts' are left alone, and so
are taints. While a run is at work on a host its node is the run's.
"""

from collections.abc import Mapping

from hummingbird.adapters.kubernetes.cluster import Cluster, NodeStatus
from hummingbird.db.repository import emn as emn_repository
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import label as label_repository
from hummingbird.db.session import Database
from hummingbird.domain import node as node_rule
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import HostState
from hummingbird.reconcilers.base import Outcome


class NodeReconciler:
    """Keeps labels and cordons true."""

    name = "node"

    def __init__(
        self, database: Database, *, cluster: Cluster, period_seconds: float
    ) -> None:
        self._database = database
        self._cluster = cluster
        self.period_seconds = period_seconds

    def reconcile(self) -> Outcome:
        """Look at every provisioned host's node; label and cordon what differs."""
        with self._database.reader() as connection:
            hosts = [
                host
                for host in host_repository.list_all(
                    connection, states=node_rule.OPEN | node_rule.CLOSED
                )
                if host.provisioned_plan and host.reservation_owner is None
            ]
            sites = {n.id: n.site for n in emn_repository.list_all(connection)}
            labels = label_repository.by_host(connection)
        if not hosts:
            return Outcome()
        nodes = self._cluster.nodes()
        said: list[str] = []
        missing: list[str] = []
        for host in hosts:
            node = nodes.get(host.hostname)
            if node is None:
                missing.append(f"{host.hostname} has no node in Kubernetes")
                continue
            site, own = sites.get(host.emn_id or 0), labels.get(host.id, {})
            said += self._label(host, node, site=site, own=own)
            said += self._cordon(host, node)
            self._note(host, node)
        return Outcome(looked_at=len(hosts), changed=tuple(said), failed=tuple(missing))

    def _label(
        self, host: Host, node: NodeStatus, *, site: str | None, own: Mapping[str, str]
    ) -> list[str]:
        change = node_rule.dress(
            site=site,
            locked=host.state is HostState.LOCKED,
            own=own,
            labels=node.labels,
            annotations=node.annotations,
        )
        if change.is_empty():
            return []
        self._cluster.label_node(
            host.hostname, change.labels, annotations=change.annotations
        )
        return [f"{host.hostname} labelled"]

    def _note(self, host: Host, node: NodeStatus) -> None:
        """Keep which kubelet runs there, for who asks the inventory."""
        if node.kubelet_version and node.kubelet_version != host.kubelet_version:
            with self._database.writer() as connection:
                host_repository.note_kubelet(
                    connection, host.id, version=node.kubelet_version
                )

    def _cordon(self, host: Host, node: NodeStatus) -> list[str]:
        closed = host.state in node_rule.CLOSED
        if node.unschedulable == closed:
            return []
        if closed:
            self._cluster.cordon(host.hostname)
        else:
            self._cluster.uncordon(host.hostname)
        return [f"{host.hostname} {'cordoned' if closed else 'uncordoned'}"]
