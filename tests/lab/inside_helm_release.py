# SPDX-License-Identifier: Apache-2.0
"""A helm release at a real API server; run by test_cluster.py in the lab's own network.

HUMMINGBIRD_TEST_KUBECONFIG and HUMMINGBIRD_TEST_HELM say where and with what.
"""

import base64
import gzip
import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hummingbird.adapters.helm.release import HelmRelease
from hummingbird.adapters.kubernetes.cluster import KubernetesCluster
from hummingbird.adapters.kubernetes.connection import MERGE_PATCH, Connection
from hummingbird.clock import ManualClock, SystemClock
from hummingbird.errors import KubernetesRefused, KubernetesUnavailable

KUBECONFIG = Path(os.environ["HUMMINGBIRD_TEST_KUBECONFIG"])
HELM = os.environ["HUMMINGBIRD_TEST_HELM"]

_CHART = {
    "Chart.yaml": "apiVersion: v2\nname: little\nversion: 0.1.0\n",
    "values.yaml": "word: none\n",
    "values.schema.json": json.dumps({"properties": {"word": {"type": "string"}}}),
    "templates/configmap.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: little}\n"
        "data: {word: {{ .Values.word | quote }}}\n"
    ),
}


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"helm-{uuid4().hex[:8]}"
    KubernetesCluster(KUBECONFIG).ensure_namespace(name, labels={})
    yield name
    Connection(KUBECONFIG).request(
        "DELETE", f"/api/v1/namespaces/{name}", action="clean up"
    )


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "little"
    for name, text in _CHART.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def release(chart: Path, namespace: str, tmp_path: Path) -> HelmRelease:
    return HelmRelease(
        HELM,
        KUBECONFIG,
        chart,
        "little",
        namespace,
        state_directory=tmp_path / "helm",
    )


def word(namespace: str) -> str | None:
    """Return what the release has put into the cluster."""
    found = Connection(KUBECONFIG).find(
        f"/api/v1/namespaces/{namespace}/configmaps/little", action="look"
    )
    return found["data"]["word"] if found else None


def test_it_is_installed_and_changed_only_for_a_difference(
    release: HelmRelease, namespace: str, chart: Path
) -> None:
    assert release.ensure({"word": "one"}) is True
    assert word(namespace) == "one"
    assert release.ensure({"word": "one"}) is False
    assert release.ensure({"word": "two"}) is True
    assert word(namespace) == "two"

    template = chart / "templates" / "configmap.yaml"
    template.write_text(template.read_text().replace("word | quote", "word | upper"))
    assert release.ensure({"word": "two"}) is True
    assert word(namespace) == "TWO"

    assert release.remove() is True
    assert word(namespace) is None
    assert release.remove() is False


def test_values_that_the_chart_refuses_are_refused(
    release: HelmRelease, namespace: str
) -> None:
    with pytest.raises(KubernetesRefused, match="word"):
        release.ensure({"word": 7})
    assert word(namespace) is None
    assert release.ensure({"word": "seven"}) is True


def test_a_cluster_that_is_away_is_unavailable(chart: Path, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    text = KUBECONFIG.read_text()
    server, _ = Connection(KUBECONFIG).cluster()
    kubeconfig.write_text(text.replace(server, "https://127.0.0.1:1"))
    away = HelmRelease(HELM, kubeconfig, chart, "little", "default")
    with pytest.raises(KubernetesUnavailable):
        away.ensure({"word": "one"})


def test_what_a_killed_helm_left_is_cleared_when_it_is_old(
    chart: Path, namespace: str
) -> None:
    start = SystemClock().now()
    clock = ManualClock(start)
    release = HelmRelease(HELM, KUBECONFIG, chart, "little", namespace, clock=clock)
    for status, revision in (("pending-install", 1), ("pending-upgrade", 2)):
        release.ensure({"word": "old"})
        if revision == 2:
            release.ensure({"word": "newer"})
        leave(namespace, revision=revision, status=status)
        with pytest.raises(KubernetesUnavailable, match="somebody else"):
            release.ensure({"word": "new"})
        clock.advance(timedelta(minutes=10).total_seconds())
        assert release.ensure({"word": "new"}) is True
        assert word(namespace) == "new"
        release.remove()
        clock = ManualClock(SystemClock().now())
        release = HelmRelease(HELM, KUBECONFIG, chart, "little", namespace, clock=clock)


def leave(namespace: str, *, revision: int, status: str) -> None:
    """Write a release's record as a helm that was killed in the middle leaves it."""
    api = Connection(KUBECONFIG)
    path = (
        f"/api/v1/namespaces/{namespace}/secrets/sh.helm.release.v1.little.v{revision}"
    )
    found = api.find(path, action="look")
    assert found is not None
    packed = base64.b64decode(base64.b64decode(found["data"]["release"]))
    record: dict[str, Any] = json.loads(gzip.decompress(packed))
    assert datetime.fromisoformat(record["info"]["last_deployed"][:19])
    record["info"]["status"] = status
    again = base64.b64encode(gzip.compress(json.dumps(record).encode()))
    api.request(
        "PATCH",
        path,
        action="leave a record",
        body={
            "metadata": {"labels": {"status": status}},
            "data": {"release": base64.b64encode(again).decode()},
        },
        content_type=MERGE_PATCH,
    )
