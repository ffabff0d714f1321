# SPDX-License-Identifier: Apache-2.0
"""Keeps this process, and all that it starts, to some files and ports, by Landlock.

It takes no privilege, works in containers, can't be undone, and also keeps other processes'
memory and environment away (Documentation/userspace-api/landlock.rst). What each version of
it adds: 1 (Linux 5.13) opening, making and removing files, 2 (5.19) moving them between
folders, 3 (6.2) truncating, 4 (6.7) TCP, 5 (6.10) ioctl of devices, 6 (6.12) signals to
other processes and abstract sockets of them.

It does not know modes, owners, times and attributes of files (seccomp.py), nor sockets that
have a path, UDP, or addresses (namespace.py has the paths).
"""

import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from hummingbird.adapters.ansible.kernel import checked, syscall

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
"""The same for every architecture (include/uapi/asm-generic/unistd.h)."""

_EXECUTE, _WRITE, _READ, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (
    1 << bit for bit in range(6)
)
_MAKE_CHAR, _MAKE_REG, _MAKE_BLOCK = 1 << 6, 1 << 8, 1 << 11
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_OF_FILES: Final = _EXECUTE | _WRITE | _READ | _TRUNCATE
_ALL_BY_VERSION: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many of LANDLOCK_ACCESS_FS_* a version knows; newer ones know no more of them."""

_TCP: Final = 0b11
_CONNECT_TCP: Final = 0b10
_SCOPES: Final = 0b11
"""LANDLOCK_ACCESS_NET_* and LANDLOCK_SCOPE_* (include/uapi/linux/landlock.h)."""

_DNS: Final = 53

LOOK: Final = _READ | _READ_DIR | _EXECUTE
LIST: Final = _READ_DIR
USE_DEVICE: Final = _READ | _WRITE
SHARE: Final = _READ | _WRITE | _TRUNCATE | _MAKE_REG | _REMOVE_FILE
"""Make files and open those whose names are known; without a list of the names."""
CHANGE: Final = ((1 << 15) - 1) & ~(_MAKE_CHAR | _MAKE_BLOCK)


def version() -> int:
    """Return the kernel's version of Landlock; 0 where it has none."""
    return max(syscall(_CREATE_RULESET, None, 0, 1), 0)


def _allow(ruleset: int, path: Path, access: int) -> None:
    """Add a path, with all below it. One that is not there needs none."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not path.is_dir():
            access &= _OF_FILES
        rule = struct.pack("=Qi", access, place)
        done = syscall(_ADD_RULE, ruleset, 1, rule, 0)
        checked(done, f"landlock_add_rule {path}")
    finally:
        os.close(place)


def restrict(
    known: int, *, files: Iterable[tuple[Path, int]], ports: Iterable[int]
) -> None:
    """Keep this process to these files and to TCP connections to these ports.

    :param known: the version of Landlock to use, 1 or more.
    :param files: paths, each with what may be done with it and below it (LOOK and others).
    :raises OSError: the kernel refuses.
    """
    all_access = (1 << _ALL_BY_VERSION[min(known, 5)]) - 1
    net = _TCP if known >= 4 else 0
    handled = struct.pack("=QQQ", all_access, net, _SCOPES if known >= 6 else 0)
    size = 8 if known < 4 else 16 if known < 6 else 24
    ruleset = checked(
        syscall(_CREATE_RULESET, handled, size, 0), "landlock_create_ruleset"
    )
    for path, access in files:
        _allow(ruleset, path, access & all_access)
    for port in (*ports, _DNS) if net else ():
        rule = struct.pack("=QQ", _CONNECT_TCP, port)
        checked(syscall(_ADD_RULE, ruleset, 2, rule, 0), f"landlock_add_rule {port}")
    checked(syscall(_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)
