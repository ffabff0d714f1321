# SPDX-License-Identifier: Apache-2.0
"""A program that was started inside the lab and goes on while the caller does."""

import os
import subprocess
import time

from hummingbird_lab.sandbox import children

_APPEARS_WITHIN_S = 2.0


class InsideProcess(subprocess.Popen[str]):
    """The entering process, whose signals go to the program that it started.

    `nsenter` stays outside and waits for the program, which has another id.
    """

    @property
    def inner_pid(self) -> int | None:
        """The program's id as seen from outside; None when it has ended."""
        deadline = time.monotonic() + _APPEARS_WITHIN_S
        while self.poll() is None and time.monotonic() < deadline:
            if below := children(self.pid):
                return below[0]
            time.sleep(0.005)
        return None

    def send_signal(self, sig: int) -> None:
        """Send a signal to the program itself; nothing if it has ended."""
        pid = self.inner_pid
        if pid is None:
            super().send_signal(sig)
            return
        try:
            os.kill(pid, sig)
        except ProcessLookupError:
            return
