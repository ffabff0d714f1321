# SPDX-License-Identifier: Apache-2.0
"""A process whose memory becomes no file, and is read by no other of its user.

Keys and passwords are in the memory of each of our processes, in clear. The size of a core
dump is a limit that children inherit; a program that the kernel pipes dumps to is not held to
it (core(5)), but gets none of a process that is not dumpable (prctl(2), PR_SET_DUMPABLE). Of
such a one the memory, the environment and the open files are shown to root alone.
"""

import ctypes
import logging
import resource
from typing import Final

LOG = logging.getLogger(__name__)

_PR_SET_DUMPABLE: Final = 4
"""Linux include/uapi/linux/prctl.h"""


def forbid() -> None:
    """Have this process leave no core dump, and what it starts none of any size."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)
    if prctl is None or prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        LOG.warning(
            "Core dumps of this process can't be forbidden: %s", ctypes.get_errno()
        )
