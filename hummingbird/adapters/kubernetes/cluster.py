# SPDX-License-Identifier: Apache-2.0
"""The cluster that hosts join: what the rest of Hummingbird may ask of it.

`Cluster` is the contract, `KubernetesCluster` keeps it with a real API server. Both
raise `KubernetesUnavailable` and `KubernetesRefused` only (`review_token` also
`TokenRefused`), wait for nothing but the answer (`drain` excepted), and may be called
from many threads. Taints are never touched: they are the operator's.

What changes a node names it by name and uid: a name can be another machine's a moment
later, a uid is never given twice.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from hummingbird.adapters.kubernetes import node_certificate
from hummingbird.adapters.kubernetes.connection import Connection
from hummingbird.adapters.kubernetes.drain import DrainResult, drain
from hummingbird.adapters.kubernetes.join import JoinInfo, join_info
from hummingbird.adapters.kubernetes.namespace import ensure_namespace
from hummingbird.adapters.kubernetes.node import (
    NodeStatus,
    delete_node,
    find_node,
    list_nodes,
    patch_node,
)
from hummingbird.adapters.kubernetes.pod import agent_pods
from hummingbird.adapters.kubernetes.token_review import TokenIdentity, review_token
from hummingbird.clock import Clock, SystemClock

__all__ = [
    "Cluster",
    "DrainResult",
    "JoinInfo",
    "KubernetesCluster",
    "NodeStatus",
    "TokenIdentity",
]


class Cluster(Protocol):
    """A Kubernetes cluster."""

    def check(self) -> str:
        """Return the server's version, e.g. "v1.36.3"."""

    def join_info(self) -> JoinInfo:
        """Return what a host must know to join."""

    def sign_node_certificate(
        self, *, hostname: str, request: str, lifetime: timedelta
    ) -> str | None:
        """Return the certificate (PEM) that lets a host join as `hostname` and as no
        other, None while it is not signed: ask again with the same `request` (PKCS #10,
        PEM).

        It is valid for `lifetime`, ten minutes at least.
        """

    def node(self, name: str) -> NodeStatus | None:
        """Return one node, or None."""

    def nodes(self, *, label_selector: str | None = None) -> dict[str, NodeStatus]:
        """Return nodes by name: all, or those that `label_selector` selects."""

    def label_node(
        self,
        name: str,
        labels: Mapping[str, str | None],
        *,
        uid: str,
        annotations: Mapping[str, str | None] | None = None,
    ) -> bool:
        """Set labels and annotations at once (None removes one); return False where
        there is no such node: none of that name, or one with another uid."""

    def cordon(self, name: str, *, uid: str) -> bool:
        """Let nothing new be scheduled there; return False without such a node."""

    def uncordon(self, name: str, *, uid: str) -> bool:
        """Undo `cordon`; return False where there is no such node."""

    def drain(
        self,
        name: str,
        *,
        uid: str,
        deadline: Callable[[], bool],
        on_event: Callable[[str], None],
    ) -> DrainResult:
        """Evict the pods of a node until they are gone or `deadline()` says stop, or
        until there is no such node.

        `deadline` returns True to stop; it is asked each second. Pods of DaemonSets
        and mirror pods stay. Where the node is not ready, evictions are asked for and
        not waited for.
        """

    def delete_node(self, name: str, *, uid: str) -> bool:
        """Delete the node object; return False where there is no such node."""

    def agent_pods(self, hostname: str, *, namespace: str) -> dict[str, bool]:
        """Return the agents on a host (by app.kubernetes.io/name) and their readiness."""

    def review_token(self, token: str, *, audience: str) -> TokenIdentity:
        """Return whom a service-account token speaks for.

        :raises TokenRefused: it is not valid for `audience`.
        """

    def ensure_namespace(self, name: str, *, labels: Mapping[str, str]) -> None:
        """Make a namespace in which privileged pods may run, with these labels."""


class KubernetesCluster:
    """A real cluster, through its API server.

    Nothing is opened, read or imported before the first call.
    """

    def __init__(
        self,
        kubeconfig: str | Path | None = None,
        *,
        context: str | None = None,
        timeout_seconds: float = 10.0,
        api_endpoints: Sequence[str] = (),
        clock: Clock | None = None,
    ) -> None:
        self._connection = Connection(
            kubeconfig, context=context, timeout_seconds=timeout_seconds
        )
        self._api_endpoints = tuple(api_endpoints)
        self._clock = clock or SystemClock()

    def check(self) -> str:
        version = self._connection.request(
            "GET", "/version", action="tell its version"
        ).body
        return str(version["gitVersion"])

    def join_info(self) -> JoinInfo:
        return join_info(self._connection, api_endpoints=self._api_endpoints)

    def sign_node_certificate(
        self, *, hostname: str, request: str, lifetime: timedelta
    ) -> str | None:
        return node_certificate.sign(
            self._connection, hostname=hostname, request=request, lifetime=lifetime
        )

    def node(self, name: str) -> NodeStatus | None:
        return find_node(self._connection, name)

    def nodes(self, *, label_selector: str | None = None) -> dict[str, NodeStatus]:
        found = list_nodes(self._connection, label_selector)
        return {node.name: node for node in found}

    def label_node(
        self,
        name: str,
        labels: Mapping[str, str | None],
        *,
        uid: str,
        annotations: Mapping[str, str | None] | None = None,
    ) -> bool:
        metadata = {"labels": dict(labels), "annotations": dict(annotations or {})}
        return patch_node(self._connection, name, {"metadata": metadata}, uid=uid)

    def cordon(self, name: str, *, uid: str) -> bool:
        patch = {"spec": {"unschedulable": True}}
        return patch_node(self._connection, name, patch, uid=uid)

    def uncordon(self, name: str, *, uid: str) -> bool:
        patch = {"spec": {"unschedulable": None}}
        return patch_node(self._connection, name, patch, uid=uid)

    def drain(
        self,
        name: str,
        *,
        uid: str,
        deadline: Callable[[], bool],
        on_event: Callable[[str], None],
    ) -> DrainResult:
        return drain(
            self._connection,
            name,
            uid=uid,
            deadline=deadline,
            on_event=on_event,
            clock=self._clock,
        )

    def delete_node(self, name: str, *, uid: str) -> bool:
        return delete_node(self._connection, name, uid=uid)

    def agent_pods(self, hostname: str, *, namespace: str) -> dict[str, bool]:
        return agent_pods(self._connection, hostname, namespace=namespace)

    def review_token(self, token: str, *, audience: str) -> TokenIdentity:
        return review_token(self._connection, token, audience=audience)

    def ensure_namespace(self, name: str, *, labels: Mapping[str, str]) -> None:
        ensure_namespace(self._connection, name, labels=labels)
