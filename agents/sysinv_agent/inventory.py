# SPDX-License-Identifier: Apache-2.0
"""Puts the inventory together."""

from agents.sysinv_agent.cpu import cpus, memories
from agents.sysinv_agent.disk import disks
from agents.sysinv_agent.files import HostFiles
from agents.sysinv_agent.port import ports
from agents.sysinv_agent.system import system
from hummingbird.wire.inventory import Sections


def collect(files: HostFiles, *, hostname: str, boot_id: str) -> Sections:
    """Return the host's inventory as it is now; what can't be read is left out."""
    return {
        "system": system(files, hostname=hostname, boot_id=boot_id),
        "icpus": cpus(files),
        "imemories": memories(files),
        "idisks": disks(files),
        "ports": ports(files),
    }
