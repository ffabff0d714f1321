# SPDX-License-Identifier: Apache-2.0
"""Real hosts become nodes, whatever is cut on the way, and stop being nodes without trace."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hummingbird_lab.lab import Lab

from tests.lab.playbook_host import SNAPSHOT, PlaybookHost

pytestmark = [
    pytest.mark.lab,
    # several whole lives of a host, on a machine that others use too
    pytest.mark.timeout(1200),
]

POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: default}
spec:
  nodeName: HOST
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  tolerations: [{operator: Exists}]
  containers:
    - name: sleeper
      image: docker.io/library/busybox:1.36
      command: [sleep, "3600"]
      ports: [{containerPort: 80, hostPort: 8088}]
      volumeMounts: [{name: memory, mountPath: /memory}]
  volumes: [{name: memory, emptyDir: {medium: Memory}}]
"""
"""Leaves what pods leave: an interface, rules, mounts, control groups, an image."""


def difference(before: object, after: object, folder: Path) -> list[str]:
    """Return what differs between two snapshots, as the snapshot program says."""
    paths = [folder / "before.json", folder / "after.json"]
    for path, snapshot in zip(paths, (before, after), strict=True):
        path.write_text(json.dumps(snapshot))
    done = subprocess.run(
        [sys.executable, str(SNAPSHOT), "--diff", *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found


def retire(host: PlaybookHost) -> None:
    host.forget_node()
    result = host.play("retire")
    assert result["status"] == "successful", result


@pytest.fixture
def host(lab: Lab) -> Iterator[PlaybookHost]:
    """A host behind the router, given back as it was also by a test that fails."""
    host = PlaybookHost(lab, "edge-1")
    yield host
    retire(host)


def test_a_host_becomes_a_node_and_stops_being_one(
    host: PlaybookHost, tmp_path: Path
) -> None:
    before = host.snapshot()

    first = host.play("provision")
    assert first["status"] == "successful", first
    assert first["changed"] > 10
    host.wait_until_ready()

    second = host.play("provision")
    assert (second["status"], second["changed"]) == ("successful", 0), second
    # how long that takes is for bench/; here: a host is asked little when all is well
    assert second["ok"] <= 20
    assert host.play("verify")["status"] == "successful"

    pod = POD.replace("NAME", "leaves-things").replace("HOST", host.name)
    host.kubectl("apply", "-f", "-", input_text=pod)
    host.kubectl("wait", "--for=condition=Ready", "pod/leaves-things", "--timeout=60s")
    seen = {
        line.split(":")[0] for line in difference(before, host.snapshot(), tmp_path)
    }
    assert seen >= {"packages", "units", "files", "routes", "sysctls", "interfaces"}
    assert seen >= {"mounts", "cgroups", "nft"}, (
        "the difference has to see what is there"
    )

    retire(host)
    host.kubectl("delete", "pod", "leaves-things", "--force", "--ignore-not-found")
    assert difference(before, host.snapshot(), tmp_path) == []

    again = host.play("retire")
    assert (again["status"], again["changed"]) == ("successful", 0)


def _kill_driver_when(
    host: PlaybookHost, playbook: str, *, sees: Callable[[dict[str, str]], bool]
) -> None:
    """Run a playbook and kill -9 its runner at the first event that `sees` accepts."""
    driver = host.lab.popen(
        "controller",
        host.driver(),
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert driver.stdin is not None
    assert driver.stdout is not None
    driver.stdin.write(host.request(playbook))
    driver.stdin.flush()
    for line in driver.stdout:
        said = json.loads(line)
        assert "event" in said, f"the run ended before it could be cut: {said}"
        if sees(said["event"]):
            driver.kill()
            break
    driver.stdout.close()
    driver.stdin.close()
    driver.wait(30)
    deadline = time.monotonic() + 20
    while list(host.scratch.glob("run-*")):
        assert time.monotonic() < deadline, "keys outlived the runner"
        time.sleep(0.05)
    running = host.lab.exec("controller", ["ps", "-eo", "args"]).stdout
    assert str(host.scratch) not in running, "a playbook outlived its runner"


CUTS = {
    "in the record": ("node_config", "Write kernel settings and package source"),
    "before the lists are read": ("node_config", "Read the package source"),
    "in the packages": ("container_runtime", "Install the packages"),
    "before the record of packages": (
        "container_runtime",
        "Record what the installation added",
    ),
    "in the join": ("kubernetes_node", "Join"),
    "before the images": ("images", "See which images are there"),
}


def _cut_at(host: PlaybookHost, where: str) -> None:
    """Provision, and kill the runner when the task of `CUTS` begins."""
    wanted = (*CUTS[where], "started")
    _kill_driver_when(
        host,
        "provision",
        sees=lambda event: (event["step"], event["task"], event["status"]) == wanted,
    )


def test_a_run_that_is_cut_again_and_again_is_finished_by_the_last(
    host: PlaybookHost, tmp_path: Path
) -> None:
    before = host.snapshot()
    for where in CUTS:
        _cut_at(host, where)
    result = host.play("provision")
    assert result["status"] == "successful", result
    host.wait_until_ready()
    assert host.play("provision")["changed"] == 0
    retire(host)
    assert difference(before, host.snapshot(), tmp_path) == []


def test_what_a_cut_run_left_is_taken_away_too(
    host: PlaybookHost, tmp_path: Path
) -> None:
    before = host.snapshot()
    _cut_at(host, "in the join")
    _kill_driver_when(
        host,
        "retire",
        sees=lambda event: event["task"].startswith("Remove the packages"),
    )
    retire(host)
    assert difference(before, host.snapshot(), tmp_path) == []


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
        host.wait_until_ready()
        assert host.play("provision")["changed"] == 0
        retire(host)
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


def test_a_node_is_recovered_by_its_services_and_by_a_reboot(
    host: PlaybookHost,
) -> None:
    def boot() -> str:
        return host.lab.ssh(host.name, "cat /proc/sys/kernel/random/boot_id").stdout

    def started(unit: str) -> str:
        show = f"systemctl show -P ActiveEnterTimestampMonotonic {unit}"
        return host.lab.ssh(host.name, show).stdout

    assert host.play("provision")["status"] == "successful"
    host.wait_until_ready()
    first_boot, first_start = boot(), started("kubelet.service")

    assert host.play("recover")["changed"] == 0, "without a rung nothing is done"
    assert started("kubelet.service") == first_start

    result = host.play("recover", tags=["restart_services"])
    assert (result["status"], result["changed"]) == ("successful", 1), result
    assert started("kubelet.service") != first_start
    assert boot() == first_boot

    result = host.play("recover", tags=["reboot"])
    assert result["status"] == "successful", result
    assert boot() != first_boot
    host.wait_until_ready()
    assert host.play("provision")["changed"] == 0, "a reboot takes nothing away"


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
