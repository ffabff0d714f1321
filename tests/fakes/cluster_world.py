# SPDX-License-Identifier: Apache-2.0
"""What happens to a cluster from outside, for the fake one and for a real one.

A test of the contract needs a node that joins, a pod on it, a kubelet that dies. In the
fake cluster these are hooks; at a real API server, `RealWorld` writes the objects that
kubelets and users would write.
"""

import base64
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import uuid4

import yaml

from hummingbird.adapters.kubernetes.cluster import Cluster, KubernetesCluster
from hummingbird.adapters.kubernetes.connection import MERGE_PATCH, Connection
from tests.fakes.cluster import FakeCluster, FakePod

ACCOUNT: Final = Path(__file__).parents[2] / "etc" / "kubernetes-account.yaml"


class World(Protocol):
    """A cluster, and what tests make happen to it."""

    cluster: Cluster
    namespace: str

    def unreachable(self) -> Cluster:
        """Return a cluster that does not answer."""

    def join(self, name: str, *, ready: bool = True) -> None:
        """Let a node appear, or change whether it is ready."""

    def add_pod(
        self,
        name: str,
        node: str,
        *,
        agent: str | None = None,
        daemon: bool = False,
        mirror: bool = False,
        held: bool = False,
        ready: bool = True,
    ) -> None:
        """Let a pod run on a node; `held`: a budget forbids its eviction."""

    def identity(
        self, certificate: str, private_key: str
    ) -> tuple[str, set[str]] | None:
        """Return the user and the groups that a client certificate (PEM) is taken for,
        None where nobody is let in by it."""

    def service_token(self, node: str, *, account: str, audience: str) -> str:
        """Return a token as the kubelet of `node` projects it into a new pod."""

    def revoke(self, token: str) -> None:
        """Delete the pod that the token is bound to."""

    def labels_of(self, namespace: str) -> Mapping[str, str] | None:
        """Return a namespace's labels, None without such a namespace."""


class FakeWorld:
    """The fake cluster's own hooks."""

    namespace = "hummingbird"

    def __init__(self) -> None:
        self.fake = FakeCluster()
        self.cluster: Cluster = self.fake

    def unreachable(self) -> Cluster:
        gone = FakeCluster()
        gone.away = True
        return gone

    def join(self, name: str, *, ready: bool = True) -> None:
        self.fake.join(name, ready=ready, internal_ip="192.0.2.7")

    def add_pod(
        self,
        name: str,
        node: str,
        *,
        agent: str | None = None,
        daemon: bool = False,
        mirror: bool = False,
        held: bool = False,
        ready: bool = True,
    ) -> None:
        self.fake.add_pod(
            FakePod(self.namespace, name, node, agent, daemon, mirror, ready, held)
        )

    def identity(
        self, certificate: str, private_key: str
    ) -> tuple[str, set[str]] | None:
        node = self.fake.identity_of(certificate)
        groups = {"system:nodes", "system:authenticated"}
        return None if node is None else (f"system:node:{node}", groups)

    def service_token(self, node: str, *, account: str, audience: str) -> str:
        return self.fake.issue_token(
            node_name=node, audience=audience, service_account=account
        )

    def revoke(self, token: str) -> None:
        self.fake.revoke_token(token)

    def labels_of(self, namespace: str) -> Mapping[str, str] | None:
        return self.fake.namespaces.get(namespace)


class RealWorld:
    """An API server with its controllers, and no kubelet: this class plays those.

    The product's side has the rights of etc/kubernetes-account.yaml and no other. All is
    made in a namespace of its own, which `end` deletes, with the account and the nodes.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        self._api = Connection(kubeconfig)
        self.namespace = f"contract-{uuid4().hex[:8]}"
        self._nodes: set[str] = set()
        self._pods: dict[str, str] = {}
        self._account: list[str] = []
        self.cluster: Cluster = KubernetesCluster(self._as_the_account())
        for account in ("mtc-client", "intruder"):
            self._make(
                self._path("serviceaccounts"), kind="ServiceAccount", name=account
            )

    def end(self) -> None:
        """Delete what was made."""
        for node in self._nodes:
            self._delete(f"/api/v1/nodes/{node}")
            self._delete(_lease(node))
        for path in reversed(self._account):
            self._delete(path)

    def _as_the_account(self) -> Path:
        """Make the account that operators are told to make, for this namespace; return
        its kubeconfig."""
        text = ACCOUNT.read_text().replace("hummingbird", self.namespace)
        for document in yaml.safe_load_all(text):
            group, _, version = document["apiVersion"].rpartition("/")
            root = f"/apis/{group}/{version}" if group else f"/api/{version}"
            where = document["metadata"].get("namespace")
            inside = f"/namespaces/{where}" if where else ""
            path = f"{root}{inside}/{document['kind'].lower()}s"
            self._api.request("POST", path, action="make the account", body=document)
            self._account.append(f"{path}/{document['metadata']['name']}")
        content = yaml.safe_load(self._kubeconfig.read_text())
        for entry in content["users"]:
            entry["user"] = {"token": self._token_of_the_account()}
        return _written(content)

    def _token_of_the_account(self) -> str:
        deadline = time.monotonic() + 60
        while True:
            secret = self._api.find(
                f"{self._path('secrets')}/controller", action="look"
            )
            token = ((secret or {}).get("data") or {}).get("token")
            if token:
                return base64.b64decode(token).decode()
            assert time.monotonic() < deadline, "no token was made for the account"
            time.sleep(0.1)

    def unreachable(self) -> Cluster:
        content = yaml.safe_load(self._kubeconfig.read_text())
        for entry in content["clusters"]:
            entry["cluster"]["server"] = "https://127.0.0.1:1"
        return KubernetesCluster(_written(content), timeout_seconds=2)

    def join(self, name: str, *, ready: bool = True) -> None:
        self._nodes.add(name)
        if self._api.find(f"/api/v1/nodes/{name}", action="look") is None:
            self._make("/api/v1/nodes", kind="Node", name=name)
        self._patch(
            f"/api/v1/nodes/{name}/status",
            {
                "status": {
                    "conditions": [
                        {
                            "type": "Ready",
                            "status": str(ready),
                            "reason": "Test",
                            "lastHeartbeatTime": _now("%Y-%m-%dT%H:%M:%SZ"),
                        }
                    ],
                    "addresses": [{"type": "InternalIP", "address": "192.0.2.7"}],
                    "nodeInfo": _NODE_INFO,
                }
            },
        )
        if self._api.find(_lease(name), action="look") is None:
            self._make(
                _lease("")[:-1],
                kind="Lease",
                name=name,
                version="coordination.k8s.io/v1",
                spec={
                    "holderIdentity": name,
                    "leaseDurationSeconds": 40,
                    "renewTime": _now("%Y-%m-%dT%H:%M:%S.%fZ"),
                },
            )

    def add_pod(
        self,
        name: str,
        node: str,
        *,
        agent: str | None = None,
        daemon: bool = False,
        mirror: bool = False,
        held: bool = False,
        ready: bool = True,
    ) -> None:
        labels = {"test": name}
        if agent:
            labels["app.kubernetes.io/name"] = agent
        extra: dict[str, Any] = {"labels": labels}
        if daemon:
            extra["ownerReferences"] = [_NOBODYS_DAEMON_SET]
        if mirror:
            extra["annotations"] = {
                "kubernetes.io/config.mirror": "x",
                "kubernetes.io/config.source": "file",
            }
        if held:
            self._make(
                f"/apis/policy/v1/namespaces/{self.namespace}/poddisruptionbudgets",
                kind="PodDisruptionBudget",
                name=name,
                version="policy/v1",
                spec={"minAvailable": 1, "selector": {"matchLabels": {"test": name}}},
            )
        self._make(
            self._path("pods"), kind="Pod", name=name, spec=_pod(node, mirror), **extra
        )
        # A pod that never ran may be evicted whatever its budget says.
        self._patch(
            f"{self._path('pods')}/{name}/status",
            {
                "status": {
                    "phase": "Running",
                    "conditions": [{"type": "Ready", "status": str(ready)}],
                }
            },
        )

    def identity(
        self, certificate: str, private_key: str
    ) -> tuple[str, set[str]] | None:
        content = yaml.safe_load(self._kubeconfig.read_text())
        for entry in content["users"]:
            entry["user"] = {
                "client-certificate-data": base64.b64encode(
                    certificate.encode()
                ).decode(),
                "client-key-data": base64.b64encode(private_key.encode()).decode(),
            }
        answer = Connection(_written(content)).request(
            "POST",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            action="say who we are",
            body={
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "SelfSubjectReview",
            },
            expect=(401,),
        )
        if answer.status == 401:
            return None
        user = answer.body["status"]["userInfo"]
        return user["username"], set(user["groups"])

    def service_token(self, node: str, *, account: str, audience: str) -> str:
        pod = f"agent-{uuid4().hex[:8]}"
        made = self._make(
            self._path("pods"), kind="Pod", name=pod, spec=_pod(node, False, account)
        )
        answer = self._api.request(
            "POST",
            f"{self._path('serviceaccounts')}/{account}/token",
            action="make a token",
            body={
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenRequest",
                "spec": {
                    "audiences": [audience],
                    "boundObjectRef": {
                        "apiVersion": "v1",
                        "kind": "Pod",
                        "name": pod,
                        "uid": made["metadata"]["uid"],
                    },
                },
            },
        )
        token = str(answer.body["status"]["token"])
        self._pods[token] = pod
        return token

    def revoke(self, token: str) -> None:
        self._delete(f"{self._path('pods')}/{self._pods[token]}")

    def labels_of(self, namespace: str) -> Mapping[str, str] | None:
        found = self._api.find(f"/api/v1/namespaces/{namespace}", action="look")
        return None if found is None else found["metadata"]["labels"]

    def _path(self, kind: str) -> str:
        return f"/api/v1/namespaces/{self.namespace}/{kind}"

    def _make(
        self,
        path: str,
        *,
        kind: str,
        name: str,
        version: str = "v1",
        spec: Mapping[str, Any] | None = None,
        **metadata: Any,
    ) -> Mapping[str, Any]:
        body: dict[str, Any] = {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name, **metadata},
        }
        if spec is not None:
            body["spec"] = spec
        return self._api.request("POST", path, action=f"make {kind}", body=body).body

    def _patch(self, path: str, patch: Mapping[str, Any]) -> None:
        self._api.request(
            "PATCH", path, action="patch", body=patch, content_type=MERGE_PATCH
        )

    def _delete(self, path: str) -> None:
        self._api.request(
            "DELETE",
            path,
            action="delete",
            query={"gracePeriodSeconds": 0, "propagationPolicy": "Background"},
            expect=(404,),
        )


_NOBODYS_DAEMON_SET: Final = {
    "apiVersion": "contract.hummingbird.test/v1",
    "kind": "DaemonSet",
    "name": "agents",
    "uid": "6b5c1f0e-8a5b-4f0c-9d1b-0c8f7c1f6a10",
    "controller": True,
}
"""A DaemonSet of a group that no controller knows.

The controller of real ones releases a pod that does not match, also when the set was
deleted a moment ago: a pod of such a set is a daemon's or not as the race ends.
"""

_NODE_INFO = {
    "bootID": "0f6d2f3a-boot",
    "kubeletVersion": "v1.36.3",
    **dict.fromkeys(
        (
            "machineID",
            "systemUUID",
            "kernelVersion",
            "osImage",
            "containerRuntimeVersion",
            "kubeProxyVersion",
            "operatingSystem",
            "architecture",
        ),
        "",
    ),
}


def _pod(node: str, mirror: bool, account: str = "mtc-client") -> dict[str, Any]:
    spec: dict[str, Any] = {
        "nodeName": node,
        "containers": [{"name": "c", "image": "none.invalid/c"}],
        # No kubelet will say that it has ended: gone at once, where none is to be
        # waited for.
        "terminationGracePeriodSeconds": 0,
    }
    if not mirror:
        spec |= {"serviceAccountName": account, "automountServiceAccountToken": False}
    return spec


def _lease(name: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}"


def _now(form: str) -> str:
    return datetime.now(UTC).strftime(form)


def _written(content: Any) -> Path:
    file = Path(tempfile.mkdtemp(prefix="hummingbird-test-")) / "kubeconfig"
    file.write_text(yaml.safe_dump(content))
    return file
