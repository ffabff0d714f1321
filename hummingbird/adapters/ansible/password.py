# SPDX-License-Identifier: Apache-2.0
"""Gives ssh the password that it asks for, from a file in the run's own folder.

ssh asks a program (SSH_ASKPASS). Ansible has one, `ansible`, which reads the password from
POSIX shared memory: a file in /dev/shm. Where a run has no /dev/shm of its own (namespace.py)
that file stays there, in clear, when Ansible is killed, as it is with its conductor. Here it
is in the folder of the run, which goes whichever way the run ends, and the program is one of
our own, which finds it there, also where no `ansible` is installed beside what Ansible was
started as.
"""

import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

_ASKED: Final = """\
import json, os, re, sys
question = sys.argv[1] if len(sys.argv) > 1 else ""
if re.search("The authenticity of host |differs from the key for the IP address", question):
    print("no", end="")
    sys.exit(0)
with open(os.environ["_ANSIBLE_SSH_ASKPASS_SHM"], "rb") as file:
    known = json.loads(file.read())
if not question or known["prompt"] not in question:
    sys.exit(1)
print(known["password"], end="")
"""
"""Does what ansible/cli/_ssh_askpass.py does."""


class PasswordFile:
    """What Ansible takes for shared memory: written once, at its first closing."""

    folder: Path
    """That of the run's own files; set by `install`."""

    def __init__(
        self, name: str | None = None, create: bool = False, size: int = 0, **_: Any
    ) -> None:
        self.buf: bytearray | None = bytearray(size)
        if name is None:
            # mode 0600
            descriptor, name = tempfile.mkstemp(prefix="ssh-", dir=self.folder)
            os.close(descriptor)
        else:
            self.buf = None
        self.name = name

    def close(self) -> None:
        """Write what was put into `buf`, less the zeros that were there before."""
        if self.buf is not None:
            Path(self.name).write_bytes(self.buf.rstrip(b"\0"))
            self.buf = None

    def unlink(self) -> None:
        """Remove the file, if it is there."""
        Path(self.name).unlink(missing_ok=True)


def install(folder: Path) -> None:
    """Have this process's Ansible give passwords by files and a program in `folder`; the name
    that Ansible was started by has to be one in it too.

    :raises RuntimeError: Ansible's ssh plugin is not as it is known here.
    """
    from ansible.plugins.connection import ssh

    if not hasattr(ssh, "SharedMemory"):
        raise RuntimeError("This Ansible gives ssh passwords in a way of its own.")
    PasswordFile.folder = folder
    ssh.SharedMemory = PasswordFile
    python = shlex.quote(sys.executable)
    text = f'#!/bin/sh\nexec {python} -I -S -c {shlex.quote(_ASKED)} "$@"\n'
    # With its mode from the first: we can't change one any more.
    descriptor = os.open(
        folder / "ansible", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700
    )
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
