# SPDX-License-Identifier: Apache-2.0
"""Joins a host to a cluster. What it needs for that is on the host for as long as it takes."""

import os
import shutil

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: kubeadm_join
short_description: Join a host to a Kubernetes cluster
description:
  - The key is in files that only root reads, never in an argument, and is gone afterwards. After a power
    cut it is, too; I(folder) is in memory.
options:
  folder:
    description: Where the files are meanwhile.
    type: path
    required: true
  files:
    description: Their contents by their names.
    type: dict
    required: true
  configuration:
    description: The name of the one that kubeadm is told.
    type: str
    required: true
"""

RETURN = r"""
stdout: {description: What kubeadm said., type: str, returned: always}
"""


def write(path, text):
    """Write a file that only root reads."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def main():
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "files": {"type": "dict", "required": True, "no_log": True},
            "configuration": {"type": "str", "required": True},
        },
    )
    folder = module.params["folder"]
    # one that was cut may have left it
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder, 0o700)
    try:
        for name, text in module.params["files"].items():
            write(os.path.join(folder, name), text)
        told = os.path.join(folder, module.params["configuration"])
        status, said, complained = module.run_command(
            ["kubeadm", "join", "--config", told]
        )
    finally:
        # The join has ended as it has; of what can't be removed the certificate dies in minutes.
        shutil.rmtree(folder, ignore_errors=True)
    if status:
        module.fail_json(
            msg="kubeadm join ended with status %d" % status,
            rc=status,
            stdout=said,
            stderr=complained,
        )
    module.exit_json(changed=True, stdout=said)


if __name__ == "__main__":
    main()
