# SPDX-License-Identifier: Apache-2.0
"""Knows which family of Linux a host belongs to. Only reads."""

FAMILIES = {
    "debian": "Debian",
    "rhel": "RedHat",
    "fedora": "RedHat",
    "suse": "Suse",
}
"""By os-release(5) ID and ID_LIKE: what Ansible calls the family. Its package tool and all
else that goes by it is the controller's affair (filter_plugins/host_word.py)."""


def family():
    """Return what Ansible calls this host's family.

    Ansible's own C(setup) says the same and takes two seconds of each run to say it.
    """
    values = {}
    with open("/etc/os-release", encoding="utf-8") as file:
        for line in file:
            name, _, value = line.strip().partition("=")
            values[name] = value.strip("\"'")
    for name in [values.get("ID", "")] + values.get("ID_LIKE", "").split():
        if name in FAMILIES:
            return FAMILIES[name]
    return "Other"
