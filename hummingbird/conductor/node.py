# SPDX-License-Identifier: Apache-2.0
"""A run and its host's node in Kubernetes: it is looked up by name, told apart from others
of that name by `domain.node.is_of`, and whatever is done to it is done by its uid.
"""

from dataclasses import replace

from hummingbird.adapters.kubernetes.cluster import NodeStatus
from hummingbird.conductor.task import HostTask
from hummingbird.db.repository import host as host_repository
from hummingbird.db.session import Connection
from hummingbird.domain import node as node_rule
from hummingbird.errors import NodeForeign


def own_node(task: HostTask) -> NodeStatus | None:
    """Return the host's node, None where no node has its name.

    :raises NodeForeign: that node is not the host's.
    :raises KubernetesUnavailable: nobody says.
    """
    node = task.neighbours.cluster.node(task.host.hostname)
    if node is None:
        return None
    if not node_rule.is_of(
        task.host.uuid,
        known_uid=task.host.node_uid,
        is_provisioned=task.host.provisioned_plan is not None,
        uid=node.uid,
        labels=node.labels,
    ):
        raise NodeForeign(hostname=task.host.hostname)
    keep(task, node)
    return node


def keep(task: HostTask, node: NodeStatus) -> None:
    """Keep that `node` is the host's."""
    host = task.host
    if node.uid == host.node_uid:
        return

    def work(connection: Connection) -> None:
        host_repository.note_node(connection, host, uid=node.uid)

    task.journal.write(work)
    task.host = replace(host, node_uid=node.uid)


def own_uid(task: HostTask, *, seconds: float) -> str | None:
    """Return the uid of the host's node, None where no node has its name; Kubernetes may
    be away for `seconds`.

    :raises NodeForeign, KubernetesUnavailable: see `own_node`.
    """
    node = task.patiently(lambda: own_node(task), seconds=seconds)
    return None if node is None else node.uid
