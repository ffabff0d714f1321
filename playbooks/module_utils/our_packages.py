# SPDX-License-Identifier: Apache-2.0
"""Knows which packages, accounts and package lists came with us and can go again.

A package that something else on the host has come to need stays, and is named.
"""

import glob
import os
import re
import subprocess
from typing import Any, Optional
from urllib.parse import quote, urlsplit

from ansible.module_utils import host_snapshot

LISTS = "/var/lib/apt/lists"
SOURCE = "/etc/apt/sources.list.d/hummingbird.sources"


def ours(manifest: dict[str, Any]) -> "set[str]":
    """Return the installed packages that we added, also those of a run that was cut."""
    tracked, installed = manifest["packages"], set(host_snapshot.packages())
    added = set(tracked["added"])
    if tracked["before"] is not None:
        added |= installed - set(tracked["before"]["installed"])
    return added & installed


def removable(names: "set[str]") -> "tuple[list[str], list[str]]":
    """Return which of `names` can go without taking others along, and which stay."""
    going, staying = set(names), set()
    while going:
        simulation = host_snapshot.run(
            "apt-get", "--simulate", "purge", "--", *sorted(going)
        )
        taken = set(re.findall(r"^(?:Purg|Remv) (\S+)", simulation, re.MULTILINE))
        others = {name for name in taken if name not in {bare(each) for each in going}}
        if not others:
            break
        needed = set()
        for other in others:
            form = "${Depends},${Pre-Depends}"
            wants = host_snapshot.run("dpkg-query", "-W", "-f", form, other)
            needed |= set(re.findall(r"[a-z0-9][a-z0-9+.-]+", wants))
        stay = {name for name in going if bare(name) in needed}
        if not stay:
            # needed by a way we do not see (a virtual package): leave all, and say so
            return [], sorted(names)
        going -= stay
        staying |= stay
    return sorted(going), sorted(staying)


def bare(name: str) -> str:
    """Return a package's name without its architecture."""
    return name.split(":")[0]


def package_lists() -> "Optional[list[str]]":
    """Return the files that apt has read from our source, or None where it has none."""
    try:
        with open(SOURCE, encoding="utf-8") as file:
            found = re.search(r"^URIs: (\S+)", file.read(), re.MULTILINE)
    except FileNotFoundError:
        return None
    if not found:
        return None
    address = urlsplit(found.group(1))
    # as apt names its lists (apt-pkg/contrib/strutl.cc, URItoFileName), without the brackets
    # of an IPv6 address
    place = re.sub(r"[][]", "", address.netloc) + address.path.rstrip("/")
    name = quote(place, safe="/:.-+").replace("_", "%5f")
    prefix = os.path.join(LISTS, name.replace("/", "_"))
    return [
        path for path in glob.glob(glob.escape(prefix) + "_*") if os.path.isfile(path)
    ]


def accounts(manifest: dict[str, Any]) -> bool:
    """Delete the users and groups that our packages made; return whether there were any."""
    changed = False
    for database, tool, what in (
        ("passwd", "userdel", "users"),
        ("group", "groupdel", "groups"),
    ):
        there = {line.split(":")[0] for line in host_snapshot.accounts(database)}
        for name in manifest["packages"][what]:
            if name in there:
                subprocess.run([tool, name], check=False, stderr=subprocess.DEVNULL)
                changed = True
    return changed
