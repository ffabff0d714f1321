# SPDX-License-Identifier: Apache-2.0
"""A host that is not new: what somebody else has there stays, what a cut run left goes."""

from pathlib import Path

import pytest

from tests.lab.cut import cut_at, kill_driver_when
from tests.lab.playbook_host import PlaybookHost, difference

pytestmark = [
    pytest.mark.lab,
    # several whole lives of a host, on a machine that others use too
    pytest.mark.timeout(1200),
]


def test_somebody_elses_container_runtime_comes_back(
    host: PlaybookHost, tmp_path: Path
) -> None:
    lab, name = host.lab, host.name
    virgin = host.snapshot()
    lab.ssh(
        name,
        "sudo install -d /etc/containerd && "
        "printf 'version = 2\\n# mine\\n' | sudo tee /etc/containerd/config.toml && "
        f"echo 'deb [trusted=yes] {lab.apt_url} ./' | sudo tee /etc/apt/sources.list.d/own.list && "
        "sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive "
        "apt-get install -qq -y --no-install-recommends "
        "-o Dpkg::Options::=--force-confold containerd && "
        # apt refuses one archive under two signatures
        "sudo rm /etc/apt/sources.list.d/own.list /var/lib/apt/lists/*8080*",
        timeout_s=120.0,
    )
    try:
        before = host.snapshot()
        result = host.play("provision")
        assert result["status"] == "successful", result
        assert result["changed"] > 10
        host.wait_until_ready()
        assert host.play("provision")["changed"] == 0
        host.retire()
        left = difference(before, host.snapshot(), tmp_path)
        # the runtime that was there keeps its own store; what it made inside is its own
        assert [line for line in left if "/var/lib/containerd/" not in line] == []
        assert "# mine" in lab.ssh(name, "cat /etc/containerd/config.toml").stdout
        assert (
            lab.ssh(name, "systemctl is-active containerd").stdout.strip() == "active"
        )
    finally:
        lab.ssh(
            name,
            "sudo apt-get purge -qq -y containerd runc && sudo apt-get autoremove -qq -y --purge; "
            "sudo rm -rf /etc/containerd /etc/cni /opt/containerd /run/containerd "
            "/opt/cni; "
            "sudo find /var/lib/containerd -mindepth 1 -delete; sudo systemctl daemon-reload",
            timeout_s=120.0,
        )
    assert difference(virgin, host.snapshot(), tmp_path) == []


def test_what_a_cut_run_left_is_taken_away_too(
    host: PlaybookHost, tmp_path: Path
) -> None:
    before = host.snapshot()
    cut_at(host, "in the join")
    kill_driver_when(
        host,
        "retire",
        sees=lambda event: event["task"].startswith("Remove the packages"),
    )
    host.retire()
    assert difference(before, host.snapshot(), tmp_path) == []


def test_a_host_of_another_cluster_is_left_alone(
    host: PlaybookHost, tmp_path: Path
) -> None:
    lab, name = host.lab, host.name
    lab.ssh(
        name,
        "sudo install -d /etc/kubernetes && "
        "echo 'certificate-authority-data: b3RoZXI=' | "
        "sudo tee /etc/kubernetes/kubelet.conf",
    )
    try:
        before = host.snapshot()
        result = host.play("provision")
        assert (result["status"], result["failed_step"]) == ("failed", "node_config")
        assert "another cluster" in result["message"]
        assert host.play("retire")["changed"] == 0
        assert difference(before, host.snapshot(), tmp_path) == []
    finally:
        lab.ssh(name, "sudo rm -rf /etc/kubernetes")
