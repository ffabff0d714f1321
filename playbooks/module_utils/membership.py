# SPDX-License-Identifier: Apache-2.0
"""Knows which cluster a host is a node of. Only reads."""

import base64
import os
import re
from typing import Optional

KUBECONFIG = "/etc/kubernetes/kubelet.conf"
"""What kubeadm leaves where a host is a node."""


def _authority_of(path: str) -> Optional[str]:
    """Return the certificate authority in a kubeconfig, or None where it cannot be told."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found = re.search(r"certificate-authority-data:\s*\"?([A-Za-z0-9+/=]+)", text)
    if found:
        return base64.b64decode(found.group(1)).decode(errors="replace")
    found = re.search(r"certificate-authority:\s*(\S+)", text)
    if found and os.path.exists(found.group(1)):
        with open(found.group(1), encoding="utf-8") as file:
            return file.read()
    return None


def is_node() -> bool:
    """Return whether the host is a node of some cluster."""
    return os.path.exists(KUBECONFIG)


def is_elsewhere(ca_cert: str) -> bool:
    """Return whether the host is a node of a cluster with another authority."""
    if not is_node():
        return False
    authority = _authority_of(KUBECONFIG)
    return authority is not None and authority.split() != ca_cert.split()
