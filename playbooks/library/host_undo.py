# SPDX-License-Identifier: Apache-2.0
"""Undoes, one step a call, what the manifest on the host says that we did.

Each step may be run any number of times, and finds its work by looking. The manifest
goes last of all, so a retirement that is cut goes on where it was.
"""

import os
import shutil
import signal
import subprocess
import time

from ansible.module_utils import (
    host_family,
    host_manifest,
    host_snapshot,
    our_packages,
    undo_network,
)
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: host_undo
short_description: Undo one part of what was done to a host
options:
  step:
    description:
      - C(look) says what there is to do; C(workloads) ends pods that nobody else ended;
        C(network) clears rules, interfaces and control groups; C(files) gives files and folders back;
        C(kernel) sets accounts, modules and settings back; C(finish) removes the record itself.
    type: str
    choices: [look, workloads, network, files, kernel, finish]
    required: true
"""

RETURN = r"""
tracked: {description: Whether anything of ours is on the host., type: bool, returned: always}
purge: {description: Packages to remove., type: list, returned: at step look}
os_family: {description: What Ansible calls the family of Linux., type: str, returned: at step look}
staying: {description: Packages that something else needs by now., type: list, returned: at step look}
runtime_stays: {description: Whether containerd was there before us., type: bool, returned: at step look}
refused: {description: What could not be undone., type: list, returned: at step kernel}
"""


def was_there(manifest, unit):
    """Return whether a unit was on the host before us."""
    return bool(manifest["baseline"]["units"][unit]["enabled"])


def look(manifest):
    purge, staying = our_packages.removable(our_packages.ours(manifest))
    return {
        "changed": False,
        "purge": purge,
        "staying": staying,
        "os_family": host_family.family(),
        "runtime_stays": was_there(manifest, "containerd.service"),
        # a node of before us stays one
        "was_node": manifest["baseline"]["is_node"],
        "has_kubeadm": shutil.which("kubeadm", path="/usr/bin:/usr/sbin") is not None
        and os.path.exists("/etc/kubernetes"),
        "units": [unit for unit in manifest["baseline"]["units"] if _is_loaded(unit)],
    }


def _is_loaded(unit):
    return (
        host_snapshot.run("systemctl", "show", "-P", "LoadState", unit).strip()
        == "loaded"
    )


def _processes():
    """Return parent and command of each process, by its number."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(
                "/proc/{}/stat".format(name), encoding="utf-8", errors="replace"
            ) as file:
                text = file.read()
        except OSError:
            continue
        command = text[text.index("(") + 1 : text.rindex(")")]
        found[int(name)] = (int(text[text.rindex(")") + 2 :].split()[1]), command)
    return found


def _end_shims():
    """Kill what runs in containers whose runtime is gone; return how many processes."""
    processes = _processes()
    doomed = {
        pid for pid, (_, command) in processes.items() if command == "containerd-shim"
    }
    grown = True
    while grown:
        more = {
            pid for pid, (parent, _) in processes.items() if parent in doomed
        } - doomed
        doomed |= more
        grown = bool(more)
    for pid in doomed:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return len(doomed)


def _unmount(places):
    """Unmount what is mounted below `places`, the last mounted first."""
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
        targets = [line.split()[1].replace("\\040", " ") for line in file]
    below = [
        at for at in targets if any(at.startswith(place + "/") for place in places)
    ]
    for target in reversed(below):
        subprocess.run(
            ["umount", "--lazy", target], check=False, stderr=subprocess.DEVNULL
        )
    return bool(below)


def _not_ours_before(manifest):
    return [
        place for place, was in manifest["baseline"]["places"].items() if was != "full"
    ]


def workloads(manifest):
    """End pods and their mounts, where the runtime itself goes away."""
    changed = False
    if was_there(manifest, "containerd.service"):
        kept = set(manifest["baseline"]["images"])
        listing = host_snapshot.run("ctr", "-n", "k8s.io", "images", "ls", "-q").split()
        for image in sorted(set(listing) - kept):
            host_snapshot.run("ctr", "-n", "k8s.io", "images", "rm", "--sync", image)
            changed = True
    else:
        while _end_shims():
            changed = True
            time.sleep(0.1)
    places = [
        place for place in _not_ours_before(manifest) if not place.startswith("/etc")
    ]
    return {"changed": _unmount(places) or changed}


def _remove_cgroups(manifest):
    """Remove control groups of pods; return whether there were any."""
    changed = False
    for top in host_snapshot.cgroups():
        if top in manifest["baseline"]["cgroups"]:
            continue
        if not os.path.basename(top).startswith(("kubepods", "k8s.io", "kubelet")):
            continue
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
                changed = True
            except OSError:
                continue
    return changed


def network(manifest):
    changed = undo_network.firewall(manifest["baseline"])
    changed = undo_network.interfaces(manifest["baseline"]) or changed
    return {"changed": _remove_cgroups(manifest) or changed}


def _empty(place):
    for name in os.listdir(place):
        path = os.path.join(place, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def files(manifest):
    """Give back files; remove what grew in places that were absent or empty before us."""
    lists = our_packages.package_lists() or []
    for path in lists:
        os.unlink(path)
    changed = bool(lists)
    for path in sorted(manifest["files"]):
        changed = host_manifest.give_back(manifest, path) or changed
    for place in _not_ours_before(manifest):
        if os.path.basename(place) == ".ansible" or not os.path.lexists(place):
            # Ansible itself may still need its folder; the last step removes it
            continue
        if manifest["baseline"]["places"][place] == "absent":
            _remove(place)
            changed = True
        elif os.listdir(place):
            _empty(place)
            changed = True
    for folder in sorted(manifest["directories"], key=len, reverse=True):
        try:
            os.rmdir(folder)
            changed = True
        except OSError:
            # gone, or somebody has put something into it meanwhile
            continue
    return {"changed": changed}


def _remove(place):
    if os.path.isdir(place) and not os.path.islink(place):
        shutil.rmtree(place)
    else:
        os.unlink(place)


def kernel(manifest):
    """Set back accounts, kernel settings and modules, and the units of before us."""
    changed = our_packages.accounts(manifest)
    set_back, refused = undo_network.sysctls(manifest["baseline"])
    for name in manifest["kernel_modules"]:
        # refused by the kernel while somebody uses it: then it is theirs
        subprocess.run(["modprobe", "-r", name], check=False, stderr=subprocess.DEVNULL)
    host_snapshot.run("systemctl", "daemon-reload")
    for unit, was in manifest["baseline"]["units"].items():
        if was["enabled"] in ("enabled", "disabled"):
            host_snapshot.run("systemctl", was["enabled"][:-1], unit)
        if was["active"] == "active":
            # with the configuration that came back
            host_snapshot.run("systemctl", "restart", unit)
        elif was["enabled"]:
            host_snapshot.run("systemctl", "stop", unit)
        else:
            host_snapshot.run("systemctl", "reset-failed", unit)
    return {"changed": changed or set_back, "refused": refused}


def finish(manifest):
    for place in _not_ours_before(manifest):
        if os.path.basename(place) == ".ansible" and os.path.lexists(place):
            _remove(place)
    for name in os.listdir(host_manifest.DIRECTORY):
        path = os.path.join(host_manifest.DIRECTORY, name)
        if path != host_manifest.PATH:
            _remove(path)
    os.unlink(host_manifest.PATH)
    os.rmdir(host_manifest.DIRECTORY)
    return {"changed": True}


STEPS = {
    "look": look,
    "workloads": workloads,
    "network": network,
    "files": files,
    "kernel": kernel,
    "finish": finish,
}


def main():
    module = AnsibleModule(
        argument_spec={
            "step": {"type": "str", "choices": sorted(STEPS), "required": True}
        }
    )
    manifest = host_manifest.load()
    if manifest is None:
        module.exit_json(changed=False, tracked=False)
    module.exit_json(tracked=True, **STEPS[module.params["step"]](manifest))


if __name__ == "__main__":
    main()
