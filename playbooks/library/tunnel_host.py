# SPDX-License-Identifier: Apache-2.0
"""Makes the host's end of its tunnel what it should be, in one round trip.

Nothing here is below /etc but the unit, and nothing is in the record of changes: the
tunnel is the way in, so retire.yml takes it away after everything else, by its own program.
Where programs are missing nothing is started; the role installs them and asks again.
"""

import os
import platform
import subprocess

from ansible.module_utils import host_manifest
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: tunnel_host
short_description: Write and run the host's end of its tunnel
options:
  program: {description: The program, a POSIX shell script., type: str, required: true}
  settings: {description: What it reads., type: str, required: true}
  unit: {description: Its systemd unit., type: str, required: true}
"""

RETURN = r"""
lacks: {description: Packages that have to be installed first., type: list, returned: always}
machine: {description: The host's processor as uname -m has it., type: str, returned: always}
public_key: {description: The public half of the host's key; empty while something lacks., type: str, returned: always}
"""

FOLDER = "/var/lib/hummingbird-tunnel"
UNIT = "hummingbird-tunnel.service"
UNIT_PATH = "/etc/systemd/system/" + UNIT


def write(path, content, mode):
    """Make a file have this content; return whether that changed it."""
    try:
        with open(path, encoding="utf-8") as file:
            same = file.read() == content
        if same and os.stat(path).st_mode & 0o7777 == mode:
            return False
    except FileNotFoundError:
        pass
    host_manifest.write_atomically(path, content.encode(), mode=mode)
    return True


def said(*words):
    done = subprocess.run(
        ["/bin/sh", FOLDER + "/tunnel", *words],
        check=True,
        stdout=subprocess.PIPE,
        universal_newlines=True,
    )
    return done.stdout.strip()


def systemctl(*words):
    return subprocess.run(
        ["systemctl", *words], check=False, stdout=subprocess.PIPE
    ).returncode


def main():
    text = {"type": "str", "required": True}
    module = AnsibleModule(
        argument_spec={"program": text, "settings": text, "unit": text}
    )
    os.makedirs(FOLDER, mode=0o700, exist_ok=True)
    is_new = write(FOLDER + "/tunnel", module.params["program"], 0o600)
    is_new = write(FOLDER + "/settings", module.params["settings"], 0o600) or is_new
    lacks = said("lacks").split()
    machine = platform.machine()
    if lacks:
        module.exit_json(changed=is_new, lacks=lacks, machine=machine, public_key="")
    key = said("public")
    unit_is_new = write(UNIT_PATH, module.params["unit"], 0o644)
    if unit_is_new:
        systemctl("daemon-reload")
    started = systemctl("is-enabled", "--quiet", UNIT) != 0
    started = systemctl("is-active", "--quiet", UNIT) != 0 or started
    if started and systemctl("enable", "--now", UNIT) != 0:
        module.fail_json(
            msg="The unit {} does not start; see its journal.".format(UNIT)
        )
    if is_new and not started:
        # not restarted: this very connection may be inside
        systemctl("reload", UNIT)
    module.exit_json(
        changed=is_new or unit_is_new or started,
        lacks=[],
        machine=machine,
        public_key=key,
    )


if __name__ == "__main__":
    main()
