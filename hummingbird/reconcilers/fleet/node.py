# SPDX-License-Identifier: Apache-2.0
"""Each EdgeWorker's Kubernetes node has the labels and the cordon of its host.

The host's labels are mirrored, and those that it lost are taken away again; labels that
others set on the node stay. What a node says of its kubelet is kept with the host, and
whether it is Ready as the host's condition.

Sees provisioned hosts that nobody works on, and the nodes of their names. A host of which
something changed since the last look has its node read alone; all nodes are read on the
period, and in a fleet so large that this takes long, as seldom as keeps it below
EVERYWHERE_SHARE of the time. Decides by `domain.node`. Nodes that are not our hosts' are
left alone, whatever their names, and so are taints; the uid of a node that is a host's is
kept with it. While a run is at work on a host its node is the run's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from hummingbird.adapters.kubernetes.cluster import Cluster, NodeStatus
from hummingbird.clock import Clock
from hummingbird.db.repository import condition, fleet
from hummingbird.db.repository import emn as emn_repository
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import label as label_repository
from hummingbird.db.session import Database
from hummingbird.domain import node as node_rule
from hummingbird.domain.condition import is_stale
from hummingbird.domain.host_state import HostState
from hummingbird.domain.node import Owner
from hummingbird.errors import NodeForeign
from hummingbird.printable import plain
from hummingbird.reconcilers.base import Outcome

EVERYWHERE_SHARE: Final = 0.05
"""Of the time, at most, in which all nodes are read. A guess: what it delays is only that
what somebody else changed at a node is put right."""

ALONE_MOST: Final = 50
"""Nodes that are read one by one; of more all are read. A guess: a list has 500 a page."""


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What one host's node is to be."""

    owner: Owner
    site: str | None
    labels: Mapping[str, str]

    @cached_property
    def mark(self) -> int:
        """What differs where something of this does, for as long as this program runs."""
        # A change of its generation is one that somebody made, a run for instance.
        of_host = (self.owner.id, self.owner.state, self.owner.generation)
        return hash((*of_host, self.site, *sorted(self.labels.items())))


class NodeReconciler:
    """Keeps labels and cordons true."""

    name = "node"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        cluster: Cluster,
        period_seconds: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._cluster = cluster
        self.period_seconds = period_seconds
        self._everywhere_at = clock.monotonic()
        self._right: dict[str, int] = {}
        """By host name, the mark of what was wanted when its node was last seen so."""
        self._missing: dict[str, str] = {}
        """By host name, what there is in place of its node."""

    def forget(self) -> None:
        """Read all nodes next time."""
        self._everywhere_at = self._clock.monotonic()
        self._right.clear()

    def reconcile(self) -> Outcome:
        """Look at the nodes that may differ from their hosts; put right what does."""
        wanted = self._wanted()
        self._missing = {n: why for n, why in self._missing.items() if n in wanted}
        self._right = {n: mark for n, mark in self._right.items() if n in wanted}
        if not wanted:
            return Outcome()
        names = [n for n, one in wanted.items() if self._right.get(n) != one.mark]
        if self._clock.monotonic() >= self._everywhere_at or len(names) > ALONE_MOST:
            names, nodes = list(wanted), self._everywhere()
        else:
            nodes = self._alone(names)
        own = self._own(wanted, {n: nodes[n] for n in names if n in nodes})
        said = self._note_ready(wanted, own)
        for name in names:
            if name in own:
                said += self._put_right(wanted[name], own[name])
            elif name in nodes:
                self._missing[name] = str(NodeForeign(hostname=name))
            else:
                self._missing[name] = f"{name} has no node in Kubernetes"
        missing = tuple(why for _, why in sorted(self._missing.items()))
        return Outcome(looked_at=len(names), changed=tuple(said), failed=missing)

    def _own(
        self, wanted: Mapping[str, _Wanted], nodes: Mapping[str, NodeStatus]
    ) -> dict[str, NodeStatus]:
        """Return those of the nodes that are the hosts' whose names they have; keep the
        uids that are news."""
        own = {
            name: node
            for name, node in nodes.items()
            if node_rule.is_of(
                wanted[name].owner.uuid,
                known_uid=wanted[name].owner.node_uid,
                is_provisioned=True,
                uid=node.uid,
                labels=node.labels,
            )
        }
        news = [n for n, node in own.items() if wanted[n].owner.node_uid != node.uid]
        if news:
            with self._database.writer() as connection:
                for name in sorted(news, key=lambda name: wanted[name].owner.id):
                    owner = wanted[name].owner
                    host_repository.note_node(connection, owner, uid=own[name].uid)
        return own

    def _wanted(self) -> dict[str, _Wanted]:
        states = node_rule.OPEN | node_rule.CLOSED
        with self._database.snapshot() as connection:
            owners = fleet.node_owners(connection, states)
            sites = {n.id: n.site for n in emn_repository.list_all(connection)}
            labels = label_repository.by_host(connection)
        return {
            owner.hostname: _Wanted(
                owner=owner,
                site=sites.get(owner.emn_id or 0),
                labels=labels.get(owner.id, {}),
            )
            for owner in owners
        }

    def _note_ready(
        self, wanted: Mapping[str, _Wanted], nodes: Mapping[str, NodeStatus]
    ) -> list[str]:
        """Keep whether nodes are Ready, with their hosts; return what is news."""
        silent = [name for name, node in nodes.items() if not node.posts]
        stale = (
            set(silent) if is_stale(silent=len(silent), nodes=len(wanted)) else set()
        )
        with self._database.reader() as connection:
            known = condition.ready(connection)
        news = {
            wanted[name].owner.id: node
            for name, node in nodes.items()
            if name not in stale and known.get(wanted[name].owner.id) != node.ready
        }
        if not news:
            return []
        now = self._clock.now()
        with self._database.writer() as connection:
            for host_id, node in sorted(news.items()):
                condition.put_ready(
                    connection,
                    host_id,
                    is_ready=node.ready,
                    reason=node.ready_reason,
                    now=now,
                )
        return [
            f"{node.name} is {'Ready' if node.ready else 'not Ready'}"
            for host_id, node in sorted(news.items())
            if host_id in known or not node.ready
        ]

    def _everywhere(self) -> Mapping[str, NodeStatus]:
        began = self._clock.monotonic()
        nodes = self._cluster.nodes()
        now = self._clock.monotonic()
        rest = max(self.period_seconds, (now - began) / EVERYWHERE_SHARE)
        # A little less than the period, or a look on the period might come just before.
        self._everywhere_at = now + rest - 1.0
        self._missing.clear()
        return nodes

    def _alone(self, names: Iterable[str]) -> Mapping[str, NodeStatus]:
        found = {name: self._cluster.node(name) for name in names}
        for name in found:
            self._missing.pop(name, None)
        return {name: node for name, node in found.items() if node is not None}

    def _put_right(self, wanted: _Wanted, node: NodeStatus) -> list[str]:
        owner = wanted.owner
        said = self._label(owner, node, site=wanted.site, own=wanted.labels)
        said += self._cordon(owner, node)
        self._note(owner, node)
        self._right[owner.hostname] = wanted.mark
        return said

    def _label(
        self, host: Owner, node: NodeStatus, *, site: str | None, own: Mapping[str, str]
    ) -> list[str]:
        change = node_rule.dress(
            host_uuid=host.uuid,
            site=site,
            locked=host.state is HostState.LOCKED,
            own=own,
            labels=node.labels,
            annotations=node.annotations,
        )
        if change.is_empty():
            return []
        self._cluster.label_node(
            host.hostname,
            change.labels,
            uid=node.uid,
            annotations=change.annotations,
        )
        return [f"{host.hostname} labelled"]

    def _note(self, host: Owner, node: NodeStatus) -> None:
        """Keep which kubelet runs there, for who asks the inventory."""
        # Its own word, and Kubernetes takes one of any length and form.
        version = plain(node.kubelet_version)[: node_rule.KUBELET_MAX]
        if version and version != host.kubelet_version:
            with self._database.writer() as connection:
                host_repository.note_kubelet(connection, host.id, version=version)

    def _cordon(self, host: Owner, node: NodeStatus) -> list[str]:
        closed = host.state in node_rule.CLOSED
        if node.unschedulable == closed:
            return []
        if closed:
            self._cluster.cordon(host.hostname, uid=node.uid)
        else:
            self._cluster.uncordon(host.hostname, uid=node.uid)
        return [f"{host.hostname} {'cordoned' if closed else 'uncordoned'}"]
