# SPDX-License-Identifier: Apache-2.0
"""The machine and its software: kernel, operating system, maker."""

import os
from typing import cast

from agents.sysinv_agent.cpu import flags
from agents.sysinv_agent.files import HostFiles, text
from hummingbird.wire.section import System

_OS = {
    "ID": "os_id",
    "VERSION_ID": "os_version_id",
    "PRETTY_NAME": "os_pretty_name",
}
_MAKER = {
    "sys_vendor": "vendor",
    "product_name": "product",
    "product_serial": "serial",
    "bios_version": "firmware",
}


def system(files: HostFiles, *, hostname: str, boot_id: str) -> System:
    """Return what is known; `hostname` is the node's name in Kubernetes."""
    found: dict[str, str | list[str]] = {
        "hostname": hostname,
        "architecture": os.uname().machine,
        "boot_id": boot_id,
    }
    kernel = text(files.proc / "sys/kernel/osrelease")
    if kernel:
        found["kernel_running"] = kernel
    release = text(files.etc / "os-release") or text(files.usr_lib / "os-release")
    said = _assignments(release or "")
    found |= {ours: said[name] for name, ours in _OS.items() if said.get(name)}
    if telling := flags(files):
        found["cpu_flags"] = telling
    for name, ours in _MAKER.items():
        value = text(files.sys / "class/dmi/id" / name)
        if value:
            found[ours] = value
    tree = files.sys / "firmware/devicetree/base"
    for name, ours in (("model", "product"), ("serial-number", "serial")):
        value = text(tree / name)
        if value and ours not in found:
            found[ours] = value
    return cast(System, found)


def _assignments(release: str) -> dict[str, str]:
    """Return the variables of an os-release file (os-release(5))."""
    found = {}
    for line in release.splitlines():
        name, is_one, value = line.strip().partition("=")
        if is_one and not name.startswith("#"):
            found[name] = value.strip().strip("\"'")
    return found
