# SPDX-License-Identifier: Apache-2.0
"""A controller with secrets, and the real runner that meets a hostile host.

The secrets lie where a controller has them: in the state directory, in a file that root
alone reads, in the run's own folder, and in files named as the host may answer. `leaks`
says which of them the host was sent, and whether anything that it said was evaluated.
"""

import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hummingbird.adapters.ansible import confine
from hummingbird.adapters.ansible.playbook import (
    HostAccess,
    PlaybookEvent,
    PlaybookResult,
)
from hummingbird.adapters.ansible.runner import AnsibleRunner
from tests.fakes.hostile_host import HostileHost

PLAYBOOKS = Path(
    os.environ.get("ATTACKED_PLAYBOOKS")
    or Path(__file__).resolve().parents[3] / "playbooks"
)
"""What is attacked; others by hand, to see that an attack on former ones is noticed."""

EVALUATED = "this-was-evaluated"
"""What the texts of `World.texts` become where somebody evaluates them."""

TEMPLATE = "{{ 'this-was' ~ '-evaluated' }}"


def secret() -> str:
    """Return one that stands nowhere else."""
    return f"canary-{uuid.uuid4().hex}{uuid.uuid4().hex}"


@dataclass
class World:
    """One controller, and the host that attacks it."""

    folder: Path
    host: HostileHost
    packed: Path
    layers: confine.Layers | None = None
    """What runs are confined by; None: all that there is."""
    secrets: dict[str, str] = field(default_factory=dict)
    """What must not leave, by where it lies."""
    events: list[PlaybookEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = self.folder / "state"
        self.mark = self.folder / "evaluated"
        self.bundle = self.folder / "bundle"
        self.playbooks = self.folder / "playbooks"
        shutil.copytree(PLAYBOOKS, self.playbooks)
        for name in ("hummingbird.sqlite", "secret.key", "pki/ca.pem"):
            self._plant(self.state / name)
        self._plant(self.folder / "root-only" / "file")
        (self.bundle / "x86_64").mkdir(parents=True)
        for name in ("wg", "wireguard-go"):
            (self.bundle / "x86_64" / name).write_text(f"#!/bin/sh\n# {name}\n")
        self._plant(self.bundle / "neighbour")
        self._plant_variables()
        self.state.chmod(0o700)

    def _plant(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.secrets[str(path)] = secret()
        path.write_text(self.secrets[str(path)])
        path.chmod(0o600)

    def _plant_variables(self) -> None:
        """Plant files of variables by the name that the host answers with."""
        text = f"x: \"{{{{ lookup('pipe', 'touch {self.mark}') }}}}\"\n"
        names = ("node_config_repository_files", "container_runtime_packages")
        for name in (*names, "kubernetes_node_packages"):
            text += f"{name}: [\"{{{{ lookup('pipe', 'touch {self.mark}') }}}}\"]\n"
        places = [self.folder, *self.playbooks.glob("roles/*/vars")]
        for place in (*places, *self.playbooks.glob("roles/*/tasks")):
            (place / "planted.yml").write_text(text)

    def texts(self) -> list[str]:
        """Return what an attacker would have a controller read, evaluate or run."""
        key = self.state / "secret.key"
        touch = f"touch {self.mark}"
        return [
            str(key),
            f"../../../../../../../../../..{key}",
            f"x,{key};{self.state / 'hummingbird.sqlite'}",
            "~/../given/key",
            "~/../given/inventory.json",
            str(self.state),
            f"{{{{ lookup('file', '{key}') }}}}",
            f"{{{{ lookup('pipe', '{touch}') }}}}",
            TEMPLATE,
            f"{{% for one in [1] %}}{TEMPLATE}{{% endfor %}}",
            f"$({touch})`{touch}`;{touch}|{touch}",
            f"| {touch}",
            str(self.folder / "planted"),
            "localhost",
            "\x1b[K\x1b[2J\x1b]0;x\x07\x9b31m‮\n\r[WARNING]: x",
            "é" * 300,
        ]

    def run(
        self,
        playbook: str,
        *,
        variables: Mapping[str, object] | None = None,
        tags: Sequence[str] = (),
        timeout_seconds: float = 280.0,
        access: HostAccess | None = None,
    ) -> PlaybookResult:
        """Run a playbook on the host; return how it ended."""
        self.host.ready()
        self.events.clear()
        runner = AnsibleRunner(
            self.playbooks,
            self.state / "runs",
            packed=self.packed / "modules",
            layers=self.layers,
        )
        access = access or self.host.access
        assert access.private_key is not None
        self.secrets["the run's own key"] = access.private_key.splitlines()[2]
        return runner.run(
            playbook,
            access=access,
            hostname="edge-0",
            variables=self.variables() if variables is None else variables,
            on_event=self.events.append,
            should_cancel=lambda: False,
            timeout_seconds=timeout_seconds,
            tags=tags,
        )

    def variables(self) -> dict[str, object]:
        """Return what provision.yml gets for a host with all that there is."""
        return {
            "node_config_hostname": "edge-0",
            "node_config_cluster_ca_cert": "CA",
            "node_config_package_repository": {"url": "http://a", "key": "KEY"},
            "tunnel_settings": "ADDRESS=100.126.0.2\n",
            "tunnel_bundle": str(self.bundle),
            "container_runtime_registry_mirrors": [
                {"host": "docker.io", "endpoint": "https://m:5000", "ca_pem": "PEM"}
            ],
            "kubernetes_node_name": "edge-0",
            "kubernetes_node_ip": "192.0.2.1",
            "kubernetes_node_api_endpoint": "192.0.2.2:6443",
            "kubernetes_node_ca_cert": "CA",
            "kubernetes_node_bootstrap_token": "abcdef.0123456789abcdef",
            "images_essential": ["registry.k8s.io/pause:3.10.2"],
        }

    def leaks(self) -> Iterator[str]:
        """Yield what went wrong, as sentences."""
        for place, text in self.secrets.items():
            if self.host.has(text):
                yield f"the host was sent {place}"
        if self.mark.exists():
            yield "what the host said was run on the controller"
        told = "\n".join(event.message for event in self.events)
        if EVALUATED in told or self.host.has(EVALUATED):
            yield "what the host said was evaluated"
        if any(ord(one) < 32 and one not in "\t\n" for one in told):
            yield "a message has control characters"
