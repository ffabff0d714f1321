# SPDX-License-Identifier: Apache-2.0
"""Each EdgeWorker's Kubernetes node has the labels and the cordon of its host.

The host's labels are mirrored, and those that it lost are taken away again; labels that
others set on the node stay. What a node says of its kubelet is kept with the host, and
whether it is Ready as the host's condition. Where Kubernetes itself can't tell
(evaluation/kubernetes_sight.py), that is noted once, and what it said of each node before
stands.

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
from hummingbird.db.repository import condition, fleet, neighbour_condition
from hummingbird.db.repository import emn as emn_repository
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import label as label_repository
from hummingbird.db.session import Database
from hummingbird.domain import node as node_rule
from hummingbird.domain.condition import KUBERNETES, READY, Seen, Status
from hummingbird.domain.host_state import HostState
from hummingbird.domain.node import Owner
from hummingbird.errors import KubernetesRefused, KubernetesUnavailable, NodeForeign
from hummingbird.evaluation.kubernetes_sight import KubernetesSight, Returns
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
        observer: str,
    ) -> None:
        """:param observer: who says that Kubernetes does not answer."""
        self._database = database
        self._clock = clock
        self._cluster = cluster
        self._sight = KubernetesSight(observer=observer)
        self.period_seconds = period_seconds
        self._everywhere_at = clock.monotonic()
        self._returns = Returns()
        self._right: dict[str, int] = {}
        """By host name, the mark of what was wanted when its node was last seen so."""
        self._missing: dict[str, str] = {}
        """By host name, what there is in place of its node."""

    def forget(self) -> None:
        """Read all nodes next time."""
        self._everywhere_at = self._clock.monotonic()
        self._right.clear()
        self._returns = Returns()
        self._sight.forget()

    def reconcile(self) -> Outcome:
        """Look at the nodes that may differ from their hosts; put right what does."""
        wanted = self._wanted()
        self._missing = {n: why for n, why in self._missing.items() if n in wanted}
        self._right = {n: mark for n, mark in self._right.items() if n in wanted}
        if not wanted:
            return Outcome(changed=tuple(self._note_kubernetes(None)))
        names = [n for n, one in wanted.items() if self._right.get(n) != one.mark]
        began = self._clock.monotonic()
        heard = {name: one.owner.online for name, one in wanted.items()}
        self._returns.see(heard, monotonic=began)
        try:
            names, nodes, is_all = self._read(names, wanted)
        except (KubernetesUnavailable, KubernetesRefused) as error:
            self._note_kubernetes(self._sight.unreachable(error, monotonic=began))
            raise
        own = self._own(wanted, {n: nodes[n] for n in names if n in nodes})
        said = self._note_ready(wanted, own, is_all=is_all, monotonic=began)
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

    def _read(
        self, names: list[str], wanted: Mapping[str, _Wanted]
    ) -> tuple[list[str], Mapping[str, NodeStatus], bool]:
        """Return the names of what was to be read, the nodes of these, and whether it is
        all of them.

        A node of which nothing is heard though its host is makes us read all: alone it
        does not say whose fault that is.
        """
        if self._clock.monotonic() < self._everywhere_at and len(names) <= ALONE_MOST:
            nodes = self._alone(names)
            silent = [n for n, one in nodes.items() if not one.posts]
            if not any(wanted[name].owner.online for name in silent):
                return names, nodes, False
        return list(wanted), self._everywhere(), True

    def _note_ready(
        self,
        wanted: Mapping[str, _Wanted],
        nodes: Mapping[str, NodeStatus],
        *,
        is_all: bool,
        monotonic: float,
    ) -> list[str]:
        """Keep whether nodes are Ready, with their hosts; return what is news."""
        found = {name: nodes.get(name) for name in (wanted if is_all else nodes)}
        nodes_found = {name: node for name, node in found.items() if node is not None}
        silent = self._sight.silent(nodes_found, monotonic=monotonic)
        # Of a kubelet that has not had its turn yet since its host is back.
        too_early = silent & self._returns.recent(monotonic=monotonic)
        silent -= too_early
        found = {name: one for name, one in found.items() if name not in too_early}
        silent |= found.keys() - nodes_found.keys()
        said: list[str] = []
        if is_all:
            self._sight.keep(nodes_found)
            heard = {name for name in found if wanted[name].owner.online}
            judged = self._sight.judge(silent, heard, monotonic=monotonic)
            said += self._note_kubernetes(judged)
            if judged.status is not Status.TRUE:
                found = {n: one for n, one in found.items() if n not in silent & heard}
        with self._database.reader() as connection:
            known = condition.ready(connection)
        news: dict[int, tuple[str, Seen]] = {}
        for name, node in found.items():
            host_id, status = wanted[name].owner.id, _status(node, name in silent)
            if known.get(host_id) is not status:
                news[host_id] = name, _seen(node, status)
        if not news:
            return said
        now = self._clock.now()
        with self._database.writer() as connection:
            for host_id, (_, seen) in sorted(news.items()):
                condition.put(connection, host_id, READY, seen, now=now)
        return said + [
            f"{name} is {_WORDS[seen.status]}"
            for host_id, (name, seen) in sorted(news.items())
            if host_id in known or seen.status is not Status.TRUE
        ]

    def _note_kubernetes(self, seen: Seen | None) -> list[str]:
        """Keep what is known of Kubernetes itself; None: no host hangs on it. Return what
        is news."""
        with self._database.reader() as connection:
            known = neighbour_condition.find(connection, KUBERNETES)
        before = None if known is None else (known.status, known.reason)
        after = None if seen is None else (seen.status, seen.reason)
        if before == after or (
            known is None and (seen is None or seen.status is Status.TRUE)
        ):
            return []
        with self._database.writer() as connection:
            if seen is None:
                neighbour_condition.forget(connection, KUBERNETES)
            else:
                neighbour_condition.put(
                    connection, KUBERNETES, seen, now=self._clock.now()
                )
        return [f"Kubernetes: {after[1] if after else 'no host hangs on it'}"]

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


_WORDS: Final = {
    Status.TRUE: "Ready",
    Status.FALSE: "not Ready",
    Status.UNKNOWN: "not heard of by Kubernetes",
}


def _status(node: NodeStatus | None, is_silent: bool) -> Status:
    if node is None:
        return Status.FALSE
    if is_silent:
        return Status.UNKNOWN
    return Status.TRUE if node.ready else Status.FALSE


def _seen(node: NodeStatus | None, status: Status) -> Seen:
    """Return what Kubernetes says of a node, as the condition of its host."""
    if node is None:
        reason, message = "NodeNotFound", "there is no node of its own in Kubernetes"
    elif status is Status.UNKNOWN:
        reason = "NodeStatusUnknown"
        message = "its lease is not renewed" if node.posts else node.ready_message
    else:
        reason, message = node.ready_reason, node.ready_message
    return Seen(
        status=status,
        reason=reason or ("KubeletReady" if status is Status.TRUE else "Unspecified"),
        message=message,
        observer=KUBERNETES,
    )
