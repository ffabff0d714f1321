# SPDX-License-Identifier: Apache-2.0
"""How a lab begins and ends, seen from outside.

What is started is the lab's first process and a reaper that waits for its end; what
ends a lab is the end of that process.  Nothing here needs the lab to answer.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hummingbird_lab import cgroup, inventory, sandbox
from hummingbird_lab.authority import Authority
from hummingbird_lab.cache import Say
from hummingbird_lab.command import run
from hummingbird_lab.errors import LabError
from hummingbird_lab.record import Record

ALL_HOSTS = tuple(inventory.HOST_BY_NAME)


def check(folder: Path, hosts: Sequence[str]) -> None:
    """Refuse what cannot become a lab, before anything is made.

    :raises LabError: no root, no such host, or no folder to use.
    """
    if not sandbox.may_make_namespaces():
        raise LabError(
            "a lab needs root, for its namespaces: sudo hummingbird-lab …, or start a"
            " container or a virtual machine in which you are root"
        )
    for name in hosts:
        if name not in inventory.HOST_BY_NAME:
            raise LabError(f"no host {name}; there are {', '.join(ALL_HOSTS)}")
    if set(str(folder)) & set(":,\\\n"):
        raise LabError(f"an overlay cannot be made in {folder}: it has : , or \\")
    if folder.exists() and any(folder.iterdir()) and not is_a_labs(folder):
        raise LabError(f"{folder} has files that no lab made: please name another")


def is_a_labs(folder: Path) -> bool:
    """Whether a lab made this folder, so that its files may be removed."""
    return (folder / "lab.json").exists()


def lay_out(folder: Path, record: Record) -> None:
    """Make the folder with the lab's record, SSH key and certificate authority."""
    folder.mkdir(parents=True, exist_ok=True)
    record.write(folder)
    for name in ("run", "hosts"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    run(
        [
            "ssh-keygen",
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            "hummingbird-lab",
            "-f",
            folder / "id_ed25519",
        ]
    )
    Authority(folder / "tls").make()


def start(
    folder: Path, record: Record, *, say: Say, ends_with_caller: bool
) -> tuple[subprocess.Popen[bytes], ...]:
    """Start the first process and its reaper, and read reports until all is ready."""
    began = time.monotonic()
    reports, pipe = os.pipe()
    argv = [sys.executable, "-m", "hummingbird_lab.world", str(folder), str(pipe)]
    with (folder / "run" / "lab.log").open("wb") as log:
        first = subprocess.Popen(
            sandbox.first_process(argv, dies_with_parent=ends_with_caller),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[pipe],
            start_new_session=True,
            cwd="/",
        )
    os.close(pipe)
    started = sandbox.start_time(first.pid)
    if started is not None:
        replace(record, first_pid=first.pid, first_started=started).write(folder)
    reaper = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "hummingbird_lab.reaper",
            str(first.pid),
            *list(record.groups),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
    with os.fdopen(reports) as lines:
        for line in lines:
            report = json.loads(line)
            if "failed" in report:
                raise LabError(report["failed"])
            if report["ready"] == "lab":
                say(f"{time.monotonic() - began:6.2f} s  the lab is up")
                return first, reaper
            say(f"{report['seconds']:6.2f} s  {report['ready']}")
    said = (folder / "run" / "lab.log").read_text(errors="replace")[-2000:]
    raise LabError(f"the lab did not start: {said}")


def down(folder: Path | str, *, keep: bool = False) -> None:
    """End the lab in `folder`, if one runs, and remove the folder unless `keep`.

    A folder that no lab made is left alone.  :raises LabError: something of the lab
    did not end.
    """
    folder = Path(folder).absolute()
    if not is_a_labs(folder):
        return
    record = Record.read(folder)
    if record.is_running:
        os.kill(record.first_pid, signal.SIGKILL)
    left = cgroup.remove([Path(group) for group in record.groups], within_s=20.0)
    deadline = time.monotonic() + 10
    while record.is_running and time.monotonic() < deadline:
        time.sleep(0.02)
    if left or record.is_running:
        raise LabError(f"the lab in {folder} did not end: {left or record.first_pid}")
    if keep:
        return
    shutil.rmtree(folder)
