# SPDX-License-Identifier: Apache-2.0
"""Prints what a host of the given name would join by: a JSON object with `certificate`
and `private_key` (PEM). Run in the controller's network, with KUBECONFIG."""

import json
import sys
import time
from datetime import timedelta

from hummingbird.adapters.kubernetes.cluster import KubernetesCluster
from hummingbird.keypair import make_node_key


def main() -> None:
    """Have one signed, as provisioning does."""
    (hostname,) = sys.argv[1:]
    cluster = KubernetesCluster()
    private_key, request = make_node_key(hostname)
    deadline = time.monotonic() + 60
    certificate = None
    while certificate is None:
        assert time.monotonic() < deadline, "nobody signs"
        certificate = cluster.sign_node_certificate(
            hostname=hostname, request=request, lifetime=timedelta(minutes=15)
        )
        time.sleep(0.1)
    print(json.dumps({"certificate": certificate, "private_key": private_key}))


if __name__ == "__main__":
    main()
