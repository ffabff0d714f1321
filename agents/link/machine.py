# SPDX-License-Identifier: Apache-2.0
"""What a beat says of the machine.

A container's own /proc is the kernel's, which is the host's as long as the host is a
machine. Where a container plays the host, its boot id is one that was laid over the
kernel's, so the chart mounts the host's own file, and that is read.
"""

import os
from pathlib import Path
from uuid import UUID

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
UPTIME = Path("/proc/uptime")


def boot_id() -> UUID:
    """Return the id of the host's present boot.

    :raises ValueError, OSError: the host does not say one.
    """
    path = Path(os.environ.get("BOOT_ID_FILE") or BOOT_ID)
    return UUID(path.read_text().strip())


def uptime_seconds() -> int:
    """Return the seconds since that boot."""
    return int(float(UPTIME.read_text().split()[0]))
