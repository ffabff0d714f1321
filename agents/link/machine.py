# SPDX-License-Identifier: Apache-2.0
"""What a beat says of the machine. A container sees the host's own /proc files here."""

from pathlib import Path
from uuid import UUID

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
UPTIME = Path("/proc/uptime")


def boot_id() -> UUID:
    """Return the kernel's id of this boot."""
    return UUID(BOOT_ID.read_text().strip())


def uptime_seconds() -> int:
    """Return the seconds since that boot."""
    return int(float(UPTIME.read_text().split()[0]))
