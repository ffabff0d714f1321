# SPDX-License-Identifier: Apache-2.0
"""Applications and kubelets by the command line."""

import json

from tests.unit.cli.conftest import Run, Server

AGENTS = {
    "name": "hummingbird-agents",
    "app_version": "0.1.0",
    "manifest_name": "hummingbird-agents",
    "manifest_file": "Chart.yaml",
    "status": "apply-failed",
    "progress": "values don't meet the schema",
    "active": False,
}


def test_applications_are_listed_and_shown(hummingbird: Run, server: Server) -> None:
    server.on("GET", "/v1/apps", {"apps": [AGENTS]})
    listed = json.loads(hummingbird("application-list", "-f", "json").out)
    assert (listed[0]["status"], listed[0]["active"]) == ("apply-failed", False)
    server.on("GET", "/v1/apps/hummingbird-agents", AGENTS)
    shown = hummingbird("application-show", "hummingbird-agents")
    assert "values don't meet the schema" in shown.out


def test_an_application_is_looked_at_on_demand(
    hummingbird: Run, server: Server
) -> None:
    server.on("PATCH", "/v1/apps/hummingbird-agents", AGENTS)
    done = hummingbird("application-apply", "hummingbird-agents")
    assert (done.status, done.err) == (0, "")
    assert server.asked[0].query == {"directive": "apply"}
    assert "it was apply-failed" in done.out


def test_kubelets_are_listed_by_the_names_of_hosts(
    hummingbird: Run, server: Server
) -> None:
    server.on("GET", "/v1/ihosts", {"ihosts": [{"id": 7, "hostname": "edge-0"}]})
    upgrades = [
        {"host_id": 7, "kubelet_version": "v1.36.3"},
        {"host_id": 8, "kubelet_version": "unknown"},
    ]
    server.on("GET", "/v1/kube_host_upgrades", {"kube_host_upgrades": upgrades})
    listed = hummingbird("kubelet-list", "-f", "value")
    assert listed.out == "7 edge-0 v1.36.3\n"
