# SPDX-License-Identifier: Apache-2.0
"""The product's own account in a lab's Kubernetes, with the rights that operators are told
to give it (etc/kubernetes-account.yaml) and no other."""

import base64
import json
import time
from pathlib import Path
from typing import Any

from hummingbird_lab import inventory
from hummingbird_lab.agent_image import PROJECT
from hummingbird_lab.errors import LabError
from hummingbird_lab.lab import Lab

MANIFEST = PROJECT / "etc" / "kubernetes-account.yaml"
_TOKEN_WITHIN_S = 60.0


def make(lab: Lab, path: Path) -> Path:
    """Write a kubeconfig of that account to `path`, if there is none; return the path.

    :raises LabError: Kubernetes made no token for it.
    """
    if path.exists():
        return path
    _kubectl(lab, "apply", "-f", str(MANIFEST))
    document: dict[str, Any] = json.loads(
        _kubectl(lab, "config", "view", "--raw", "--minify", "--flatten", "-o", "json")
    )
    (context,) = document["contexts"]
    context["context"]["user"] = "controller"
    document["users"] = [{"name": "controller", "user": {"token": _token(lab)}}]
    path.touch(mode=0o600)
    path.write_text(json.dumps(document))  # JSON is YAML
    return path


def _token(lab: Lab) -> str:
    deadline = time.monotonic() + _TOKEN_WITHIN_S
    while time.monotonic() < deadline:
        wanted = ("get", "secret", "controller", "-o", "jsonpath={.data.token}")
        token = _kubectl(lab, "--namespace", "hummingbird", *wanted)
        if token:
            return base64.b64decode(token).decode()
        time.sleep(0.1)
    raise LabError("Kubernetes made no token for the product's account")


def _kubectl(lab: Lab, *words: str) -> str:
    return lab.exec(inventory.CONTROLLER, ["kubectl", *words]).stdout
