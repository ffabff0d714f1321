# SPDX-License-Identifier: Apache-2.0
"""What every cluster keeps: the fake one, and a real API server where one is given.

HUMMINGBIRD_TEST_KUBECONFIG names a kubeconfig of a cluster to test; tests/lab runs this
file in the lab's own network with the lab's.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509

from hummingbird.adapters.kubernetes.token_review import TokenReviewVerifier
from hummingbird.errors import KubernetesRefused, KubernetesUnavailable, TokenRefused
from hummingbird.keypair import make_node_key
from tests.fakes.cluster_world import FakeWorld, RealWorld, World

KUBECONFIG = os.environ.get("HUMMINGBIRD_TEST_KUBECONFIG")
AUDIENCE = "hummingbird"
NO_UID = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module", params=["fake", "real"] if KUBECONFIG else ["fake"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        yield FakeWorld()
        return
    real = RealWorld(Path(str(KUBECONFIG)))
    yield real
    real.end()


@pytest.fixture
def name() -> str:
    """A name that no other test uses, for a node."""
    return f"edge-{uuid4().hex[:8]}"


def uid(world: World, name: str) -> str:
    """Return the uid of the node that has this name now."""
    node = world.cluster.node(name)
    assert node is not None
    return node.uid


def at_once() -> bool:
    """A deadline that has passed already."""
    return True


class Deadline:
    """Passes when asked for the `count`th time."""

    def __init__(self, count: int) -> None:
        self.left = count

    def __call__(self) -> bool:
        self.left -= 1
        return self.left <= 0


def eventually(seen: Callable[[], bool]) -> bool:
    """Poll for what an API server's caches show only a moment later."""
    deadline = time.monotonic() + 20
    while not seen():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_it_tells_its_version(world: World) -> None:
    assert world.cluster.check().startswith("v1.")


def test_one_that_is_away_says_so_and_that_a_retry_may_help(world: World) -> None:
    with pytest.raises(KubernetesUnavailable) as caught:
        world.unreachable().check()
    assert caught.value.worth_a_retry


def test_what_a_host_needs_to_join(world: World) -> None:
    info = world.cluster.join_info()
    host, _, port = info.api_endpoints[0].rpartition(":")
    assert host and int(port)
    assert info.ca_certificate.startswith("-----BEGIN CERTIFICATE-----")
    assert world.cluster.check().startswith(f"v{info.version}.")


def signed(world: World, hostname: str, request: str) -> str:
    """Return the certificate, which takes the signer of a real cluster a moment."""
    found: list[str] = []

    def is_signed() -> bool:
        certificate = world.cluster.sign_node_certificate(
            hostname=hostname, request=request, lifetime=timedelta(minutes=20)
        )
        found.extend([certificate] if certificate else [])
        return bool(found)

    assert eventually(is_signed)
    return found[0]


def test_a_certificate_speaks_for_its_node_and_minutes(world: World, name: str) -> None:
    private_key, request = make_node_key(name)
    certificate = signed(world, name, request)
    assert signed(world, name, request) == certificate, "asked for once"
    user, groups = world.identity(certificate, private_key) or ("", set())
    assert user == f"system:node:{name}"
    assert groups == {"system:nodes", "system:authenticated"}
    seen = x509.load_pem_x509_certificate(certificate.encode())
    left = seen.not_valid_after_utc - datetime.now(UTC)
    assert timedelta(minutes=10) < left <= timedelta(minutes=20)


def test_a_request_for_another_node_is_not_signed(world: World, name: str) -> None:
    _, request = make_node_key("another")
    with pytest.raises(KubernetesRefused):
        world.cluster.sign_node_certificate(
            hostname=name, request=request, lifetime=timedelta(minutes=20)
        )


def test_a_node_that_is_not_there_is_no_error(world: World, name: str) -> None:
    assert world.cluster.node(name) is None
    assert name not in world.cluster.nodes()
    assert world.cluster.label_node(name, {"a": "b"}, uid=NO_UID) is False
    assert world.cluster.cordon(name, uid=NO_UID) is False
    assert world.cluster.uncordon(name, uid=NO_UID) is False
    assert world.cluster.delete_node(name, uid=NO_UID) is False
    assert world.cluster.agent_pods(name, namespace=world.namespace) == {}
    drained = world.cluster.drain(name, uid=NO_UID, deadline=at_once, on_event=print)
    assert (drained.evicted, drained.left) == (0, ())


def test_a_node_is_seen_as_it_is(world: World, name: str) -> None:
    world.join(name)
    node = world.cluster.node(name)
    assert node is not None
    assert node.name == name
    assert node.uid
    assert node.boot_id
    assert node.ready
    assert not node.unschedulable
    assert node.kubelet_version == "v1.36.3"
    assert node.internal_ip == "192.0.2.7"
    assert node.lease_renewed_at is not None
    age = datetime.now(UTC) - node.lease_renewed_at
    assert timedelta(0) <= age < timedelta(minutes=1)
    # It may have been renewed between the two looks.
    same = replace(world.cluster.nodes()[name], lease_renewed_at=node.lease_renewed_at)
    assert same == node

    world.join(name, ready=False)
    later = world.cluster.node(name)
    assert later is not None
    assert not later.ready


def test_labels_are_set_and_removed_and_select(world: World, name: str) -> None:
    world.join(name)
    key = "hummingbird.starlingx.io/edgeworker"
    assert world.cluster.label_node(
        name, {key: "true", "site": "a"}, uid=uid(world, name)
    )
    assert set(world.cluster.nodes(label_selector=f"{key}=true,site=a")) == {name}
    assert world.cluster.label_node(
        name, {key: None, "never": None}, uid=uid(world, name)
    )
    node = world.cluster.node(name)
    assert node is not None
    assert key not in node.labels
    assert node.labels["site"] == "a"
    assert world.cluster.nodes(label_selector=f"{key}=true") == {}


def test_annotations_change_together_with_labels(world: World, name: str) -> None:
    world.join(name)
    note = "hummingbird.starlingx.io/labels"
    of = uid(world, name)
    world.cluster.label_node(name, {"line": "3"}, uid=of, annotations={note: "line"})
    node = world.cluster.node(name)
    assert node is not None
    assert (node.labels["line"], node.annotations[note]) == ("3", "line")
    world.cluster.label_node(name, {"line": None}, uid=of, annotations={note: None})
    node = world.cluster.node(name)
    assert node is not None
    assert "line" not in node.labels
    assert note not in node.annotations


def test_a_cordon_can_be_undone_and_repeated(world: World, name: str) -> None:
    world.join(name)
    for unschedulable in (True, True, False, False):
        change = world.cluster.cordon if unschedulable else world.cluster.uncordon
        assert change(name, uid=uid(world, name))
        node = world.cluster.node(name)
        assert node is not None
        assert node.unschedulable is unschedulable


def test_a_drain_leaves_daemons_and_mirrors(world: World, name: str) -> None:
    world.join(name)
    world.add_pod(f"app-{name}", name)
    world.add_pod(f"agent-{name}", name, agent="mtc-client", daemon=True)
    world.add_pod(f"static-{name}", name, mirror=True)
    events: list[str] = []
    drained = world.cluster.drain(
        name, uid=uid(world, name), deadline=Deadline(10), on_event=events.append
    )
    assert (drained.evicted, drained.left) == (1, ())
    assert [f"app-{name}" in event for event in events] == [True]
    assert world.cluster.agent_pods(name, namespace=world.namespace) == {
        "mtc-client": True
    }


def test_a_drain_honours_a_budget_until_its_deadline(world: World, name: str) -> None:
    world.join(name)
    world.add_pod(f"held-{name}", name, held=True)
    world.add_pod(f"free-{name}", name)
    events: list[str] = []
    drained = world.cluster.drain(
        name, uid=uid(world, name), deadline=Deadline(2), on_event=events.append
    )
    assert drained.evicted == 1
    assert drained.left == (f"{world.namespace}/held-{name}",)
    assert any(f"held-{name} can't be moved yet" in event for event in events)


def test_a_drain_does_not_wait_for_a_node_that_is_dead(world: World, name: str) -> None:
    world.join(name, ready=False)
    world.add_pod(f"stuck-{name}", name, held=True)

    def never() -> bool:
        return False

    drained = world.cluster.drain(
        name, uid=uid(world, name), deadline=never, on_event=print
    )
    assert drained.left == (f"{world.namespace}/stuck-{name}",)


def test_a_deleted_node_is_gone(world: World, name: str) -> None:
    world.join(name)
    assert world.cluster.delete_node(name, uid=uid(world, name)) is True
    assert world.cluster.node(name) is None


def test_a_node_that_was_replaced_is_not_touched(world: World, name: str) -> None:
    world.join(name)
    before = uid(world, name)
    assert world.cluster.delete_node(name, uid=before)
    world.join(name)
    world.add_pod(f"theirs-{name}", name)
    theirs = world.cluster.node(name)
    assert theirs is not None
    assert theirs.uid != before
    note = {"hummingbird.starlingx.io/labels": "a"}
    assert not world.cluster.label_node(name, {"a": "b"}, uid=before, annotations=note)
    assert world.cluster.cordon(name, uid=before) is False
    assert world.cluster.uncordon(name, uid=before) is False
    told: list[str] = []
    drained = world.cluster.drain(
        name, uid=before, deadline=Deadline(3), on_event=told.append
    )
    assert (drained.evicted, drained.left, told) == (0, (), [])
    assert world.cluster.delete_node(name, uid=before) is False
    after = world.cluster.node(name)
    assert after is not None
    assert (after.uid, after.labels, after.annotations, after.unschedulable) == (
        theirs.uid,
        theirs.labels,
        theirs.annotations,
        False,
    )
    assert world.cluster.drain(
        name, uid=theirs.uid, deadline=Deadline(10), on_event=print
    ).evicted


def test_a_label_that_is_none_is_refused_and_not_taken_for_another_node(
    world: World, name: str
) -> None:
    world.join(name)
    with pytest.raises(KubernetesRefused):
        world.cluster.label_node(name, {"a": "not a value"}, uid=uid(world, name))


def test_agents_are_named_and_their_readiness_told(world: World, name: str) -> None:
    world.join(name)
    world.add_pod(f"m-{name}", name, agent="mtc-client", daemon=True)
    world.add_pod(f"s-{name}", name, agent="sysinv-agent", daemon=True, ready=False)
    world.add_pod(f"x-{name}", name)
    assert world.cluster.agent_pods(name, namespace=world.namespace) == {
        "mtc-client": True,
        "sysinv-agent": False,
    }
    assert world.cluster.agent_pods(name, namespace="elsewhere") == {}


def test_a_token_speaks_for_its_node(world: World, name: str) -> None:
    world.join(name)
    node = world.cluster.node(name)
    assert node is not None
    token = world.service_token(name, account="mtc-client", audience=AUDIENCE)
    identity = world.cluster.review_token(token, audience=AUDIENCE)
    assert identity.namespace == world.namespace
    assert identity.service_account == "mtc-client"
    assert identity.username == f"system:serviceaccount:{world.namespace}:mtc-client"
    assert (identity.node_name, identity.node_uid) == (name, node.uid)
    assert identity.pod_name
    assert identity.pod_uid


def test_a_token_whose_pod_is_deleted_is_refused(world: World, name: str) -> None:
    world.join(name)
    token = world.service_token(name, account="mtc-client", audience=AUDIENCE)
    world.revoke(token)

    def is_refused() -> bool:
        try:
            world.cluster.review_token(token, audience=AUDIENCE)
        except TokenRefused:
            return True
        return False

    assert eventually(is_refused)


def test_a_token_for_another_audience_or_of_nobody_is_refused(
    world: World, name: str
) -> None:
    world.join(name)
    token = world.service_token(name, account="mtc-client", audience="elsewhere")
    for refused in (token, "not.a.token", ""):
        with pytest.raises(TokenRefused):
            world.cluster.review_token(refused, audience=AUDIENCE)


def test_the_verifier_lets_in_the_agents_alone(world: World, name: str) -> None:
    world.join(name)
    verifier = TokenReviewVerifier(
        world.cluster, namespace=world.namespace, service_accounts={"mtc-client"}
    )
    token = world.service_token(name, account="mtc-client", audience=AUDIENCE)
    assert verifier.verify(token, AUDIENCE).node_name == name

    intruder = world.service_token(name, account="intruder", audience=AUDIENCE)
    with pytest.raises(TokenRefused, match="not an agent's"):
        verifier.verify(intruder, AUDIENCE)
    abroad = TokenReviewVerifier(
        world.cluster, namespace="abroad", service_accounts={"mtc-client"}
    )
    with pytest.raises(TokenRefused, match="another namespace"):
        abroad.verify(token, AUDIENCE)


def test_a_namespace_is_made_once_and_gets_its_labels(world: World) -> None:
    name = world.namespace
    for labels in ({"a": "1"}, {"a": "2", "b": "3"}):
        world.cluster.ensure_namespace(name, labels=labels)
        found = world.labels_of(name)
        assert found is not None
        wanted = {**labels, "pod-security.kubernetes.io/enforce": "privileged"}
        assert wanted.items() <= found.items()
