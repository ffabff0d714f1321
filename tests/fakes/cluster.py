# SPDX-License-Identifier: Apache-2.0
"""A cluster in memory, with hooks for what a test or a simulation makes happen.

Keeps the contract of adapters.kubernetes.cluster.Cluster; tests/contract/test_cluster.py
runs the same expectations against this one and a real API server. The hooks (join,
set_ready, add_pod, issue_token, `away` …) are what kubelets, users and cables do.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from hummingbird.adapters.kubernetes.cluster import (
    DrainResult,
    JoinInfo,
    NodeStatus,
    TokenIdentity,
)
from hummingbird.adapters.kubernetes.namespace import PRIVILEGED
from hummingbird.clock import Clock, SystemClock
from hummingbird.errors import KubernetesRefused, KubernetesUnavailable, TokenRefused
from tests.fakes.node_authority import NodeAuthority

_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
"""Kubernetes, "Labels and Selectors", syntax and character set."""


@dataclass
class FakePod:
    """A pod on a node; `held` is a disruption budget that forbids its eviction."""

    namespace: str
    name: str
    node: str
    agent: str | None = None
    daemon: bool = False
    mirror: bool = False
    ready: bool = True
    held: bool = False
    ending: bool = False


class FakeCluster:
    """A cluster that exists only here. Safe to use from many threads."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        version: str = "v1.36.3",
        api_endpoints: tuple[str, ...] = ("192.168.204.2:6443",),
    ) -> None:
        self.away = False
        """True: every call raises KubernetesUnavailable."""
        self.signs = True
        """False: nobody signs what is approved."""
        self.namespaces: dict[str, dict[str, str]] = {}
        self.pods: list[FakePod] = []
        self._clock = clock or SystemClock()
        self._version = version
        self._api_endpoints = api_endpoints
        self._authority = NodeAuthority(self._clock)
        self._nodes: dict[str, NodeStatus] = {}
        self.leases_stand = False
        """No kubelet reaches the API server any more."""
        self._service_tokens: dict[str, tuple[str, TokenIdentity]] = {}
        self._lock = threading.RLock()

    # --- what kubelets, users and cables do ---------------------------------------

    def join(
        self,
        name: str,
        *,
        certificate: str | None = None,
        boot_id: str = "boot-1",
        ready: bool = True,
        internal_ip: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> NodeStatus:
        """Do what `kubeadm join` does; with `certificate` (PEM), only by that node's own.

        :raises KubernetesRefused: it is another's, or a ready node has that name.
        """
        with self._lock:
            if certificate is not None and self.identity_of(certificate) != name:
                raise KubernetesRefused(action="join", message="Unauthorized")
            old = self._nodes.get(name)
            if certificate is not None and old is not None and old.ready:
                raise KubernetesRefused(
                    action="join", message=f"a Node with name {name} exists already"
                )
            self._nodes[name] = NodeStatus(
                name=name,
                uid=old.uid if old else str(uuid4()),
                ready=ready,
                unschedulable=old.unschedulable if old else False,
                boot_id=boot_id,
                kubelet_version=self._version,
                lease_renewed_at=self._clock.now(),
                internal_ip=internal_ip,
                # A kubelet labels the node that it makes, and no other.
                labels=old.labels if old else dict(labels or {}),
                annotations=old.annotations if old else {},
            )
            return self._nodes[name]

    def set_ready(self, name: str, ready: bool, *, boot_id: str | None = None) -> None:
        """Let the node controller believe this of a node; a ready one renews its lease."""
        with self._lock:
            node = self._nodes[name]
            self._nodes[name] = replace(
                node,
                ready=ready,
                posts=True,
                ready_reason="KubeletReady" if ready else "KubeletNotReady",
                ready_message="",
                boot_id=boot_id or node.boot_id,
                lease_renewed_at=self._clock.now() if ready else node.lease_renewed_at,
            )

    def say(self, name: str, **what: Any) -> None:
        """Let the kubelet of a node say of itself what it likes."""
        with self._lock:
            self._nodes[name] = replace(self._nodes[name], **what)

    def silence(self, name: str) -> None:
        """Let the node controller believe that a node's kubelet says nothing."""
        with self._lock:
            self._nodes[name] = replace(
                self._nodes[name],
                ready=False,
                posts=False,
                ready_reason="NodeStatusUnknown",
                ready_message="Kubelet stopped posting node status.",
            )

    def renew_lease(self, name: str) -> None:
        """Let the kubelet of a node give its sign of life."""
        with self._lock:
            node = self._nodes[name]
            self._nodes[name] = replace(node, lease_renewed_at=self._clock.now())

    def identity_of(self, certificate: str) -> str | None:
        """Return the node that a certificate (PEM) speaks for now, None for nobody."""
        return self._authority.node_of(certificate)

    def add_pod(self, pod: FakePod) -> FakePod:
        """Schedule a pod."""
        with self._lock:
            self.pods.append(pod)
            return pod

    def add_agents(
        self,
        hostname: str,
        *,
        namespace: str = "hummingbird",
        agents: tuple[str, ...] = ("mtc-client", "sysinv-agent"),
        ready: bool = True,
    ) -> None:
        """Do what the DaemonSet controller and a kubelet do with the agents' chart."""
        with self._lock:
            self.pods = [
                pod for pod in self.pods if not (pod.node == hostname and pod.agent)
            ]
            for agent in agents:
                self.pods.append(
                    FakePod(
                        namespace=namespace,
                        name=f"{agent}-{uuid4().hex[:5]}",
                        node=hostname,
                        agent=agent,
                        daemon=True,
                        ready=ready,
                    )
                )

    def issue_token(
        self,
        *,
        node_name: str,
        audience: str = "hummingbird",
        namespace: str = "hummingbird",
        service_account: str = "mtc-client",
        pod_name: str = "agent",
    ) -> str:
        """Do what the kubelet does: project a token bound to a node and a pod."""
        with self._lock:
            node = self._nodes.get(node_name)
            token = f"token-{uuid4()}"
            self._service_tokens[token] = (
                audience,
                TokenIdentity(
                    username=f"system:serviceaccount:{namespace}:{service_account}",
                    namespace=namespace,
                    service_account=service_account,
                    node_name=node_name if node else "",
                    node_uid=node.uid if node else "",
                    pod_name=pod_name,
                    pod_uid=str(uuid4()),
                ),
            )
            return token

    def revoke_token(self, token: str) -> None:
        """Delete the pod that a token is bound to."""
        with self._lock:
            self._service_tokens.pop(token, None)

    # --- the contract ---------------------------------------------------------------

    def check(self) -> str:
        with self._reached():
            return self._version

    def join_info(self) -> JoinInfo:
        with self._reached():
            return JoinInfo(
                api_endpoints=self._api_endpoints,
                ca_certificate=self._authority.certificate,
                version=".".join(self._version.removeprefix("v").split(".")[:2]),
            )

    def sign_node_certificate(
        self, *, hostname: str, request: str, lifetime: timedelta
    ) -> str | None:
        with self._reached():
            if not self.signs:
                return None
            return self._authority.sign(request, hostname=hostname, lifetime=lifetime)

    def node(self, name: str) -> NodeStatus | None:
        with self._reached():
            node = self._nodes.get(name)
            return None if node is None else self._renewed(node)

    def nodes(self, *, label_selector: str | None = None) -> dict[str, NodeStatus]:
        with self._reached():
            return {
                name: self._renewed(node)
                for name, node in self._nodes.items()
                if _selects(label_selector, node.labels)
            }

    def _renewed(self, node: NodeStatus) -> NodeStatus:
        """Return a node with the lease that its kubelet has renewed since."""
        if not node.ready or self.leases_stand:
            return node
        return replace(node, lease_renewed_at=self._clock.now())

    def label_node(
        self,
        name: str,
        labels: Mapping[str, str | None],
        *,
        uid: str | None = None,
        annotations: Mapping[str, str | None] | None = None,
    ) -> bool:
        with self._reached():
            node = self._same(name, uid)
            if node is None:
                return False
            for key, value in labels.items():
                _refuse_odd_label(name, key, value or "")
            self._nodes[name] = replace(
                node,
                labels=_merged(node.labels, labels),
                annotations=_merged(node.annotations, annotations or {}),
            )
            return True

    def cordon(self, name: str, *, uid: str | None = None) -> bool:
        return self._set_unschedulable(name, uid, True)

    def uncordon(self, name: str, *, uid: str | None = None) -> bool:
        return self._set_unschedulable(name, uid, False)

    def drain(
        self,
        name: str,
        *,
        uid: str | None = None,
        deadline: Callable[[], bool],
        on_event: Callable[[str], None],
    ) -> DrainResult:
        evicted = 0
        while True:
            with self._reached():
                node = self._same(name, uid)
                if node is None:
                    return DrainResult(evicted, ())
                alive = node.ready
                for pod in self._to_move(name):
                    if pod.held:
                        on_event(f"pod {pod.namespace}/{pod.name} can't be moved yet")
                    elif not pod.ending:
                        pod.ending = True
                        evicted += 1
                        on_event(f"pod {pod.namespace}/{pod.name} is being moved away")
                if alive:
                    self.pods = [pod for pod in self.pods if not pod.ending]
                left = self._to_move(name)
            if not left or not alive or deadline():
                shown = sorted(f"{pod.namespace}/{pod.name}" for pod in left)
                return DrainResult(evicted, tuple(shown))
            self._clock.wait(threading.Event(), seconds=1.0)

    def delete_node(self, name: str, *, uid: str | None = None) -> bool:
        with self._reached():
            if self._same(name, uid) is None:
                return False
            del self._nodes[name]
            return True

    def agent_pods(self, hostname: str, *, namespace: str) -> dict[str, bool]:
        with self._reached():
            return {
                pod.agent: pod.ready
                for pod in self.pods
                if pod.agent and pod.node == hostname and pod.namespace == namespace
            }

    def review_token(self, token: str, *, audience: str) -> TokenIdentity:
        with self._reached():
            made_for, identity = self._service_tokens.get(token, (None, None))
            if identity is None or made_for != audience:
                raise TokenRefused(message="it is not valid")
            return identity

    def ensure_namespace(self, name: str, *, labels: Mapping[str, str]) -> None:
        with self._reached():
            self.namespaces.setdefault(name, {}).update({**labels, **PRIVILEGED})

    def _same(self, name: str, uid: str | None) -> NodeStatus | None:
        """Return the node if it is the one that is meant; without a uid, as a person
        means it, by its name alone."""
        node = self._nodes.get(name)
        return node if node is not None and uid in (None, node.uid) else None

    def _set_unschedulable(
        self, name: str, uid: str | None, unschedulable: bool
    ) -> bool:
        with self._reached():
            node = self._same(name, uid)
            if node is None:
                return False
            self._nodes[name] = replace(node, unschedulable=unschedulable)
            return True

    def _to_move(self, name: str) -> list[FakePod]:
        return [
            pod
            for pod in self.pods
            if pod.node == name and not pod.daemon and not pod.mirror
        ]

    @contextmanager
    def _reached(self) -> Iterator[None]:
        if self.away:
            raise KubernetesUnavailable(message="connection refused")
        with self._lock:
            yield


def _refuse_odd_label(name: str, key: str, value: str) -> None:
    if not _LABEL_VALUE.fullmatch(value):
        raise KubernetesRefused(
            action=f"change node {name}", message=f"{key}: invalid value {value!r}"
        )


def _merged(
    there: Mapping[str, str], patch: Mapping[str, str | None]
) -> dict[str, str]:
    """Do what a merge patch does (RFC 7396)."""
    merged = {**there, **patch}
    return {key: value for key, value in merged.items() if value is not None}


def _selects(selector: str | None, labels: Mapping[str, str]) -> bool:
    """Understand `key` and `key=value`, joined by commas."""
    for term in (selector or "").split(","):
        key, equals, value = term.partition("=")
        if key and (key not in labels or (equals and labels[key] != value)):
            return False
    return True
