# SPDX-License-Identifier: Apache-2.0
"""Gives this program a file system, processes and IPC of its own.

Its root is empty but for what was listed, read-only where it is not to be written; /dev has
no terminals and no shared memory of others, /proc no other processes, and nothing in it can be
written: /proc/sys sets the kernel of the whole machine, and root needs no capability for that.
What is not there can't be opened, changed, connected to (a socket that has a path) or signalled.

It takes CAP_SYS_ADMIN, or a kernel that lets users have namespaces; containers have neither
as a rule. `is_possible` tries it.

Three processes. The first is the one that calls `enter`, and waits; the second is the new
namespace's process 1, which reaps; the third is the one in which `enter` returns. If the
first dies so does the second, and with it, by the kernel, everything in the namespace.
"""

import ctypes
import errno
import functools
import os
import platform
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NoReturn

from hummingbird.adapters.ansible.kernel import (
    PR_SET_PDEATHSIG,
    checked,
    libc,
    prctl,
    syscall,
)

_NEWNS, _NEWIPC, _NEWUSER, _NEWPID = 0x20000, 0x08000000, 0x10000000, 0x20000000
"""CLONE_NEW* (include/uapi/linux/sched.h)"""

_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8
_REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 32, 4096, 16384, 1 << 18
_DETACH: Final = 2
"""MS_* (the first four are MOUNT_ATTR_* as well) and MNT_DETACH (include/uapi/linux/mount.h)"""

_MOUNT_SETATTR: Final = 442
_EMPTY_PATH, _ALL_BELOW = 0x1000, 0x8000
"""AT_* (include/uapi/linux/fcntl.h)"""

_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41}

_BASE: Final = Path("/proc")
"""Where the new root is built: nothing below it goes along, the new root has its own."""

_TRIES_WITHIN_SECONDS: Final = 30.0


def _unshare() -> None:
    """Leave the other processes' mounts, IPC and, for our children, process numbers."""
    own = _NEWNS | _NEWPID | _NEWIPC
    if libc().unshare(own) == 0:
        return
    uid, gid = os.geteuid(), os.getegid()
    checked(libc().unshare(own | _NEWUSER), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _mount(
    source: str | Path, target: Path, kind: str, flags: int, data: str = ""
) -> None:
    texts = (os.fsencode(one) for one in (source, target, kind))
    done = libc().mount(*texts, ctypes.c_ulong(flags), data.encode())
    checked(done, f"mount {target}")


def _has_already(root: Path, path: Path) -> bool:
    """Say whether a folder that is there brought this one along."""
    try:
        return os.path.samestat(_inside(root, path).stat(), path.stat())
    except OSError:
        return False


def _inside(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _bind(root: Path, path: Path, *, attributes: int) -> None:
    """Have `path`, with all below it, at the same place below `root`."""
    target = _inside(root, path)
    if not target.exists():
        folder = target if path.is_dir() else target.parent
        folder.mkdir(parents=True, exist_ok=True)
        if folder != target:
            target.touch()
    _mount(path, target, "", _BIND | _RECURSIVE)
    given = struct.pack("=QQQQ", attributes, 0, 0, 0)
    place = os.open(target, os.O_PATH | os.O_CLOEXEC)
    try:
        flags = _EMPTY_PATH | _ALL_BELOW
        done = syscall(_MOUNT_SETATTR, place, b"", flags, given, len(given))
        checked(done, f"mount_setattr {path}")
    finally:
        os.close(place)


def _both(paths: Iterable[Path]) -> list[Path]:
    """Return those that are there, by their names and where links lead; folders first."""
    found = {name for path in paths for name in (path, path.resolve()) if path.exists()}
    return sorted(found, key=lambda path: len(path.parts))


def _build(
    *, reads: Iterable[Path], writes: Iterable[Path], devices: Iterable[Path]
) -> None:
    """Make the new root, and enter it."""
    here = Path.cwd()
    reads, writes, devices = _both(reads), _both(writes), _both(devices)
    _mount("none", Path("/"), "", _RECURSIVE | _PRIVATE)
    plain = _NOSUID | _NODEV
    _mount("tmpfs", _BASE, "tmpfs", plain, "mode=0755,size=1m")
    for path in reads:
        if not _has_already(_BASE, path):
            _bind(_BASE, path, attributes=_RDONLY | plain)
    for path in devices:
        _bind(_BASE, path, attributes=_RDONLY | _NOSUID | _NOEXEC)
    for path in writes:
        _bind(_BASE, path, attributes=plain)
    for name in ("proc", "dev/shm", "tmp"):
        (_BASE / name).mkdir(parents=True, exist_ok=True)
    _mount("proc", _BASE / "proc", "proc", _RDONLY | plain | _NOEXEC)
    shared = _BASE / "dev/shm"
    _mount("tmpfs", shared, "tmpfs", plain | _NOEXEC, "mode=1777,size=16m")
    _mount("none", _BASE, "", _REMOUNT | _BIND | _RDONLY | plain)
    os.chdir(_BASE)
    number = _PIVOT_ROOT[platform.machine()]
    checked(syscall(number, b".", b"."), "pivot_root")
    checked(libc().umount2(b".", _DETACH), "umount2")
    os.chdir("/")
    if here.is_dir():
        os.chdir(here)


def _exit_as(child: int) -> NoReturn:
    """End as this child ends; reap others meanwhile."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def enter(
    *,
    reads: Iterable[Path],
    writes: Iterable[Path],
    devices: Iterable[Path],
    before: Callable[[], None],
) -> None:
    """Go on in a process that sees only these paths; the calling one ends as that does.

    :param before: called in process 1 when all is made; takes its powers.
    :raises OSError: the kernel refuses; the process is of no more use then.
    """
    if platform.machine() not in _PIVOT_ROOT:
        raise OSError(errno.ENOSYS, "no namespaces on this architecture")
    parent = os.getppid()
    _unshare()
    # Other rights than before take the kernel's promise to end us away.
    checked(prctl(PR_SET_PDEATHSIG, signal.SIGKILL), "prctl")
    if os.getppid() != parent:
        os._exit(1)
    mine, held = os.pipe()
    if child := os.fork():
        os.close(mine)
        _exit_as(child)
    os.close(held)
    checked(prctl(PR_SET_PDEATHSIG, signal.SIGKILL), "prctl")
    if select.select([mine], [], [], 0)[0]:
        os._exit(1)
    # What is raised below ends process 1; its parent says how.
    _build(reads=reads, writes=writes, devices=devices)
    before()
    if child := os.fork():
        # Nobody inside can signal process 1 but for what it listens to.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _exit_as(child)
    os.close(mine)


@functools.cache
def is_possible() -> bool:
    """Try it, once in the life of a process, in another one."""
    argv = [sys.executable, "-P", "-m", __name__]
    try:
        done = subprocess.run(
            argv,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TRIES_WITHIN_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def main() -> None:
    """Enter namespaces as a run does, and end."""
    null = [Path("/dev/null")]
    enter(reads=[Path("/usr")], writes=[], devices=null, before=lambda: None)
    sys.exit(0 if os.getppid() == 1 and Path("/proc/1").exists() else 1)


if __name__ == "__main__":
    main()
