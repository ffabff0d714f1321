# SPDX-License-Identifier: Apache-2.0
"""Tries all that a confined process must not do; prints the numbers of what it could.

A program: it is run inside a playbook's confinement, on the controller, and gets as JSON the
places of things that are the controller's. Each attempt says that it went well by returning.
"""

import ctypes
import json
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"
PLACES = (
    sys.argv[1] if __name__ == "__main__" else '{"file": "", "pid": 0, "module": ""}'
)
GIVEN: dict[str, Any] = json.loads(PLACES)
FILE, PID = GIVEN["file"], GIVEN["pid"]
MODULE = GIVEN["module"]
WIDE = 0o777


def call(x86: int, other: int, *arguments: Any) -> None:
    """Make a system call; an error is raised."""
    if LIBC.syscall(x86 if X86 else other, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")


def libc(name: str, *arguments: Any) -> None:
    if getattr(LIBC, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "")


def opened(path: str, how: str = "rb") -> None:
    with open(path, how) as file:  # noqa: PTH123
        file.read(1) if "r" in how else None


def writable(*paths: str) -> None:
    """Open for writing any that is there; nothing is written."""
    refused = OSError("none is there")
    for path in paths:
        try:
            os.close(os.open(path, os.O_WRONLY))
        except OSError as error:
            refused = error
        else:
            return
    raise refused


def listed() -> None:
    """See the file's name; its folder may be there for a run's own below it."""
    folder, _, name = FILE.rpartition("/")
    if name not in os.listdir(folder):  # noqa: PTH208
        raise OSError(name)


def connected(family: int, to: Any, *, protocol: int = 0) -> None:
    with socket.socket(family, socket.SOCK_STREAM, protocol) as one:
        one.settimeout(10)
        one.connect(to)


def fast_open() -> None:
    with socket.socket() as one:
        one.sendto(b"x", 0x20000000, ("127.0.0.1", GIVEN["port"]))


def read_memory() -> None:
    room = ctypes.create_string_buffer(8)
    one = struct.pack("@PN", ctypes.addressof(room), 8)
    there = struct.pack("@PN", GIVEN["memory"], 8)
    call(310, 270, PID, one, 1, there, 1, 0)


def in_a_child(act: Callable[[], None]) -> None:
    """What would change this process."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except Exception:  # noqa: BLE001 - the child's top
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise OSError("the child could not")


def bind() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))


def typed() -> None:
    """Type into the terminal of the run itself."""
    import fcntl

    ours, theirs = socket.socketpair()
    try:
        fcntl.ioctl(ours.fileno(), 0x5412, b"x")
    except OSError as error:
        # without a filter it is asked of a socket, which is no terminal
        if error.errno == 1:
            raise
    finally:
        ours.close()
        theirs.close()


TRIES: dict[str, Callable[[], object]] = {
    "read": lambda: opened(FILE),
    "write": lambda: opened(FILE, "ab"),
    "truncate": lambda: os.truncate(FILE, 0),
    "unlink": lambda: os.unlink(FILE + ".spare"),  # noqa: PTH108
    "list": listed,
    "stat": lambda: os.stat(FILE),  # noqa: PTH116
    "chmod": lambda: os.chmod(FILE, WIDE),  # noqa: PTH101
    "chown": lambda: os.chown(FILE, os.geteuid(), os.getegid()),
    "utime": lambda: os.utime(FILE),
    "setxattr": lambda: os.setxattr(FILE, "user.x", b"x"),
    "chmod a program": lambda: os.chmod(GIVEN["program"], WIDE),  # noqa: PTH101
    "chmod by a path alone": lambda: os.chmod(  # noqa: PTH101
        f"/proc/self/fd/{os.open(FILE, os.O_PATH)}", WIDE
    ),
    "write a module": lambda: opened(MODULE, "ab"),
    "unlink a module": lambda: os.unlink(MODULE),  # noqa: PTH108
    "exchange a module": lambda: os.symlink("/etc/passwd", MODULE + "x"),  # noqa: PTH211
    "chmod a module": lambda: os.chmod(MODULE, WIDE),  # noqa: PTH101
    "terminal": lambda: opened(GIVEN["terminal"], "wb"),
    "new terminal": os.openpty,
    "list shared memory": lambda: os.listdir("/dev/shm")[0],  # noqa: PTH208
    "open shared memory": lambda: opened(GIVEN["shared"]),
    "attach shared memory": lambda: call(29, 194, 0, 4096, 0o1600),
    "connect to a path": lambda: connected(socket.AF_UNIX, GIVEN["socket"]),
    "connect to an abstract name": lambda: connected(
        socket.AF_UNIX, "\0" + GIVEN["abstract"]
    ),
    "connect to a port": lambda: connected(
        socket.AF_INET, ("127.0.0.1", GIVEN["port"])
    ),
    "connect by MPTCP": lambda: connected(
        socket.AF_INET, ("127.0.0.1", GIVEN["port"]), protocol=262
    ),
    "connect by fast open": fast_open,
    "open a packet socket": lambda: socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET),
    "bind": bind,
    "see": lambda: opened(f"/proc/{PID}/cmdline"),
    "environment": lambda: opened(f"/proc/{PID}/environ"),
    "signal": lambda: os.kill(PID, signal.SIGURG),
    "limit": lambda: resource.prlimit(PID, resource.RLIMIT_NOFILE),
    "nice": lambda: os.setpriority(os.PRIO_PROCESS, PID, 19),
    "affinity": lambda: os.sched_setaffinity(PID, os.sched_getaffinity(PID)),
    "trace": lambda: in_a_child(lambda: libc("ptrace", 16, PID, None, None)),
    "memory": read_memory,
    "take a descriptor": lambda: call(438, 438, os.pidfd_open(PID), 0, 0),
    "namespace": lambda: in_a_child(lambda: libc("unshare", 0x10000000)),
    "namespace by clone": lambda: in_a_child(
        lambda: call(56, 220, 0x10000011, 0, 0, 0, 0)
    ),
    "mount": lambda: libc("mount", b"/etc", b"/usr", None, 4096, None),
    "keyring": lambda: call(250, 219, 0, -5, 1),
    "set the kernel": lambda: writable(
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/net/ipv4/ip_forward",
        "/proc/sys/vm/drop_caches",
    ),
    "trigger the kernel": lambda: writable("/proc/sysrq-trigger"),
    "set interrupts": lambda: writable("/proc/irq/default_smp_affinity"),
    "set devices": lambda: writable(
        "/sys/kernel/uevent_helper",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        "/sys/power/state",
        "/sys/devices/system/cpu/cpu0/uevent",
    ),
    "set its own process": lambda: writable("/proc/self/oom_score_adj"),
    "bpf": lambda: call(321, 280, 0, struct.pack("@IIII48x", 2, 4, 4, 1), 64),
    "perf": lambda: call(298, 241, struct.pack("@II104x", 1, 112), 0, -1, -1, 0),
    "userfaultfd": lambda: call(323, 282, 1),
    "io_uring": lambda: call(425, 425, 1, ctypes.create_string_buffer(120)),
    "type": typed,
}


def main() -> None:
    done = []
    for number, attempt in enumerate(TRIES.values()):
        try:
            attempt()
        except (OSError, IndexError):
            continue
        done.append(number)
    print(json.dumps(done))


if __name__ == "__main__":
    main()
