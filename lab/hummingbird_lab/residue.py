# SPDX-License-Identifier: Apache-2.0
"""What is left on a host: two looks at the whole of it, compared.

The looking is the product's own program (playbooks/files/host_snapshot.py), run on the
host as root; it only reads.
"""

import importlib.util
import json
from pathlib import Path
from typing import Any

from hummingbird_lab.lab import Lab

PROGRAM = (
    Path(__file__).resolve().parents[2] / "playbooks" / "files" / "host_snapshot.py"
)


def snapshot(lab: Lab, host: str) -> dict[str, Any]:
    """Return what a host is made of now: packages, units, files, users, routes, ….

    :raises CommandFailed: the host did not answer, or refused.
    """
    done = lab.ssh(
        host, "sudo python3 -", input_text=PROGRAM.read_text(), timeout_s=120.0
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def difference(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return a line for each thing that came, went or changed; [] if nothing did."""
    spec = importlib.util.spec_from_file_location("host_snapshot", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lines: list[str] = module.difference(before, after)
    return lines
