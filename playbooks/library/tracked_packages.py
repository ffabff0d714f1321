# SPDX-License-Identifier: Apache-2.0
"""Stands round an installation of packages, and remembers what it added to the host.

C(planned) before: records what is there.
C(recorded) after: records what came (packages, users, groups). A run that is cut in
between leaves the first record, and the next planned or recorded goes on from it.
"""

from ansible.module_utils import host_manifest, host_snapshot
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: tracked_packages
short_description: Remember which packages we added
options:
  state:
    description: On which side of the installation this call stands.
    type: str
    choices: [planned, recorded]
    required: true
"""

RETURN = r"""
added: {description: What we added in this host's life with us., type: list, returned: always}
"""


def names_of(database):
    return [line.split(":")[0] for line in host_snapshot.accounts(database)]


def record(manifest, installed):
    """Add what came since the plan to the manifest, and close the plan."""
    tracked = manifest["packages"]
    before = tracked["before"]
    if before is None:
        return False
    came = {
        "added": set(installed) - set(before["installed"]),
        "users": set(names_of("passwd")) - set(before["users"]),
        "groups": set(names_of("group")) - set(before["groups"]),
    }
    for what, names in came.items():
        tracked[what] = sorted(set(tracked[what]) | names)
    tracked["before"] = None
    return True


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {
                "type": "str",
                "choices": ["planned", "recorded"],
                "required": True,
            },
        },
        supports_check_mode=True,
    )
    manifest = host_manifest.load()
    if manifest is None:
        module.fail_json(
            msg="Nothing was recorded on this host yet; run node_config first."
        )
    installed = host_snapshot.packages()
    # a plan that an earlier run could not close is closed first
    changed = record(manifest, installed)
    if module.params["state"] == "planned":
        manifest["packages"]["before"] = {
            "installed": sorted(installed),
            "users": names_of("passwd"),
            "groups": names_of("group"),
        }
        changed = True
    if changed and not module.check_mode:
        host_manifest.save(manifest)
    module.exit_json(changed=changed, added=manifest["packages"]["added"])


if __name__ == "__main__":
    main()
