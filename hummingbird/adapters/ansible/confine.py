# SPDX-License-Identifier: Apache-2.0
"""Confines this process, and all that it starts, to the files that a run needs.

By Landlock (Linux 5.13, Documentation/userspace-api/landlock.rst): it takes no privilege,
works in containers, can't be undone, and also keeps other processes' memory and environment
away. What is not listed can't be opened: the state directory with the database and the keys,
configuration files, kubeconfigs, homes. Capabilities go too, but the one that lets root read
files that belong to others. Who may connect where is not restricted: a run is a connection.

Where the kernel has no Landlock nothing is confined; `version` says so, and the runner does.
"""

import ctypes
import logging
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

LOG = logging.getLogger(__name__)

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
"""The same for every architecture (include/uapi/asm-generic/unistd.h)."""

_EXECUTE, _WRITE, _READ, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE: Final = 1 << 14
_OF_FILES: Final = _EXECUTE | _WRITE | _READ | _TRUNCATE
_ALL_BY_VERSION: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
"""LANDLOCK_ACCESS_FS_* (include/uapi/linux/landlock.h); 4 and newer add none for files."""

_SCOPES: Final = 0b11
"""From version 6: no abstract sockets of others, no signals to others."""

_SYSTEM: Final = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/proc", "/sys/devices/system/cpu", "/run/systemd/resolve", "/etc/alternatives"),
    *("/etc/crypto-policies", "/etc/gai.conf", "/etc/group", "/etc/host.conf"),
    *("/etc/hosts", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"),
    *(
        "/etc/ld.so.preload",
        "/etc/locale.alias",
        "/etc/localtime",
        "/etc/nsswitch.conf",
    ),
    *("/etc/os-release", "/etc/passwd", "/etc/pki/tls/openssl.cnf", "/etc/protocols"),
    *("/etc/resolv.conf", "/etc/services", "/etc/ssl/openssl.cnf", "/etc/timezone"),
)
"""What programs need to start, to know who they are and to resolve a name."""

_DEVICES: Final = (
    *("/dev/full", "/dev/null", "/dev/ptmx", "/dev/pts", "/dev/random", "/dev/tty"),
    *("/dev/urandom", "/dev/zero"),
    "/dev/shm",  # noqa: S108 - semaphores, and the password that ssh asks for
)

_NO_NEW_PRIVS: Final = 38
_CAPBSET_DROP: Final = 24
_CAP_DAC_OVERRIDE: Final = 1
_CAP_VERSION: Final = 0x20080522
"""include/uapi/linux/prctl.h and capability.h"""


def _syscall(number: int, *arguments: int | bytes | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    given = (ctypes.c_long(one) if isinstance(one, int) else one for one in arguments)
    return int(libc.syscall(ctypes.c_long(number), *given))


def version() -> int:
    """Return the kernel's version of Landlock; 0 where it has none."""
    return max(_syscall(_CREATE_RULESET, None, 0, 1), 0)


def warn_where_missing() -> None:
    """Say in the log that nothing is confined, where that is so."""
    if not version():
        LOG.warning(
            "This kernel has no Landlock: what runs playbooks can read all files that"
            " this process can (doc/security.md)."
        )


def _checked(result: int, what: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), what)
    return result


def _programs() -> Iterable[Path]:
    """Return where this Python and what it imports are."""
    yield from map(Path, {sys.prefix, sys.base_prefix, sys.exec_prefix})
    yield from (Path(each) for each in sys.path if each.endswith("-packages"))
    # where we are installed as a link to the sources, which have other things beside us
    yield Path(__file__).parents[2]


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
        done = _syscall(_ADD_RULE, ruleset, 1, rule, 0)
        _checked(done, f"landlock_add_rule {path}")
    finally:
        os.close(place)


def enter(*, reads: Iterable[Path], writes: Iterable[Path]) -> None:
    """Confine this process to what programs need, what it `reads` and where it `writes`.

    For good, and for all that it starts. Does nothing but drop capabilities where the
    kernel has no Landlock.

    :raises OSError: the kernel has it and refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _drop_capabilities(libc)
    _checked(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    known = version()
    if not known:
        return
    all_access = _ALL_BY_VERSION[min(known, 3)]
    handled = struct.pack("=QQQ", all_access, 0, _SCOPES if known >= 6 else 0)
    size = 8 if known < 4 else 16 if known < 6 else 24
    ruleset = _checked(
        _syscall(_CREATE_RULESET, handled, size, 0),
        "landlock_create_ruleset",
    )
    look = _READ | _READ_DIR | _EXECUTE
    for path in (*map(Path, _SYSTEM), *_programs(), *reads):
        _allow(ruleset, path, look)
    for path in map(Path, sys.path):
        _allow(ruleset, path, _READ_DIR)
    for path in (*map(Path, _DEVICES), *writes):
        _allow(ruleset, path, all_access)
    _checked(_syscall(_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Keep of root's capabilities the one that reads what others own."""
    if os.geteuid() != 0:
        return
    for capability in range(64):
        if capability != _CAP_DAC_OVERRIDE:
            # fails past the last that the kernel knows, and where there is none to drop
            libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    kept = 1 << _CAP_DAC_OVERRIDE
    header = struct.pack("=Ii", _CAP_VERSION, 0)
    found = ctypes.create_string_buffer(24)
    _checked(libc.capget(header, found), "capget")
    kept &= struct.unpack("=6I", found.raw)[1]
    sets = struct.pack("=6I", kept, kept, 0, 0, 0, 0)
    _checked(libc.capset(header, sets), "capset")
