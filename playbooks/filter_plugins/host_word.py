# SPDX-License-Identifier: Apache-2.0
"""What a host said chooses among things of ours here, and becomes nothing itself.

These run on the controller. A host's word is compared with a closed list; what goes on
from here is an entry of that list, or of a table of ours. Whatever else a host says, of
whatever type, ends the task with a sentence. tools/host_words.py sees that the playbooks
let no word of a host choose anything in another way.
"""

from collections.abc import Mapping
from pathlib import Path

from ansible.errors import AnsibleFilterError

FAMILIES = {"Debian": "debian", "RedHat": "redhat", "Suse": "suse", "Other": "other"}
"""Families of Linux as module_utils/host_family.py has them, by the name of our entry."""

PACKAGE_TOOLS = {"debian": "apt", "redhat": "dnf", "suse": "zypper"}
"""The Ansible module that installs packages, by family."""

MACHINES = {
    name: name
    for name in (
        "aarch64",
        "armv6l",
        "armv7l",
        "armv8l",
        "i686",
        "loongarch64",
        "mips64",
        "ppc64le",
        "riscv64",
        "s390x",
        "x86_64",
    )
}
"""What Linux calls processors that edge hosts may have (uname -m)."""

_SHOWN = 40
"""Characters of a host's word in a sentence."""


def _shown(word: object) -> str:
    if isinstance(word, str):
        return ascii(word[:_SHOWN]) + ("…" if len(word) > _SHOWN else "")
    return "not a text"


def _of(table: Mapping[str, str], word: object, what: str) -> str:
    if not isinstance(word, str) or word not in table:
        raise AnsibleFilterError(
            "The host says that its {} is {}, which is none that is known.".format(
                what, _shown(word)
            )
        )
    return table[word]


def of_family(table: Mapping[str, object], word: object) -> object:
    """Return what `table`, one of ours, has for the family of Linux that a host names."""
    family = _of(FAMILIES, word, "family of Linux")
    if family not in table:
        raise AnsibleFilterError(
            "Hosts of the families {} can be provisioned; this one is of another.".format(
                ", ".join(sorted(table))
            )
        )
    return table[family]


def package_tool(word: object) -> object:
    """Return the module that installs packages on the family that a host names."""
    return of_family(PACKAGE_TOOLS, word)


def bundled(folder: str, machine: object, program: str) -> str:
    """Return the file below `folder` that is `program` for a host's processor, or ''."""
    own = Path(folder, _of(MACHINES, machine, "processor"), program)
    found = (path for path in (own, Path(folder, program)) if path.is_file())
    return str(next(found, ""))


def serves(listing: object, plugin: str) -> bool:
    """Return whether `ctr plugins list` says that a plugin of containerd is well.

    By words and not by a pattern: a host decides how long its lines are.
    """
    lines = [line.split() for line in str(listing).splitlines()]
    return any(words[1:2] == [plugin] and words[-1] == "ok" for words in lines)


class FilterModule:
    """Makes them known to Ansible."""

    def filters(self) -> dict[str, object]:
        """Return the filters of this file by name."""
        return {
            "bundled": bundled,
            "of_family": of_family,
            "package_tool": package_tool,
            "serves": serves,
        }
