# SPDX-License-Identifier: Apache-2.0
"""Takes system calls from this process, and all that it starts, that no run needs.

A filter of classic BPF (Documentation/userspace-api/seccomp_filter.rst). It refuses what
Landlock does not know (modes, owners, times and attributes of files), what reaches into
other processes, and what the kernel's own faults were most often found by. What is refused
answers EPERM; a program goes on without, as in a container.

The numbers are of include/uapi/asm-generic/unistd.h and arch/x86/entry/syscalls/syscall_64.tbl.
On another architecture there is no filter (`is_known`).
"""

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hummingbird.adapters.ansible.kernel import PR_SET_SECCOMP, checked, prctl, syscall

_REFUSED: Final = {
    # name: (x86_64, others); None: it has none
    **{"chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53)},
    **{"fchmodat2": (452, 452), "chown": (92, None), "fchown": (93, 55)},
    **{"lchown": (94, None), "fchownat": (260, 54), "setxattr": (188, 5)},
    **{"lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14)},
    **{"lremovexattr": (198, 15), "fremovexattr": (199, 16)},
    **{"setxattrat": (463, 463), "removexattrat": (466, 466)},
    **{"file_setattr": (469, 469), "utime": (132, None), "utimes": (235, None)},
    **{"futimesat": (261, None), "utimensat": (280, 88)},
    # other processes
    **{"ptrace": (101, 117), "process_vm_readv": (310, 270)},
    **{"process_vm_writev": (311, 271), "process_madvise": (440, 440)},
    **{"process_mrelease": (448, 448), "kcmp": (312, 272), "pidfd_getfd": (438, 438)},
    **{"migrate_pages": (256, 238), "move_pages": (279, 239)},
    **{"setpriority": (141, 140), "ioprio_set": (251, 30)},
    **{"sched_setscheduler": (144, 119), "sched_setparam": (142, 118)},
    **{"sched_setattr": (314, 274), "sched_setaffinity": (203, 122)},
    # what is of a user and not of a process
    **{"keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218)},
    **{"msgget": (68, 186), "semget": (64, 190), "shmget": (29, 194)},
    **{"mq_open": (240, 180)},
    # other views of the machine
    **{"mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41)},
    **{"chroot": (161, 51), "unshare": (272, 97), "setns": (308, 268)},
    **{"open_tree": (428, 428), "open_tree_attr": (467, 467)},
    **{"move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431)},
    **{"fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442)},
    **{"open_by_handle_at": (304, 265), "fanotify_init": (300, 262)},
    # doors into the kernel
    **{"bpf": (321, 280), "userfaultfd": (323, 282), "perf_event_open": (298, 241)},
    **{"io_uring_setup": (425, 425), "io_uring_enter": (426, 426)},
    **{"io_uring_register": (427, 427), "syslog": (103, 116), "kexec_load": (246, 104)},
    **{"quotactl": (179, 60), "quotactl_fd": (443, 443), "modify_ldt": (154, None)},
}

_CLONE, _CLONE3, _PRLIMIT64, _IOCTL, _SOCKET = (
    (56, 220),
    (435, 435),
    (302, 261),
    (16, 29),
    (41, 198),
)
_SENDS: Final = (((44, 206), 3), ((46, 211), 2), ((307, 269), 3))
"""sendto, sendmsg, sendmmsg, and which argument has the flags."""

_FAST_OPEN: Final = 0x20000000
"""MSG_FASTOPEN: connects in a way that Landlock does not see."""

_NAMESPACES: Final = 0x7E020000
"""CLONE_NEW* (include/uapi/linux/sched.h)"""

_REFUSED_IOCTLS: Final = (0x5412, 0x541C, 0x40086602, 0x40046602, 0x401C5820)
"""TIOCSTI and TIOCLINUX, which type into a terminal; FS_IOC_SETFLAGS, its 32-bit sister and
FS_IOC_FSSETXATTR, which change attributes."""

_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_STREAM, _DATAGRAM = 1, 2
_PROTOCOLS: Final = (0, 6, 17)
"""TCP and UDP. Landlock does not see MPTCP."""

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_EQUAL, _AT_LEAST, _ANY_BIT, _JUMP = 0x15, 0x35, 0x45, 0x05
"""Of classic BPF (include/uapi/linux/bpf_common.h)."""

_ALLOW: Final = 0x7FFF0000
_ERROR: Final = 0x00050000
_KILL: Final = 0x80000000
_MODE_FILTER: Final = 2
_GET_ACTION_AVAIL: Final = 2
"""include/uapi/linux/seccomp.h"""

_SECCOMP: Final = {"x86_64": 317, "aarch64": 277}
_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""AUDIT_ARCH_* (include/uapi/linux/audit.h)"""

_X32: Final = 0x40000000
"""A bit that chooses another table of x86_64's."""


@dataclass(frozen=True)
class _Step:
    code: int
    value: int
    then: int = 0
    otherwise: int = 0

    def packed(self) -> bytes:
        return struct.pack("=HBBI", self.code, self.then, self.otherwise, self.value)


def _answer(error: int) -> _Step:
    return _Step(_RETURN, _ERROR | error)


_PASS: Final = _Step(_RETURN, _ALLOW)


def _argument(index: int, *, high: bool = False) -> _Step:
    """Load an argument's lower half, or its upper one; both machines are little-endian."""
    return _Step(_LOAD, 16 + 8 * index + 4 * high)


def _one_of(values: tuple[int, ...], *, error: int) -> Iterator[_Step]:
    """Refuse the call unless the loaded word is one of these."""
    for index, value in enumerate(values):
        yield _Step(_EQUAL, value, then=len(values) - index)
    yield _answer(error)


def _socket() -> Iterator[_Step]:
    """Local ones, TCP, UDP, and the kernel's own list of addresses."""
    family = errno.EAFNOSUPPORT
    internet = [
        _argument(1),
        _Step(_AND, 0xF),
        *_one_of((_STREAM, _DATAGRAM), error=family),
        _argument(2),
        *_one_of(_PROTOCOLS, error=family),
        _PASS,
    ]
    yield _argument(0)
    yield _Step(_EQUAL, _INET, then=6)
    yield _Step(_EQUAL, _INET6, then=5)
    yield _Step(_EQUAL, _UNIX, then=3)
    yield _Step(_EQUAL, _NETLINK, then=0, otherwise=1)
    yield _Step(_JUMP, len(internet) + 2)
    yield _answer(family)
    yield _PASS
    yield from internet
    yield _argument(2)
    yield from _one_of((0,), error=family)
    yield _PASS


def _conditions() -> Iterator[tuple[tuple[int, int], list[_Step]]]:
    """Yield calls that are refused for some of their arguments."""
    refuse = _answer(errno.EPERM)
    yield _CLONE, [_argument(0), _Step(_ANY_BIT, _NAMESPACES, 0, 1), refuse, _PASS]
    # Its flags lie in memory, where no filter looks; the C library falls back to clone.
    yield _CLONE3, [_answer(errno.ENOSYS)]
    # 0 is the process itself
    own = [*_one_of((0,), error=errno.EPERM)]
    yield _PRLIMIT64, [_argument(0), *own, _argument(0, high=True), *own, _PASS]
    ioctls = [_Step(_EQUAL, one, 0, 1) for one in _REFUSED_IOCTLS]
    each = [step for one in ioctls for step in (one, refuse)]
    yield _IOCTL, [_argument(1), *each, _PASS]
    yield _SOCKET, [*_socket()]
    for call, flags in _SENDS:
        fast = _Step(_ANY_BIT, _FAST_OPEN, 0, 1)
        yield call, [_argument(flags), fast, refuse, _PASS]


def program(machine: str) -> bytes:
    """Return the filter for x86_64 or aarch64."""
    column = 0 if machine == "x86_64" else 1
    steps = [
        _Step(_LOAD, 4),
        _Step(_EQUAL, _ARCHITECTURES[machine], then=1),
        _Step(_RETURN, _KILL),
        _Step(_LOAD, 0),
    ]
    if machine == "x86_64":
        steps += [_Step(_AT_LEAST, _X32, 0, 1), _answer(errno.ENOSYS)]
    for numbers in _REFUSED.values():
        number = numbers[column]
        if number is not None:
            steps += [_Step(_EQUAL, number, 0, 1), _answer(errno.EPERM)]
    for call, body in _conditions():
        steps += [_Step(_EQUAL, call[column], 0, len(body)), *body]
    steps.append(_PASS)
    return b"".join(step.packed() for step in steps)


def is_known() -> bool:
    """Say whether there is a filter for this machine, and a kernel that takes it."""
    machine = os.uname().machine
    # A 32-bit Python on a 64-bit kernel makes other calls.
    if machine not in _SECCOMP or sys.maxsize < 2**32:
        return False
    action = struct.pack("=I", _ERROR)
    return syscall(_SECCOMP[machine], _GET_ACTION_AVAIL, 0, action) == 0


def enter() -> None:
    """Take the calls from this process, for good. It has to have no new privileges.

    :raises OSError: the kernel refuses.
    """
    code = ctypes.create_string_buffer(program(os.uname().machine))
    size = (len(code) - 1) // 8
    # struct sock_fprog: a length, and where the steps are
    given = ctypes.create_string_buffer(
        struct.pack("@HP", size, ctypes.addressof(code))
    )
    done = prctl(PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(given))
    checked(done, "seccomp")
