# SPDX-License-Identifier: Apache-2.0
"""One process of the product, its Kubernetes a pretended one:

    two_program.py SOCKET api|conductor|gateway --config-file FILE

All else is the product's own: its wiring, its database, its calls, its Ansible.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from two_cluster import SharedCluster, SharedRelease


def main() -> int:
    """Run the process; return its exit code."""
    _, socket, role, *rest = sys.argv
    cluster = SharedCluster(socket)
    module: Any = importlib.import_module(f"hummingbird.cmd.{role}")
    if role == "conductor":
        module.kubernetes = lambda _conf: cluster
        module._release = lambda *_: SharedRelease(cluster)
    elif role == "gateway":
        module.KubernetesCluster = lambda *_, **__: cluster
    sys.argv = [f"hummingbird-{role}", *rest]
    return int(module.main())


if __name__ == "__main__":
    sys.exit(main())
