# SPDX-License-Identifier: Apache-2.0
"""Puts the inventory together."""

from agents.sysinv_agent import address
from agents.sysinv_agent.cpu import cpus, memories, nodes
from agents.sysinv_agent.disk import disks, partitions
from agents.sysinv_agent.files import HostFiles
from agents.sysinv_agent.filesystem import filesystems
from agents.sysinv_agent.lldp import LldpListener
from agents.sysinv_agent.lvm import lvm
from agents.sysinv_agent.pci import Names, pci_devices
from agents.sysinv_agent.port import interfaces, ports
from agents.sysinv_agent.sensor import sensors
from agents.sysinv_agent.system import system
from hummingbird.wire.document import storable
from hummingbird.wire.inventory import Sections


class Collector:
    """Reads a host; keeps what need not be read each time."""

    def __init__(
        self,
        files: HostFiles,
        *,
        hostname: str,
        boot_id: str,
        lldp: LldpListener | None = None,
    ) -> None:
        """
        :param hostname: the node's name in Kubernetes.
        :param lldp: who listens for neighbours, if anybody does.
        """
        self._files = files
        self._hostname = hostname
        self._boot_id = boot_id
        self._lldp = lldp
        self._names = Names()

    def collect(self) -> Sections:
        """Return the host's inventory as it is now; what can't be read is left out, and
        what no gateway would take: a firmware's text may hold anything."""
        whole: Sections = storable(self._collect())
        return whole

    def _collect(self) -> Sections:
        files = self._files
        devices = pci_devices(files, self._names)
        found = ports(files, self._names)
        groups, volumes = lvm(files)
        lldp = self._lldp
        names = [port["pname"] for port in found]
        return {
            "system": system(files, hostname=self._hostname, boot_id=self._boot_id),
            "inodes": nodes(files),
            "icpus": cpus(files),
            "imemories": memories(files),
            "idisks": disks(files),
            "partitions": partitions(files),
            "lvgs": groups,
            "pvs": volumes,
            "filesystems": filesystems(files),
            "pci_devices": devices,
            "ports": found,
            "sensors": sensors(files),
            "interfaces": interfaces(files, addresses=address.addresses()),
            "lldp_agents": [] if lldp is None else lldp.agents(names),
            "lldp_neighbours": [] if lldp is None else lldp.neighbours(),
        }
