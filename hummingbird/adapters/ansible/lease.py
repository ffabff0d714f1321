# SPDX-License-Identifier: Apache-2.0
"""Until when the playbooks of this process may run: a file that their guards read.

A conductor that is frozen, or hangs, can't end its playbooks; their guards (guard.py) end
them when nobody has moved the moment in the file. It is one of CLOCK_BOOTTIME, which goes on
while a machine sleeps and is the same for all of its processes. Each life of a conductor
has a file of its own: a new life does not prolong what the former one began.
"""

import contextlib
import os
import time
from pathlib import Path
from typing import Final

_PREFIX: Final = "lease-"
_WIDTH: Final = 20


class PlaybookLease:
    """The file of one life at a time, in a folder that is this user's alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._life: str | None = None
        self.path: Path | None = None
        """The file of the present life; None: nobody has ever set a limit."""

    def extend(self, life: str, seconds: float) -> None:
        """Let the playbooks of `life` run for `seconds` from now; 0: end them.

        :param life: what tells this life from others, e.g. a uuid.
        :raises OSError: the file can't be written.
        """
        path = self.path
        if path is None or life != self._life:
            self.remove()
            path = self._folder / f"{_PREFIX}{os.getpid()}-{life}"
        moment = time.clock_gettime(time.CLOCK_BOOTTIME) + seconds
        # One write of always the same length: who reads finds the old or the new one.
        text = f"{moment:{_WIDTH}.3f}".encode()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(descriptor, text, 0)
        finally:
            os.close(descriptor)
        self.path, self._life = path, life

    def remove(self) -> None:
        """Forget the file; who has it open sees no other moment any more."""
        path, self.path = self.path, None
        if path is not None:
            path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove the files of processes that are gone."""
    for path in folder.glob(f"{_PREFIX}*"):
        pid = path.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            with contextlib.suppress(OSError):
                path.unlink()
