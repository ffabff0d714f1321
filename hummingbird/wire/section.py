# SPDX-License-Identifier: Apache-2.0
"""What the sections of an inventory hold. Every field may be missing: it is not known."""

from typing import TypedDict


class System(TypedDict, total=False):
    """Section `system`: the machine and its software."""

    hostname: str
    boot_id: str
    kernel_running: str
    architecture: str
    os_id: str
    os_version_id: str
    os_pretty_name: str
    vendor: str
    product: str
    serial: str
    firmware: str
    """Version of BIOS or UEFI."""
    cpu_flags: list[str]
    """Those that decide what may run on it; see agents/sysinv_agent/cpu.py."""


class Node(TypedDict, total=False):
    """Section `inodes`: one NUMA node."""

    numa_node: int
    cpus: int
    distances: list[int]
    """To each node by number, as the firmware says (10: itself)."""


class Cpu(TypedDict, total=False):
    """Section `icpus`: one logical CPU."""

    cpu: int
    numa_node: int
    package: int
    core: int
    thread: int
    cpu_family: str
    cpu_model: str
    online: bool


class Memory(TypedDict, total=False):
    """Section `imemories`: the memory of one NUMA node, in MiB."""

    numa_node: int
    memtotal_mib: int
    hugepages_configured: bool
    vm_hugepages_nr_2M: int
    vm_hugepages_nr_1G: int


class Disk(TypedDict, total=False):
    """Section `idisks`: one whole disk."""

    device_node: str
    device_num: int
    device_type: str
    """HDD, SSD or NVME."""
    device_path: str
    """/dev/disk/by-path/… where udev made one, else the place of the device in /sys:
    stable over reboots as long as the hardware is."""
    device_id: str
    """The link in /dev/disk/by-id."""
    device_wwn: str
    size_mib: int
    serial_id: str
    rpm: str
    removable: bool
    capabilities: dict[str, str]


class Partition(TypedDict, total=False):
    """Section `partitions`: one partition of a disk."""

    device_node: str
    device_path: str
    disk: str
    """device_node of its disk."""
    start_mib: int
    end_mib: int
    size_mib: int
    type_guid: str
    """GPT type, or the type byte of an MBR ("0x83")."""
    type_name: str
    uuid: str
    label: str
    content: str
    """What is in it: ext4, LVM2_member, swap, …"""


class VolumeGroup(TypedDict, total=False):
    """Section `lvgs`: one LVM volume group; sizes in bytes as sysinv has them."""

    lvm_vg_name: str
    lvm_vg_uuid: str
    lvm_vg_access: str
    """As vgs(8) shows: wz--n-."""
    lvm_max_lv: int
    lvm_cur_lv: int
    lvm_max_pv: int
    lvm_cur_pv: int
    lvm_vg_size: int
    lvm_vg_total_pe: int
    lvm_vg_free_pe: int


class PhysicalVolume(TypedDict, total=False):
    """Section `pvs`: one LVM physical volume; its size in bytes."""

    lvm_pv_name: str
    """Its device node."""
    lvm_vg_name: str
    lvm_pv_uuid: str
    lvm_pv_size: int
    lvm_pe_total: int
    lvm_pe_alloced: int


class FileSystem(TypedDict, total=False):
    """Section `filesystems`: one mounted file system that has a device."""

    mount: str
    device: str
    fs_type: str
    size_mib: int
    """Of the device; how full it is changes by itself and is not told."""
    logical_volume: str


class Port(TypedDict, total=False):
    """Section `ports`: one network port, on PCI or not."""

    pname: str
    pciaddr: str
    pclass: str
    pvendor: str
    pdevice: str
    psvendor: str
    psdevice: str
    driver: str
    bus: str
    """pci, usb, platform, virtio, …"""
    mac: str
    mtu: int
    speed: int
    """Mbit/s."""
    duplex: str
    numa_node: int
    dev_id: int
    link: bool
    """Whether it has a carrier."""
    sriov_totalvfs: int
    sriov_numvfs: int
    sriov_vfs_pci_address: str
    """Of each, with commas between, as sysinv has them."""
    sriov_vf_driver: str
    sriov_vf_pdevice_id: str


class Interface(TypedDict, total=False):
    """Section `interfaces`: what carries addresses: ports, bonds, VLANs, bridges."""

    ifname: str
    iftype: str
    """ethernet, ae, vlan or virtual (sysinv's words)."""
    imac: str
    imtu: int
    vlan_id: int
    aemode: str
    uses: list[str]
    """Names of the interfaces under it."""
    addresses: list[str]
    """With their prefix length; none that come and go by themselves."""


class PciDevice(TypedDict, total=False):
    """Section `pci_devices`: one function of a PCI device."""

    name: str
    pciaddr: str
    pclass_id: str
    """Six hex digits, as the other ids four, without 0x."""
    pvendor_id: str
    pdevice_id: str
    pclass: str
    """Names where the host has a pci.ids, else the ids again."""
    pvendor: str
    pdevice: str
    prevision: str
    psvendor: str
    psdevice: str
    numa_node: int
    driver: str
    enabled: bool
    sriov_totalvfs: int
    sriov_numvfs: int
    sriov_vfs_pci_address: str
    sriov_vf_driver: str
    sriov_vf_pdevice_id: str


class Sensor(TypedDict, total=False):
    """Section `sensors`: one sensor of the board; limits are numbers in plain units."""

    sensorname: str
    path: str
    """Where it is in /sys: stable over reboots."""
    sensortype: str
    """temperature, fan, voltage, current, power or humidity."""
    status: str
    """ok, major or critical, as the hardware judges."""
    t_major_lower: str
    t_major_upper: str
    t_critical_lower: str
    t_critical_upper: str


class LldpAgent(TypedDict, total=False):
    """Section `lldp_agents`: a port that LLDP is listened for on."""

    port_name: str
    status: str


class LldpNeighbour(TypedDict, total=False):
    """Section `lldp_neighbours`: who said on a port who it is (IEEE 802.1AB)."""

    port_name: str
    msap: str
    """Chassis and port with a comma between: what tells neighbours apart."""
    chassis_id: str
    port_identifier: str
    port_description: str
    system_name: str
    system_description: str
    system_capabilities: str
    management_address: str
    dot1_port_vid: str
    dot1_vlan_names: str
    dot1_lag: str
    dot3_mac_status: str
    dot3_max_frame: str
