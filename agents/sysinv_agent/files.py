# SPDX-License-Identifier: Apache-2.0
"""Reads small files of the host that may not be there, or not be text."""

from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class HostFiles:
    """Where the host's own folders are mounted, read-only."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    etc: Path = Path("/host/etc")
    """Of it, os-release is read and nothing else; see also `usr_lib`."""
    usr_lib: Path = Path("/host/usr/lib")
    """/etc/os-release is a link into here on most systems."""


def text(path: Path) -> str | None:
    """Return the file's content without outer blanks, or None if there is none."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES)
    except OSError:
        return None
    return content.decode("utf-8", "replace").strip("\0 \t\r\n") or None


def number(path: Path, *, base: int = 10) -> int | None:
    """Return the number in the file, or None if there is none."""
    try:
        return int(text(path) or "", base)
    except ValueError:
        return None


def link_name(path: Path) -> str | None:
    """Return the last part of what a link points to, or None if there is none."""
    try:
        return path.readlink().name
    except OSError:
        return None


def entries(folder: Path) -> list[Path]:
    """Return what is in a folder, by name; nothing if there is no such folder."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
