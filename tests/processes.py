# SPDX-License-Identifier: Apache-2.0
"""Looks at processes and trees that others make and remove meanwhile: what is gone by the
time of the look is left out."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path


def with_argument(text: str) -> dict[int, str]:
    """Return the processes of this machine whose command lines mention `text`."""
    found = {}
    for pid in all_pids():
        with contextlib.suppress(OSError):
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
            line = raw.replace(b"\0", b" ").decode(errors="replace")
            if text in line:
                found[pid] = line
    return found


def all_pids() -> list[int]:
    """Return the ids of all processes of this machine."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


def modes_below(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield what is in a tree, with its permission bits; of links their own."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            with contextlib.suppress(OSError):
                yield path, stat.S_IMODE(path.lstat().st_mode)
