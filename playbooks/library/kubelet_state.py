# SPDX-License-Identifier: Apache-2.0
"""Says how far a host is in joining Kubernetes. Only reads."""

import os
import time
import urllib.error
import urllib.request

from ansible.module_utils import host_snapshot, membership
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: kubelet_state
short_description: How far a host is in joining Kubernetes
options:
  ca_cert:
    description: The certificate authority of the cluster that this host should be in (PEM).
    type: str
    required: true
  wait_seconds:
    description: How long to wait for the kubelet to say that it is healthy.
    type: int
    default: 0
"""

RETURN = r"""
state:
  description:
    - C(absent) nothing of a join is there; C(half) a join was cut; C(joined) the host has its identity;
      C(foreign) it is a node of another cluster.
  type: str
  returned: always
healthy: {description: Whether the kubelet says that it is well., type: bool, returned: always}
active: {description: Whether the kubelet's unit is active., type: bool, returned: always}
"""

IDENTITY = "/var/lib/kubelet/pki/kubelet-client-current.pem"
LEFT_BY_A_CUT_JOIN = (
    membership.KUBECONFIG,
    "/etc/kubernetes/bootstrap-kubelet.conf",
    "/etc/kubernetes/pki/ca.crt",
    "/var/lib/kubelet/config.yaml",
    "/var/lib/kubelet/kubeadm-flags.env",
)
"""What kubeadm's join phases kubelet-start and download-certs write
(kubernetes cmd/kubeadm/app/cmd/phases/join/kubelet.go)."""

HEALTH = "http://127.0.0.1:10248/healthz"


def is_healthy():
    try:
        with urllib.request.urlopen(HEALTH, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def state(ca_cert):
    """Return how far the join is."""
    if not os.path.exists(membership.KUBECONFIG) or not os.path.exists(IDENTITY):
        return "half" if any(map(os.path.exists, LEFT_BY_A_CUT_JOIN)) else "absent"
    return "foreign" if membership.is_elsewhere(ca_cert) else "joined"


def main():
    module = AnsibleModule(
        argument_spec={
            "ca_cert": {"type": "str", "required": True},
            "wait_seconds": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    until = time.monotonic() + module.params["wait_seconds"]
    healthy = is_healthy()
    while not healthy and time.monotonic() < until:
        time.sleep(0.25)
        healthy = is_healthy()
    active = host_snapshot.run(
        "systemctl", "show", "-P", "ActiveState", "kubelet.service"
    )
    found = state(module.params["ca_cert"])
    module.exit_json(
        changed=False,
        state=found,
        healthy=healthy,
        active=active.strip() == "active",
    )


if __name__ == "__main__":
    main()
