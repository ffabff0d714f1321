# SPDX-License-Identifier: Apache-2.0
"""The filter of system calls, run by an interpreter, for machines that are not at hand."""

import errno
import struct

import pytest

from hummingbird.adapters.ansible import seccomp

ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CALLS = {
    # name: (x86_64, aarch64)
    **{"read": (0, 63), "openat": (257, 56), "execve": (59, 221), "kill": (62, 129)},
    **{"fchmod": (91, 52), "utimensat": (280, 88), "fsetxattr": (190, 7)},
    **{"ptrace": (101, 117), "unshare": (272, 97), "bpf": (321, 280)},
    **{"clone": (56, 220), "clone3": (435, 435), "prlimit64": (302, 261)},
    **{"ioctl": (16, 29), "socket": (41, 198), "sendto": (44, 206)},
    **{"sendmsg": (46, 211), "sendmmsg": (307, 269)},
}
ALLOWED = 0
KILLED = -1


def answer(
    machine: str, number: int, *arguments: int, architecture: int | None = None
) -> int:
    """Return the error that the filter gives a call; ALLOWED or KILLED."""
    arch = ARCH[machine] if architecture is None else architecture
    six = (*arguments, *([0] * 6))[:6]
    data = struct.pack("<iIQ6Q", number, arch, 0, *six)
    steps = [*struct.iter_unpack("<HBBI", seccomp.program(machine))]
    word = place = 0
    while True:
        code, then, otherwise, value = steps[place]
        place += 1
        if code == 0x20:
            (word,) = struct.unpack_from("<I", data, value)
        elif code == 0x54:
            word &= value
        elif code == 0x05:
            place += value
        elif code == 0x06:
            if value == 0x80000000:
                return KILLED
            return value & 0xFFFF if value >> 16 == 5 else ALLOWED
        else:
            holds = {0x15: word == value, 0x35: word >= value, 0x45: word & value}
            place += then if holds[code] else otherwise


TABLE = [
    ("read", (), ALLOWED),
    ("openat", (), ALLOWED),
    ("execve", (), ALLOWED),
    ("kill", (1, 9), ALLOWED),
    ("fchmod", (3, 0o600), errno.EPERM),
    ("utimensat", (), errno.EPERM),
    ("fsetxattr", (), errno.EPERM),
    ("ptrace", (16, 1), errno.EPERM),
    ("unshare", (0x10000000,), errno.EPERM),
    ("bpf", (), errno.EPERM),
    ("clone", (0x01200011,), ALLOWED),
    ("clone", (0x003D0F00,), ALLOWED),
    *(("clone", (0x11 | 1 << bit,), errno.EPERM) for bit in (17, *range(25, 31))),
    ("clone3", (), errno.ENOSYS),
    ("prlimit64", (0, 7), ALLOWED),
    ("prlimit64", (1, 7), errno.EPERM),
    ("prlimit64", (1 << 32, 7), errno.EPERM),
    ("ioctl", (0, 0x5401), ALLOWED),
    ("ioctl", (0, 0x5412), errno.EPERM),
    ("ioctl", (0, 1 << 32 | 0x5412), errno.EPERM),
    ("ioctl", (0, 0x541C), errno.EPERM),
    ("ioctl", (0, 0x40086602), errno.EPERM),
    ("socket", (1, 1, 0), ALLOWED),
    ("socket", (1, 0x80805, 0), ALLOWED),
    ("socket", (2, 0x80801, 0), ALLOWED),
    ("socket", (2, 1, 6), ALLOWED),
    ("socket", (10, 2, 17), ALLOWED),
    ("socket", (10, 2, 0), ALLOWED),
    ("socket", (2, 1, 262), errno.EAFNOSUPPORT),
    ("socket", (10, 1, 262), errno.EAFNOSUPPORT),
    ("socket", (2, 3, 0), errno.EAFNOSUPPORT),
    ("socket", (2, 5, 0), errno.EAFNOSUPPORT),
    ("socket", (2, 1, 132), errno.EAFNOSUPPORT),
    ("socket", (16, 3, 0), ALLOWED),
    ("socket", (16, 3, 12), errno.EAFNOSUPPORT),
    *(("socket", (family, 1, 0), errno.EAFNOSUPPORT) for family in (0, 17, 38, 40)),
    ("sendto", (3, 0, 0, 0x4000), ALLOWED),
    ("sendto", (3, 0, 0, 0x20000000), errno.EPERM),
    ("sendmsg", (3, 0, 0x20004000), errno.EPERM),
    ("sendmsg", (3, 0x20000000, 0), ALLOWED),
    ("sendmmsg", (3, 0, 1, 0x20000000), errno.EPERM),
]


@pytest.mark.parametrize("machine", [*ARCH])
@pytest.mark.parametrize(("name", "arguments", "expected"), TABLE)
def test_a_call_is_answered(
    machine: str, name: str, arguments: tuple[int, ...], expected: int
) -> None:
    number = CALLS[name][machine == "aarch64"]
    assert answer(machine, number, *arguments) == expected


@pytest.mark.parametrize("machine", [*ARCH])
def test_calls_by_another_table_are_none(machine: str) -> None:
    assert answer(machine, 0, architecture=0x40000003) == KILLED
    if machine == "x86_64":
        assert answer(machine, 0x40000000 | 90) == errno.ENOSYS


def test_another_machine_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.uname", lambda: _Machine())
    assert not seccomp.is_known()


class _Machine:
    machine = "riscv64"
