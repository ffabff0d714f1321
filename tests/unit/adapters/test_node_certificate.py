# SPDX-License-Identifier: Apache-2.0
"""The certificate for a join: asked for once, for one name and key, and never blindly."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import pytest

from hummingbird.adapters.kubernetes.connection import Answer, Connection
from hummingbird.adapters.kubernetes.node_certificate import sign
from hummingbird.errors import KubernetesRefused
from hummingbird.keypair import make_node_key

HOUR = timedelta(hours=1)
_, REQUEST = make_node_key("edge-0")


class Requests:
    """An API server that knows certificate requests alone."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.done: list[tuple[str, str]] = []
        self.posted_by_another = False

    def find(self, path: str, *, action: str) -> Mapping[str, Any] | None:
        return self.objects.get(path)

    def request(
        self,
        method: str,
        path: str,
        *,
        action: str,
        body: dict[str, Any],
        expect: tuple[int, ...],
    ) -> Answer:
        self.done.append((method, path.rpartition("/")[2]))
        assert 409 in expect
        if method == "PUT":
            self.objects[path.removesuffix("/approval")] = body
            return Answer(200, body)
        self.objects[f"{path}/{body['metadata']['name']}"] = body
        return Answer(409 if self.posted_by_another else 201, body)

    @property
    def only(self) -> dict[str, Any]:
        (found,) = self.objects.values()
        return found


def ask(
    server: Requests, request: str = REQUEST, hostname: str = "edge-0"
) -> str | None:
    return sign(
        cast(Connection, server), hostname=hostname, request=request, lifetime=HOUR
    )


@pytest.fixture
def server() -> Requests:
    return Requests()


def test_it_is_posted_and_approved_once_and_then_looked_at(server: Requests) -> None:
    assert ask(server) is None
    assert ask(server) is None
    assert [method for method, _ in server.done] == ["POST", "PUT"]
    spec, (condition,) = server.only["spec"], server.only["status"]["conditions"]
    assert base64.b64decode(spec["request"]).decode() == REQUEST
    assert spec["signerName"] == "kubernetes.io/kube-apiserver-client-kubelet"
    assert spec["expirationSeconds"] == HOUR.total_seconds()
    assert (condition["type"], condition["status"]) == ("Approved", "True")

    server.only["status"]["certificate"] = base64.b64encode(b"PEM").decode()
    assert ask(server) == "PEM"
    assert len(server.done) == 2


def test_a_post_whose_answer_was_lost_is_found_again(server: Requests) -> None:
    server.posted_by_another = True
    assert ask(server) is None
    assert ask(server) is None
    assert [method for method, _ in server.done] == ["POST", "PUT"]


def test_what_the_controller_manager_approved_is_not_approved_again(
    server: Requests,
) -> None:
    server.posted_by_another = True
    ask(server)
    server.only["status"] = {"conditions": [{"type": "Approved", "status": "True"}]}
    assert ask(server) is None
    assert [method for method, _ in server.done] == ["POST"]


@pytest.mark.parametrize("said", ["Denied", "Failed"])
def test_a_no_is_told_with_its_reason(server: Requests, said: str) -> None:
    ask(server)
    server.only["status"] = {
        "conditions": [{"type": said, "status": "True", "message": "by a policy"}]
    }
    with pytest.raises(KubernetesRefused, match="by a policy"):
        ask(server)


@pytest.mark.parametrize("other", ["edge-1", "", "edge-0:x"])
def test_a_request_for_another_name_never_leaves(server: Requests, other: str) -> None:
    with pytest.raises(KubernetesRefused, match="not for that node alone"):
        ask(server, make_node_key(other)[1])
    assert not server.done


def test_a_request_of_the_same_name_for_another_key_is_not_approved(
    server: Requests,
) -> None:
    server.posted_by_another = True
    ask(server)
    _, other = make_node_key("edge-0")
    server.only["spec"]["request"] = base64.b64encode(other.encode()).decode()
    with pytest.raises(KubernetesRefused, match="another request"):
        ask(server)
    assert [method for method, _ in server.done] == ["POST"]
