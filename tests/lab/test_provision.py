# SPDX-License-Identifier: Apache-2.0
"""Real hosts become nodes, whatever is cut on the way, and stop being nodes without trace."""

import json
from pathlib import Path

import pytest

from tests.lab.cut import CUTS, cut_at
from tests.lab.playbook_host import HOST_UUID, PlaybookHost, difference

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


def test_a_host_becomes_a_node_whatever_is_cut_and_stops_being_one(
    host: PlaybookHost, tmp_path: Path
) -> None:
    before = host.snapshot()
    for where in CUTS:
        cut_at(host, where)
    last = host.play("provision")
    assert last["status"] == "successful", last
    host.wait_until_ready()
    says = host.kubectl("get", "node", host.name, "-o", "jsonpath={.metadata.labels}")
    assert json.loads(says)["hummingbird.starlingx.io/host-uuid"] == HOST_UUID

    second = host.play("provision")
    assert (second["status"], second["changed"]) == ("successful", 0), second
    # how long that takes is for bench/; here: a host is asked little when all is well
    assert second["ok"] <= 20
    assert host.play("verify")["status"] == "successful"
    _recover(host)

    pod = POD.replace("NAME", "leaves-things").replace("HOST", host.name)
    host.kubectl("apply", "-f", "-", input_text=pod)
    host.kubectl("wait", "--for=condition=Ready", "pod/leaves-things", "--timeout=120s")
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


def _recover(host: PlaybookHost) -> None:
    """Climb the rungs that need a login: each does what it says and no more."""

    def boot() -> str:
        return host.lab.ssh(host.name, "cat /proc/sys/kernel/random/boot_id").stdout

    def started(unit: str) -> str:
        show = f"systemctl show -P ActiveEnterTimestampMonotonic {unit}"
        return host.lab.ssh(host.name, show).stdout

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
