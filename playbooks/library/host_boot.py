# SPDX-License-Identifier: Apache-2.0
"""Says which boot a host is in, and whether it is going down. Only reads."""

import subprocess

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: host_boot
short_description: Which boot a host is in
options: {}
"""

RETURN = r"""
boot_id: {description: The kernel's name of this boot (random(4))., type: str, returned: always}
stopping: {description: Whether systemd is taking the system down., type: bool, returned: always}
"""

BOOT_ID = "/proc/sys/kernel/random/boot_id"


def is_stopping():
    """Return whether a shutdown has begun; see systemctl(1), is-system-running."""
    try:
        said = subprocess.run(
            ["systemctl", "is-system-running"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=10,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.strip() == b"stopping"


def main():
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    with open(BOOT_ID, encoding="ascii") as file:
        boot_id = file.read().strip()
    module.exit_json(changed=False, boot_id=boot_id, stopping=is_stopping())


if __name__ == "__main__":
    main()
