# SPDX-License-Identifier: Apache-2.0
"""Runs of the playbooks that end in the middle, as when the conductor is killed."""

import json
import subprocess
import time
from collections.abc import Callable

from tests.lab.playbook_host import ROOT, PlaybookHost


def kill_driver_when(
    host: PlaybookHost, playbook: str, *, sees: Callable[[dict[str, str]], bool]
) -> None:
    """Run a playbook and kill -9 its runner at the first event that `sees` accepts."""
    driver = host.lab.popen(
        "controller",
        host.driver(),
        env={"PYTHONPATH": str(ROOT)},
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


def cut_at(host: PlaybookHost, where: str) -> None:
    """Provision, and kill the runner when the task of `CUTS` begins."""
    wanted = (*CUTS[where], "started")
    kill_driver_when(
        host,
        "provision",
        sees=lambda event: (event["step"], event["task"], event["status"]) == wanted,
    )
