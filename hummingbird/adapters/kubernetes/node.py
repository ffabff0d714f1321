# SPDX-License-Identifier: Apache-2.0
"""Nodes: what Kubernetes knows of a host, and the few things that we set on one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hummingbird.adapters.kubernetes.connection import MERGE_PATCH, Connection
from hummingbird.errors import KubernetesRefused

_NODES = "/api/v1/nodes"
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


@dataclass(frozen=True)
class NodeStatus:
    """One node as the API server shows it now.

    `ready` is what the node controller believes: it lags a dead node by the
    cluster's grace period (50 s by default). `lease_renewed_at` is the kubelet's own
    last sign of life.
    """

    name: str
    uid: str
    ready: bool
    unschedulable: bool
    boot_id: str
    kubelet_version: str
    lease_renewed_at: datetime | None
    internal_ip: str | None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    posts: bool = True
    """Whether its kubelet tells how it is; else nobody knows, and it is not ready."""
    ready_reason: str = ""
    """Kubernetes' word for why it is Ready or not."""
    ready_message: str = ""
    """Its sentence, of any length."""


def find_node(connection: Connection, name: str) -> NodeStatus | None:
    """Return the node called `name`, or None."""
    node = connection.find(f"{_NODES}/{name}", action=f"show node {name}")
    if node is None:
        return None
    lease = connection.find(f"{_LEASES}/{name}", action=f"show the lease of {name}")
    return _status(node, lease)


def list_nodes(connection: Connection, label_selector: str | None) -> list[NodeStatus]:
    """Return the nodes that `label_selector` selects; all of them for None.

    Two lists, however many nodes there are: the nodes and all leases.
    """
    query = {"labelSelector": label_selector} if label_selector else {}
    nodes = list(connection.items(_NODES, action="list nodes", **query))
    if not nodes:
        return []
    leases = {
        lease["metadata"]["name"]: lease
        for lease in connection.items(_LEASES, action="list leases")
    }
    return [_status(node, leases.get(node["metadata"]["name"])) for node in nodes]


def find_same(connection: Connection, name: str, *, uid: str) -> NodeStatus | None:
    """Return the node called `name` if it is still the one with this uid, else None."""
    node = find_node(connection, name)
    return node if node is not None and node.uid == uid else None


def patch_node(
    connection: Connection, name: str, patch: Mapping[str, Any], *, uid: str
) -> bool:
    """Merge `patch` into the node with this name and uid; return False where there is
    none, also where another node has the name."""
    action = f"change node {name}"
    metadata = {**patch.get("metadata", {}), "uid": uid}
    answer = connection.request(
        "PATCH",
        f"{_NODES}/{name}",
        action=action,
        body={**patch, "metadata": metadata},
        content_type=MERGE_PATCH,
        expect=(404, 409, 422),
    )
    if answer.status in (409, 422):
        # The uid of an object can't be changed, so a patch that names another one is
        # invalid (422); a label that is none is, too.
        if find_same(connection, name, uid=uid) is not None:
            raise KubernetesRefused(action=action, message=answer.message)
        return False
    return answer.status != 404


def delete_node(connection: Connection, name: str, *, uid: str) -> bool:
    """Delete the node object with this name and uid; return False where there is none,
    also where another node has the name."""
    answer = connection.request(
        "DELETE",
        f"{_NODES}/{name}",
        action=f"delete node {name}",
        body={
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
        },
        expect=(404, 409),
    )
    return answer.status not in (404, 409)


def _status(node: Mapping[str, Any], lease: Mapping[str, Any] | None) -> NodeStatus:
    metadata = node["metadata"]
    status = node.get("status") or {}
    info = status.get("nodeInfo") or {}
    addresses = {
        address["type"]: address["address"]
        for address in reversed(status.get("addresses") or ())
    }
    renewed = ((lease or {}).get("spec") or {}).get("renewTime")
    return NodeStatus(
        name=metadata["name"],
        uid=metadata["uid"],
        ready=is_true(status, "Ready"),
        unschedulable=bool((node.get("spec") or {}).get("unschedulable")),
        boot_id=info.get("bootID", ""),
        kubelet_version=info.get("kubeletVersion", ""),
        lease_renewed_at=datetime.fromisoformat(renewed) if renewed else None,
        internal_ip=addresses.get("InternalIP"),
        labels=dict(metadata.get("labels") or {}),
        annotations=dict(metadata.get("annotations") or {}),
        posts=_of(status, "Ready").get("status") != "Unknown",
        ready_reason=str(_of(status, "Ready").get("reason") or ""),
        ready_message=str(_of(status, "Ready").get("message") or ""),
    )


def _of(status: Mapping[str, Any], condition: str) -> Mapping[str, Any]:
    entries = status.get("conditions") or ()
    return next((entry for entry in entries if entry["type"] == condition), {})


def is_true(status: Mapping[str, Any], condition: str) -> bool:
    """Return whether a status says that `condition` is true."""
    return any(
        entry["type"] == condition and entry["status"] == "True"
        for entry in status.get("conditions") or ()
    )
