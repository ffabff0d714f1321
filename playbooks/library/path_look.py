# SPDX-License-Identifier: Apache-2.0
"""Says which places a host reaches by TCP. Only looks."""

import socket
from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: path_look
short_description: Which places a host reaches by TCP
options:
  targets:
    description: Where to connect to; all at once.
    type: list
    elements: dict
    required: true
    suboptions:
      host: {description: A name or an address., type: str, required: true}
      port: {description: A TCP port., type: int, required: true}
  timeout_seconds:
    description: How long to wait for each.
    type: int
    default: 4
"""

RETURN = r"""
reached: {description: Whether each was reached, in the order of C(targets)., type: list, returned: always}
"""


def reach(target, timeout):
    """Return whether somebody takes a connection."""
    try:
        socket.create_connection((target["host"], target["port"]), timeout).close()
    except OSError:
        return False
    return True


def main():
    module = AnsibleModule(
        argument_spec={
            "targets": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "host": {"type": "str", "required": True},
                    "port": {"type": "int", "required": True},
                },
            },
            "timeout_seconds": {"type": "int", "default": 4},
        },
        supports_check_mode=True,
    )
    targets = module.params["targets"]
    timeout = module.params["timeout_seconds"]
    with ThreadPoolExecutor(max(1, len(targets))) as pool:
        reached = list(pool.map(lambda one: reach(one, timeout), targets))
    module.exit_json(changed=False, reached=reached)


if __name__ == "__main__":
    main()
