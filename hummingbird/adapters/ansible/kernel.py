# SPDX-License-Identifier: Apache-2.0
"""Asks the kernel for what Python has no function for. Standard library only."""

import ctypes
import functools
import os
from typing import Any, Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_SECCOMP: Final = 22
PR_CAPBSET_DROP: Final = 24
PR_SET_NO_NEW_PRIVS: Final = 38
"""include/uapi/linux/prctl.h"""


@functools.cache
def libc() -> Any:
    """Return the C library that this process has loaded."""
    loaded = ctypes.CDLL(None, use_errno=True)
    loaded.syscall.restype = ctypes.c_long
    return loaded


def syscall(number: int, *arguments: int | bytes | ctypes.Array[Any] | None) -> int:
    """Make a system call; return its result, negative for an error (see `checked`)."""
    given = (ctypes.c_long(one) if isinstance(one, int) else one for one in arguments)
    return int(libc().syscall(ctypes.c_long(number), *given))


def prctl(option: int, *values: int) -> int:
    """Return the result of prctl(2), negative for an error."""
    given = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    return int(libc().prctl(option, *given))


def checked(result: int, what: str) -> int:
    """Return the result of a call.

    :raises OSError: it was an error; the text is `what`.
    """
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result
