# SPDX-License-Identifier: Apache-2.0
"""Remove the control groups of a lab when its first process has ended, however.

Everything else of a lab ends with that process by the kernel's own rules; groups are
directories, and frozen processes in them would hold up the end.  Run as a process of
its own, `python -m hummingbird_lab.reaper PID GROUP…`, which waits on the process
(pidfd_open(2)) and outlives it by as long as the removal takes, 30 s at most.
"""

import os
import select
import sys
from pathlib import Path

from hummingbird_lab import cgroup


def main() -> int:
    """Wait for the end of the process, remove the groups; 1 if one is in use."""
    pid, groups = int(sys.argv[1]), [Path(path) for path in sys.argv[2:]]
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        pass
    else:
        select.select([handle], [], [])
    return 1 if cgroup.remove(groups, within_s=30.0) else 0


if __name__ == "__main__":
    sys.exit(main())
