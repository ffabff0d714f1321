# SPDX-License-Identifier: Apache-2.0
"""The inventory report of one host: its shape, its canonical bytes and their hash.

Fields have the names of StarlingX sysinv's agent where it has one (config
sysinv/agent/{node,disk,pci}.py), so that they can be shown unchanged. A field that the
host doesn't know is left out. Nothing in a report changes by itself (no uptime, no free
memory, no counters): equal hosts give equal bytes, and the hash tells a change.
"""

import hashlib
import json
from typing import Any, Final, TypedDict

from hummingbird.wire.session import MessageInvalid

PATH: Final = "/v1/reports"
MAX_BYTES: Final = 1024 * 1024
HASH_HEADER: Final = "X-Content-Hash"
SCHEMA: Final = 1


class Cpu(TypedDict, total=False):
    """One logical CPU."""

    cpu: int
    numa_node: int
    core: int
    thread: int
    cpu_family: str
    cpu_model: str


class Memory(TypedDict, total=False):
    """The memory of one NUMA node, in MiB."""

    numa_node: int
    memtotal_mib: int
    hugepages_configured: bool


class Disk(TypedDict, total=False):
    """One whole disk."""

    device_node: str
    device_num: int
    device_type: str
    """HDD, SSD or NVME."""
    device_path: str
    """Path of the device in /sys: stable over reboots as long as the hardware is."""
    device_id: str
    device_wwn: str
    size_mib: int
    serial_id: str
    rpm: str
    capabilities: dict[str, str]


class Port(TypedDict, total=False):
    """One network port, on PCI or not."""

    pname: str
    pciaddr: str
    pvendor: str
    pdevice: str
    driver: str
    mac: str
    mtu: int
    speed: int
    """Mbit/s."""
    numa_node: int
    dev_id: int
    link: bool
    """Whether it has a carrier."""


class System(TypedDict, total=False):
    """The machine and its software."""

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


class Report(TypedDict):
    """Everything."""

    schema: int
    system: System
    icpus: list[Cpu]
    imemories: list[Memory]
    idisks: list[Disk]
    ports: list[Port]


_LISTS: Final = ("icpus", "imemories", "idisks", "ports")


def encode(report: Report) -> bytes:
    """Return the report's canonical bytes: JSON, sorted, without spaces, ASCII."""
    return json.dumps(report, sort_keys=True, separators=(",", ":")).encode()


def content_hash(body: bytes) -> str:
    """Return the SHA-256 of a report's canonical bytes, in hex."""
    return hashlib.sha256(body).hexdigest()


def decode(body: bytes) -> dict[str, Any]:
    """Return the report in `body`, its outer shape checked.

    :raises MessageInvalid: it is none.
    """
    try:
        report = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MessageInvalid("the report is not JSON") from error
    if not isinstance(report, dict) or not isinstance(report.get("system"), dict):
        raise MessageInvalid("the report has no object named system")
    if report.get("schema") != SCHEMA:
        raise MessageInvalid(f"the report is not of schema {SCHEMA}")
    for name in _LISTS:
        items = report.get(name)
        if not isinstance(items, list) or not all(isinstance(i, dict) for i in items):
            raise MessageInvalid(f"{name} is not a list of objects")
    return report


def _refuse(constant: str) -> None:
    # Python's JSON knows NaN and Infinity; nobody else's does.
    raise ValueError(f"{constant} is not JSON")
