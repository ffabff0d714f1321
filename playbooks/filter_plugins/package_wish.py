# SPDX-License-Identifier: Apache-2.0
"""Says which packages a host still needs.

A wish is `name`, `name=1.2*` (any version that begins so) or `a|b` (content with
either, and asks for the first). What comes out is of the wishes alone, whatever the host
says that it has.
"""

from ansible.errors import AnsibleFilterError


def _is_granted(wish: str, installed: dict[str, str]) -> bool:
    for alternative in wish.split("|"):
        name, _, version = alternative.partition("=")
        have = installed.get(name)
        if not isinstance(have, str):
            continue
        if not version or have.startswith(version.rstrip("*")):
            return True
    return False


def missing_from(wishes: list[str], installed: dict[str, str]) -> list[str]:
    """Return what to ask the package tool for, in the order of `wishes`."""
    if not isinstance(installed, dict):
        raise AnsibleFilterError("The host does not say which packages it has.")
    missing = [
        wish.split("|")[0] for wish in wishes if not _is_granted(wish, installed)
    ]
    return list(dict.fromkeys(missing))


class FilterModule:
    """Makes `missing_from` known to Ansible."""

    def filters(self) -> dict[str, object]:
        """Return the filters of this file by name."""
        return {"missing_from": missing_from}
