# SPDX-License-Identifier: Apache-2.0
"""Records, before anything is changed, what a later retirement has to bring back.

Runs first in every provisioning. Writes once in a host's life with us; after that it
only reads, and reports what the roles ask about the running host.
"""

import os
import platform
import pwd

from ansible.module_utils import (
    host_family,
    host_manifest,
    host_snapshot,
    membership,
    our_packages,
    router_advert,
)
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: host_baseline
short_description: Record what a host was like before us
description:
  - Writes /var/lib/hummingbird/manifest.json if there is none.
options:
  sysctls:
    description: Wanted kernel settings; those that differ now are returned.
    type: dict
    default: {}
  kernel_modules:
    description: Wanted kernel modules; those that can and have to be loaded are returned.
    type: list
    elements: str
    default: []
  login_user:
    description: The account that Ansible comes in by.
    type: str
    required: true
  ca_cert:
    description: The authority of the cluster that the host will join; a node of another is refused.
    type: str
    required: true
"""

RETURN = r"""
sysctls_first:
  description: Settings to be made before the others, by path, so that this host keeps its routes.
  type: dict
  returned: always
sysctls_to_apply: {description: Settings that differ from the wanted., type: dict, returned: always}
modules_to_load: {description: Modules that are not loaded., type: list, returned: always}
ansible_facts:
  description: C(os_family) and C(hummingbird_packages) (name to version).
  type: dict
  returned: always
package_source_unread:
  description: Whether our package source is there and was never read, because a run was cut.
  type: bool
  returned: always
notes: {description: Sentences about what an operator may want to mend., type: list, returned: always}
"""

PLACES = (
    "/etc/cni",
    "/etc/containerd",
    "/etc/kubernetes",
    "/opt/cni",
    "/opt/containerd",
    "/run/calico",
    "/run/containerd",
    "/run/flannel",
    "/run/kubernetes",
    "/var/lib/calico",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/lib/etcd",
    "/var/lib/kubelet",
    "/var/log/containers",
    "/var/log/pods",
    "/usr/libexec/kubernetes",
)
"""Where container runtimes, the kubelet and pod networks keep things."""

UNITS = ("containerd.service", "kubelet.service")


def occupancy(place):
    """Return whether a place is absent, empty or full."""
    if not os.path.lexists(place):
        return "absent"
    return "full" if not os.path.isdir(place) or os.listdir(place) else "empty"


def baseline(login_user):
    """Return what has to be known to bring this host back to today."""
    places = list(PLACES)
    for user in {login_user, "root"}:
        try:
            places.append(os.path.join(pwd.getpwnam(user).pw_dir, ".ansible"))
        except KeyError:
            continue
    units = {}
    for unit in UNITS:
        units[unit] = {
            "enabled": host_snapshot.run(
                "systemctl", "show", "-P", "UnitFileState", unit
            ).strip(),
            "active": host_snapshot.run(
                "systemctl", "show", "-P", "ActiveState", unit
            ).strip(),
        }
    return {
        "places": {place: occupancy(place) for place in places},
        "units": units,
        "sysctls": host_snapshot.sysctls(),
        "is_node": membership.is_node(),
        "interfaces": host_snapshot.interfaces(),
        "advertised": router_advert.learning(),
        "cgroups": host_snapshot.cgroups(),
        "nft": [list(chain) for chain in host_snapshot.nft_chains()],
        "images": host_snapshot.run(
            "ctr", "-n", "k8s.io", "images", "ls", "-q"
        ).split(),
    }


def differing(wanted):
    """Return the wanted settings that the kernel has and that have another value."""
    found = {}
    for name, value in wanted.items():
        try:
            path = name if "/" in name else name.replace(".", "/")
            with open("/proc/sys/" + path, encoding="ascii") as file:
                if file.read().split() != str(value).split():
                    found[name] = str(value)
        except OSError:
            # not there (its module is not loaded): applied when the module is
            continue
    return found


def loadable(wanted):
    """Return the wanted modules that this kernel has as a file and has not loaded."""
    listing = "/lib/modules/{}/modules.dep".format(platform.release())
    try:
        with open("/proc/modules", encoding="ascii") as file:
            loaded = {line.split()[0] for line in file}
        with open(listing, encoding="ascii") as file:
            there = {
                os.path.basename(line.split(":")[0]).split(".")[0] for line in file
            }
    except OSError:
        # everything is built in, or nothing can be loaded: either way not ours to mend
        return []
    return [name for name in wanted if name in there and name not in loaded]


def notes():
    """Return sentences on things that we look at and leave alone."""
    found = []
    with open("/proc/swaps", encoding="ascii") as file:
        if len(file.readlines()) > 1:
            found.append(
                "Swap is on; the kubelet refuses to start with it unless told otherwise."
            )
    if (
        host_snapshot.run("timedatectl", "show", "-P", "NTPSynchronized").strip()
        == "no"
    ):
        found.append("The clock is not synchronised; certificates may be refused.")
    return found


def main():
    module = AnsibleModule(
        argument_spec={
            "sysctls": {"type": "dict", "default": {}},
            "kernel_modules": {"type": "list", "elements": "str", "default": []},
            "login_user": {"type": "str", "required": True},
            "ca_cert": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    manifest = host_manifest.load()
    if manifest is None and membership.is_elsewhere(module.params["ca_cert"]):
        module.fail_json(
            msg="This host is a node of another cluster. Take it out there first (kubeadm reset)."
        )
    to_load = loadable(module.params["kernel_modules"])
    changed = manifest is None
    if manifest is None:
        manifest = host_manifest.empty()
        manifest["baseline"] = baseline(module.params["login_user"])
    if not set(to_load) <= set(manifest["kernel_modules"]):
        manifest["kernel_modules"] = sorted(
            set(manifest["kernel_modules"]) | set(to_load)
        )
        changed = True
    if changed and not module.check_mode:
        host_manifest.save(manifest)
    # A list of changes that an older release began has no such interfaces.
    first = router_advert.settings(manifest["baseline"].get("advertised", []))
    installed = host_snapshot.packages()
    module.exit_json(
        changed=changed,
        ansible_facts={
            "os_family": host_family.family(),
            "hummingbird_packages": {
                name.split(":")[0]: version
                for name, version in installed.items()
                if version != "rc"
            },
        },
        sysctls_first=first,
        sysctls_to_apply=differing({**first, **module.params["sysctls"]}),
        modules_to_load=to_load,
        package_source_unread=our_packages.package_lists() == [],
        notes=notes(),
    )


if __name__ == "__main__":
    main()
