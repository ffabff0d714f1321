# SPDX-License-Identifier: Apache-2.0
"""Stands over one ansible-playbook, and sees that nothing of it outlives the run.

A program of its own (standard library only), started in the place of ansible-playbook:

    guard --parent PID --lock FILE [--lease FILE] [--wipe FOLDER]... -- COMMAND...

Two processes. The outer one is what the conductor sees and may kill; the kernel kills
it when the conductor dies. The inner one, in a session of its own, is told by the kernel
when the outer one dies; it adopts whatever Ansible leaves behind (forks, ssh masters that
made themselves daemons) and kills all of it, whichever way the run ends. It holds a lock
on FILE until nothing is left. If the conductor itself is dead, nobody else will remove
the run's keys, so the guard removes the FOLDERs.

A conductor may also be frozen, or hang, and another one have its work: it keeps moving the
moment in the lease's FILE (lease.py), and when that has passed everything is killed.

It does not survive a SIGKILL of its inner process: then the direct child is ended, and with it
what is in its namespace (namespace.py); without namespaces, nothing else.
"""

import argparse
import contextlib
import ctypes
import fcntl
import os
import select
import signal
import sys
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
"""Linux include/uapi/linux/prctl.h"""

_WAITED_FOR = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}

_ENDS_ALL_WITHIN_SECONDS = 10.0
"""A killed process goes at once unless it hangs in the kernel; a guess at what is fair."""

_LOOKS_AT_LEASE_SECONDS = 0.25

_DEATH_IS_SEEN_WITHIN_SECONDS = 1.0
"""The outer process is killed in the middle of the conductor's own exit."""


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _die_with(parent: int, *, by: signal.Signals) -> None:
    """Have the kernel send `by` when `parent` ends; end now if it has ended already."""
    _prctl(_PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        os._exit(1)


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _descendants() -> set[int]:
    """Return the numbers of all processes that come from this one."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                text = (entry / "stat").read_text(errors="replace")
                parents[int(entry.name)] = int(text[text.rindex(")") + 2 :].split()[1])
    found = {os.getpid()}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found - {os.getpid()}


def _end_all() -> None:
    """Kill and reap every descendant, also those that appear meanwhile."""
    deadline = time.monotonic() + _ENDS_ALL_WITHIN_SECONDS
    while time.monotonic() < deadline:
        for pid in _descendants():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.01)


def _start(command: list[str]) -> int:
    me = os.getpid()
    child = os.fork()
    if child:
        return child
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WAITED_FOR)
    _die_with(me, by=signal.SIGKILL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is what we want
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)


def _is_out(lease: int) -> bool:
    """Return whether the moment in the file has passed."""
    moment = float(os.pread(lease, 64, 0))
    return time.clock_gettime(time.CLOCK_BOOTTIME) >= moment


def _next_signal(lease: int | None) -> int:
    """Return the signal that came; SIGTERM where the lease is out."""
    while lease is not None:
        told = signal.sigtimedwait(_WAITED_FOR, _LOOKS_AT_LEASE_SECONDS)
        if told is not None:
            return told.si_signo
        if _is_out(lease):
            print("the conductor gives no sign of life", file=sys.stderr, flush=True)
            return signal.SIGTERM
    return signal.sigwait(_WAITED_FOR)


def _wait_for(child: int, *, lease: int | None) -> int:
    """Return the child's exit code, or 128 + the signal that told us to stop."""
    while True:
        told = _next_signal(lease)
        if told != signal.SIGCHLD:
            return 128 + told
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == child:
                    return _exit_code(status)
                if not pid:
                    break


def _is_over(pidfd: int) -> bool:
    ready, _, _ = select.select([pidfd], [], [], _DEATH_IS_SEEN_WITHIN_SECONDS)
    return bool(ready)


def _opened(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _inner(arguments: argparse.Namespace, *, outer: int, conductor: int) -> int:
    os.setsid()
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    lock = os.open(arguments.lock, flags, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    _die_with(outer, by=signal.SIGTERM)
    lease = None if arguments.lease is None else _opened(arguments.lease)
    code = _wait_for(_start(arguments.command), lease=lease)
    _end_all()
    os.close(lock)
    if os.getppid() != outer and _is_over(conductor):
        # It follows no link, and takes folders nested as deep as a disk can hold.
        os.spawnlp(os.P_WAIT, "rm", "rm", "-rf", "--", *arguments.wipe)  # noqa: S606 - no shell is what we want
    return code


def main(argv: list[str]) -> int:
    """Run the command under guard; return its exit code."""
    parser = argparse.ArgumentParser(prog="guard")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--lock", required=True)
    parser.add_argument("--lease")
    parser.add_argument("--wipe", action="append", default=[])
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args(argv)
    _die_with(arguments.parent, by=signal.SIGKILL)
    conductor = os.pidfd_open(arguments.parent)
    me = os.getpid()
    inner = os.fork()
    if inner == 0:
        os._exit(_inner(arguments, outer=me, conductor=conductor))
    return _exit_code(os.waitpid(inner, 0)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
