# SPDX-License-Identifier: Apache-2.0
"""What the tests of the playbooks do to a host of the lab."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hummingbird_lab.lab import Lab

from hummingbird.domain.provisioning import CERTIFICATE_VARIABLE, KEY_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = ROOT / "playbooks"
SNAPSHOT = PLAYBOOKS / "files" / "host_snapshot.py"
DRIVER = Path(__file__).with_name("playbook_driver.py")
NODE_IDENTITY = Path(__file__).with_name("node_identity.py")
HOST_UUID = "7d1c5a36-3f0e-4f0b-9a57-0a3b6f5f2c11"
SANDBOX_IMAGE = "registry.k8s.io/pause:3.10.2"


class PlaybookHost:
    """One host of a lab, provisioned by the real runner from the controller's network."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self._plan = lab.hosts[name]
        self._is_as_it_was = True

    def request(self, playbook: str, tags: Sequence[str] = ()) -> str:
        """Return what playbook_driver.py is told for a run."""
        self._is_as_it_was = False
        return (
            json.dumps(
                {
                    "playbooks": str(PLAYBOOKS),
                    "scratch": str(self.scratch),
                    "playbook": playbook,
                    "hostname": self.name,
                    "tags": list(tags),
                    "variables": self._variables(playbook),
                    "access": {
                        "address": self._plan.address,
                        "user": self.lab.ssh_user,
                        "private_key": self.lab.ssh_key.read_text(),
                    },
                }
            )
            + "\n"
        )

    @property
    def scratch(self) -> Path:
        """Where the runner keeps a run's files while it goes on."""
        return self.lab.run_folder / "playbook-scratch"

    def driver(self) -> list[str]:
        """Return the program that carries a request out."""
        return [sys.executable, str(DRIVER)]

    def play(self, playbook: str, *, tags: Sequence[str] = ()) -> dict[str, Any]:
        """Run a playbook and return its result."""
        done = self.lab.exec(
            "controller",
            self.driver(),
            env={"PYTHONPATH": str(ROOT)},
            input_text=self.request(playbook, tags),
            timeout_s=900.0,
        )
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])["result"]
        self._is_as_it_was = (playbook, result["status"]) == ("retire", "successful")
        return result

    def snapshot(self) -> dict[str, Any]:
        """Return what the host is made of now."""
        text = self.lab.ssh(
            self.name, "sudo python3 -", input_text=SNAPSHOT.read_text()
        ).stdout
        found: dict[str, Any] = json.loads(text)
        return found

    def kubectl(self, *arguments: str, input_text: str | None = None) -> str:
        """Run kubectl as the cluster's administrator."""
        argv = [str(self.lab.binaries / "kubectl"), "--kubeconfig"]
        argv += [str(self.lab.kubeconfig), *arguments]
        return self.lab.exec("controller", argv, input_text=input_text).stdout

    def wait_until_ready(self, *, timeout_s: float = 180.0) -> None:
        """Return when the node of this host is Ready."""
        self._wait_for_node()
        self.kubectl(
            *("wait", "--for=condition=Ready", f"node/{self.name}"),
            f"--timeout={timeout_s:.0f}s",
        )

    def forget_node(self) -> None:
        """Delete the node's object, as a retirement does before it undoes the host."""
        self.kubectl("delete", "node", self.name, "--ignore-not-found")

    def _wait_for_node(self) -> None:
        deadline = time.monotonic() + 120
        while self.name not in self.kubectl("get", "nodes", "-o", "name"):
            assert time.monotonic() < deadline, "the node did not appear"
            time.sleep(0.5)

    def _variables(self, playbook: str) -> Mapping[str, object]:
        if playbook == "retire":
            return {}
        lab = self.lab
        mirrors = [
            {
                "host": host,
                "endpoint": f"https://{lab.registry}",
                "ca_pem": lab.registry_ca.read_text(),
            }
            for host in ("registry.k8s.io", "docker.io", lab.registry)
        ]
        return {
            "node_config_package_repository": {
                "url": lab.apt_url,
                "key": base64.b64encode(lab.apt_key.read_bytes()).decode(),
            },
            "container_runtime_registry_mirrors": mirrors,
            "container_runtime_sandbox_image": SANDBOX_IMAGE,
            # a lab host may neither lower OOM scores nor trust systemd's cgroups
            "container_runtime_restrict_oom_score_adj": True,
            "container_runtime_systemd_cgroup": False,
            "kubernetes_node_name": self.name,
            "kubernetes_node_ip": self._plan.address,
            "kubernetes_node_host_uuid": HOST_UUID,
            "kubernetes_node_api_endpoint": f"{lab.controller_address}:6443",
            "kubernetes_node_ca_cert": self._authority(),
            **self._identity(),
            "kubernetes_node_ignore_preflight_errors": ["SystemVerification"],
            "images_essential": [SANDBOX_IMAGE],
        }

    def _authority(self) -> str:
        path = "jsonpath={.clusters[0].cluster.certificate-authority-data}"
        text = self.kubectl("config", "view", "--raw", "-o", path)
        return base64.b64decode(text).decode()

    def _identity(self) -> Mapping[str, object]:
        made = node_identity(self.lab, self.name)
        return {
            variable: base64.b64encode(made[what].encode()).decode()
            for variable, what in (
                (CERTIFICATE_VARIABLE, "certificate"),
                (KEY_VARIABLE, "private_key"),
            )
        }

    def retire(self) -> None:
        """Take the node away, and from the host all that we put on it."""
        self.forget_node()
        result = self.play("retire")
        assert result["status"] == "successful", result

    def give_back(self) -> None:
        """Retire it, unless that was the last that was done to it."""
        if not self._is_as_it_was:
            self.retire()


def node_identity(lab: Lab, hostname: str) -> dict[str, str]:
    """Return the `certificate` and the `private_key` (PEM) that a host of that name is
    given to join by."""
    done = lab.exec(
        "controller",
        [sys.executable, str(NODE_IDENTITY), hostname],
        env={"PYTHONPATH": str(ROOT), "KUBECONFIG": str(lab.kubeconfig)},
    )
    made: dict[str, str] = json.loads(done.stdout)
    return made


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
