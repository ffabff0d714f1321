# SPDX-License-Identifier: Apache-2.0
"""Keeps the last report that could not be sent, over restarts; the newest wins.

One file, put in place whole. A folder that can't be written costs the memory over a
restart and nothing else: what it would hold is collected anew.
"""

import os
from pathlib import Path

FOLDER = Path("/var/lib/hummingbird/agent")
NAME = "unsent-report.json"


class ReportStore:
    """At most one report."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def put(self, body: bytes) -> None:
        """Keep `body` in place of what was kept.

        :raises OSError: it can't be written.
        """
        draft = self._path.with_suffix(".draft")
        with draft.open("wb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(self._path)

    def get(self) -> bytes | None:
        """Return what is kept, or None."""
        try:
            return self._path.read_bytes() or None
        except OSError:
            return None

    def clear(self) -> None:
        """Keep nothing.

        :raises OSError: it can't be removed.
        """
        self._path.unlink(missing_ok=True)
