# SPDX-License-Identifier: Apache-2.0
"""Asks for a session in a thread, so that the beat goes on meanwhile."""

import threading

from agents.link.session import Opened, Opener, SessionRefused


class ThreadedAsking:
    """One question at a time; its thread is a daemon and ends with the process."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._thread: threading.Thread | None = None
        self._result: Opened | SessionRefused | None = None

    def begin(self, *, boot_id: str) -> None:
        """Start asking."""
        self._result = None
        self._thread = threading.Thread(
            target=self._ask, args=(boot_id,), name="session", daemon=True
        )
        self._thread.start()

    def result(self) -> Opened | SessionRefused | None:
        """Return the session, or why there is none, or None while it is asked for."""
        if self._thread is None or self._thread.is_alive():
            return None
        return self._result

    def _ask(self, boot_id: str) -> None:
        self._result = SessionRefused("asking failed; the log says more")
        try:
            self._result = self._opener.open(boot_id=boot_id)
        except SessionRefused as error:
            self._result = error
