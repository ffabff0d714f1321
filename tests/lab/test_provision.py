# SPDX-License-Identifier: Apache-2.0
"""Real hosts become nodes, whatever is cut on the way, and stop being nodes without trace."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.playbook_host import PlaybookHost, difference

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

    host.retire()
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
    host.retire()
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
    host.retire()
    assert difference(before, host.snapshot(), tmp_path) == []
