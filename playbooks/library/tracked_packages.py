# SPDX-License-Identifier: Apache-2.0
"""Stands round an installation of packages, and remembers what it added to the host.

C(planned) before: says which packages are missing, and records what is there.
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
  names:
    description:
      - What is needed. C(a|b) is content with either and asks for C(a).
      - C(a=1.2*) is content with any version that begins so.
    type: list
    elements: str
    default: []
"""

RETURN = r"""
missing: {description: What has to be installed., type: list, returned: always}
added: {description: What we added in this host's life with us., type: list, returned: always}
"""


def bare(names):
    """Return the installed packages by name without the architecture."""
    return {name.split(":")[0]: version for name, version in names.items()}


def is_there(wish, installed):
    """Return whether one alternative of `wish` is installed."""
    for alternative in wish.split("|"):
        name, _, version = alternative.partition("=")
        have = installed.get(name)
        if have is None or have == "rc":
            continue
        if not version or have.startswith(version.rstrip("*")):
            return True
    return False


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
            "state": {"type": "str", "choices": ["planned", "recorded"], "required": True},
            "names": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    manifest = host_manifest.load()
    if manifest is None:
        module.fail_json(msg="Nothing was recorded on this host yet; run node_config first.")
    installed = host_snapshot.packages()
    missing = [
        wish.split("|")[0]
        for wish in module.params["names"]
        if not is_there(wish, bare(installed))
    ]
    # a plan that an earlier run could not close is closed first
    changed = record(manifest, installed)
    if module.params["state"] == "planned" and missing:
        manifest["packages"]["before"] = {
            "installed": sorted(installed),
            "users": names_of("passwd"),
            "groups": names_of("group"),
        }
        changed = True
    if changed and not module.check_mode:
        host_manifest.save(manifest)
    module.exit_json(changed=changed, missing=missing, added=manifest["packages"]["added"])


if __name__ == "__main__":
    main()
