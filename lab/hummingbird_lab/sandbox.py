# SPDX-License-Identifier: Apache-2.0
"""The walls of a lab: how its first process is started and how one goes inside.

What this keeps true: nothing inside can set the machine's clock, load a module or do
raw input and output, root or not, because those capabilities leave the bounding set
before anything starts (capabilities(7)); and the end of the first process is the end
of all, because it owns the process namespace (pid_namespaces(7)).  A program that
enters from outside brings its caller's capabilities along, so `enter` drops them too.
"""

import os
from collections.abc import Sequence
from pathlib import Path

DROP = ("setpriv", "--bounding-set=-sys_time,-sys_module,-sys_rawio")
"""Prefix of every command that goes in, and of the lab's first process."""


def first_process(argv: Sequence[str], *, dies_with_parent: bool = False) -> list[str]:
    """Return the command that runs `argv` as process 1 of a new lab.

    With `dies_with_parent` the lab ends with the thread that started it.
    """
    fate = ["--pdeathsig", "KILL"] if dies_with_parent else []
    namespaces = ["--mount", "--net", "--uts", "--ipc", "--pid"]
    return [
        *DROP,
        *fate,
        "unshare",
        *namespaces,
        "--fork",
        "--kill-child=KILL",
        "--mount-proc",
        "--",
        *argv,
    ]


def enter(
    init_pid: int, argv: Sequence[str], *, place: str, folder: Path | None = None
) -> list[str]:
    """Return the command that runs `argv` inside the lab, in the network of `place`.

    `init_pid` is the lab's process 1 as seen from outside.  The inner program is
    killed when the entering one is.  `folder` is its working directory, else `/`.
    """
    return [
        *DROP,
        "nsenter",
        f"--target={init_pid}",
        "--mount",
        "--uts",
        "--ipc",
        "--pid",
        f"--net=/proc/{init_pid}/root/run/netns/{place}",
        f"--wdns={folder or '/'}",
        "--",
        "setpriv",
        "--pdeathsig",
        "KILL",
        *argv,
    ]


def within(place: str, argv: Sequence[str]) -> list[str]:
    """Return the command that runs `argv` in the network of `place`, from inside."""
    return ["nsenter", f"--net=/run/netns/{place}", "--", *argv]


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None if it is gone.

    With the id it names a process for good: ids are used again (proc(5), field 22).
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def children(pid: int) -> list[int]:
    """Return the ids of the children of a process; none if it is gone.

    A child belongs to the thread that made it (proc(5)), so all threads are asked.
    """
    found = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 Path.iterdir is lazy
    except (FileNotFoundError, ProcessLookupError):
        return []
    for thread in threads:
        try:
            text = Path(f"/proc/{pid}/task/{thread}/children").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += [int(word) for word in text.split()]
    return found


def is_namespace_init(pid: int) -> bool:
    """Whether a process is process 1 of a namespace below ours."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    for line in text.splitlines():
        if line.startswith("NSpid:"):
            ids = line.split()[1:]
            return len(ids) > 1 and ids[-1] == "1"
    return False


def may_make_namespaces() -> bool:
    """Whether this process may do what a lab needs: be root, that is."""
    return os.geteuid() == 0
