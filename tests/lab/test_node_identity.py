# SPDX-License-Identifier: Apache-2.0
"""What a host is given to join by is worth that host and nothing else.

The box is its owner's: whoever holds it has what was put there, and asks the API server
of a real cluster for more. The same questions with a token as `kubeadm token create`
makes one, which is for any node, show that they would be answered.
"""

import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hummingbird_lab.lab import Lab

from hummingbird.keypair import make_node_key
from tests.lab.playbook_host import node_identity

pytestmark = pytest.mark.lab

KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
CLIENT = "kubernetes.io/kube-apiserver-client"
VICTIM = "victim"
NAMESPACE = "of-the-victim"

OF_THE_VICTIM = [
    {"apiVersion": "v1", "kind": "Node", "metadata": {"name": VICTIM}},
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
    {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "agent", "namespace": NAMESPACE},
    },
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "treasure", "namespace": NAMESPACE},
        "stringData": {"word": "gold"},
    },
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "agent", "namespace": NAMESPACE},
        "spec": {
            "nodeName": VICTIM,
            "serviceAccountName": "agent",
            "tolerations": [{"operator": "Exists"}],
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "c", "image": "none.invalid/c"}],
            "volumes": [{"name": "v", "secret": {"secretName": "treasure"}}],
        },
    },
]


@dataclass(frozen=True)
class Client:
    """Somebody with credentials, at the API server from the controller's network."""

    lab: Lab
    kubeconfig: Path

    def do(self, *words: str, body: object = None) -> subprocess.CompletedProcess[str]:
        argv = ["kubectl", "--kubeconfig", str(self.kubeconfig), *words]
        text = None if body is None else json.dumps(body)
        return self.lab.exec("controller", argv, input_text=text, check=False)

    def ask(self, subject_of: str, *, signer: str = KUBELET_CLIENT) -> "Asked":
        """Ask for a certificate of node `subject_of`."""
        name = f"asked-{uuid4().hex}"
        private_key, request = make_node_key(subject_of)
        body = {
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": {"name": name},
            "spec": {
                "request": base64.b64encode(request.encode()).decode(),
                "signerName": signer,
                "usages": ["digital signature", "key encipherment", "client auth"],
            },
        }
        done = self.do("create", "-f", "-", body=body)
        return Asked(name, private_key, is_taken=done.returncode == 0)


@dataclass(frozen=True)
class Asked:
    """A request for a certificate, and the key that it is for."""

    name: str
    private_key: str
    is_taken: bool


class Cluster:
    """The lab's cluster, its administrator, and those who come with credentials."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self._lab, self._folder = lab, folder
        self.admin = Client(lab, lab.kubeconfig)

    def client(self, user: dict[str, str]) -> Client:
        """Return somebody with the credentials `user`, as a kubeconfig has them."""
        view = ("config", "view", "--raw", "--minify", "--flatten", "-o", "json")
        document: dict[str, Any] = json.loads(self.admin.do(*view).stdout)
        document["contexts"][0]["context"]["user"] = "somebody"
        document["users"] = [{"name": "somebody", "user": user}]
        path = self._folder / f"{uuid4().hex}.json"
        path.write_text(json.dumps(document))
        return Client(self._lab, path)

    def node(self, certificate: str, private_key: str) -> Client:
        """Return the holder of a client certificate (PEM)."""
        return self.client(
            {
                "client-certificate-data": base64.b64encode(
                    certificate.encode()
                ).decode(),
                "client-key-data": base64.b64encode(private_key.encode()).decode(),
            }
        )

    def status(self, asked: Asked) -> dict[str, Any]:
        told = self.admin.do("get", "csr", asked.name, "-o", "json").stdout
        found: dict[str, Any] = json.loads(told).get("status", {})
        return found

    def certificate(self, asked: Asked) -> str:
        """Return the certificate for what was asked, once it is signed."""
        assert asked.is_taken
        until(lambda: "certificate" in self.status(asked))
        return base64.b64decode(self.status(asked)["certificate"]).decode()


@pytest.fixture(scope="module")
def cluster(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster in which a node, a secret of its own and a pod of its own are somebody
    else's."""
    cluster = Cluster(lab, tmp_path_factory.mktemp("credentials"))
    for document in OF_THE_VICTIM:
        done = cluster.admin.do("apply", "-f", "-", body=document)
        assert done.returncode == 0, done.stderr
    yield cluster
    cluster.admin.do("delete", "namespace", NAMESPACE, "--wait=false")
    cluster.admin.do("delete", "node", VICTIM)


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.1)


def reads_the_secret(somebody: Client) -> bool:
    words = ("--namespace", NAMESPACE, "get", "secret", "treasure", "-o", "json")
    done = somebody.do(*words)
    assert done.returncode == 0 or "forbidden" in done.stderr.lower(), done.stderr
    return done.returncode == 0


def gets_the_agents_token(cluster: Cluster, somebody: Client) -> bool:
    pods = ("--namespace", NAMESPACE, "get", "pod", "agent", "-o", "json")
    uid = json.loads(cluster.admin.do(*pods).stdout)["metadata"]["uid"]
    words = ("--namespace", NAMESPACE, "create", "token", "agent")
    bound = ("--bound-object-kind", "Pod", "--bound-object-name", "agent")
    done = somebody.do(*words, *bound, "--bound-object-uid", uid)
    assert done.returncode == 0 or "forbidden" in done.stderr.lower(), done.stderr
    return done.returncode == 0


def test_who_holds_a_host_gets_no_other_nodes_certificate(
    lab: Lab, cluster: Cluster
) -> None:
    host = cluster.node(**node_identity(lab, "edge-0"))
    wanted = [
        host.ask(VICTIM),
        host.ask(VICTIM, signer=CLIENT),
        host.ask("edge-0", signer=CLIENT),
        host.ask("controller"),
    ]
    # Its own is signed, twice after the others were asked for: they had their turn.
    for _ in range(2):
        cluster.certificate(host.ask("edge-0"))
    for asked in wanted:
        assert not asked.is_taken or not cluster.status(asked), asked
        if asked.is_taken:
            refused = host.do("certificate", "approve", asked.name)
            assert "forbidden" in refused.stderr.lower()


def test_who_holds_a_host_reads_nothing_of_another_node(
    lab: Lab, cluster: Cluster
) -> None:
    host = cluster.node(**node_identity(lab, "edge-0"))
    assert not reads_the_secret(host)
    assert not gets_the_agents_token(cluster, host)
    for words in (
        ("--namespace", "kube-system", "get", "secrets"),
        ("--namespace", "hummingbird", "get", "secrets"),
        ("--namespace", "kube-system", "create", "secret", "generic", "x"),
        ("label", "node", VICTIM, "mine=yes"),
        ("delete", "node", VICTIM),
        ("--namespace", NAMESPACE, "delete", "pod", "agent"),
    ):
        refused = host.do(*words)
        assert refused.returncode != 0, words
        assert "forbidden" in refused.stderr.lower(), (words, refused.stderr)


def test_a_token_of_the_clusters_owner_is_still_for_any_node(
    lab: Lab, cluster: Cluster
) -> None:
    made = lab.exec(
        "controller",
        ["kubeadm", "token", "create", "--ttl=15m", "--kubeconfig", lab.kubeconfig],
    )
    asked = cluster.client({"token": made.stdout.strip()}).ask(VICTIM)
    victim = cluster.node(cluster.certificate(asked), asked.private_key)
    assert reads_the_secret(victim)
    assert gets_the_agents_token(cluster, victim)
