# SPDX-License-Identifier: Apache-2.0
"""What this deployment keeps for itself is read by nobody else.

Every process of ours makes its files for its own user alone, those of libraries too: SQLite's,
and what Ansible is told. A state directory that was there before may have another mode,
from a package or a restored backup; so its mode and those of its files are put right at the
start, and one in which others could have put something is not used at all.
"""

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hummingbird.conf import Conf
from hummingbird.conf.share import state_directory
from hummingbird.errors import StateDirectoryUnsafe

LOG = logging.getLogger(__name__)

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
PUBLIC: Final = frozenset({".crt"})
"""Certificates are shown to everybody who connects."""
_NAMED: Final = 5
"""So many files are named in one line of the log."""


def keep_private(conf: Conf) -> None:
    """Have this process make files for its own user alone, and the state directory and
    all in it be for that user alone.

    :raises StateDirectoryUnsafe: others could have put something into it.
    """
    os.umask(OTHERS)
    folder = state_directory(conf)
    _check(folder)
    opened = [path for path in (folder, *_below(folder)) if _is_open(path)]
    for path in opened:
        path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~OTHERS)
    if opened:
        names = ", ".join(str(path) for path in opened[:_NAMED])
        more = f" and {len(opened) - _NAMED} more" if len(opened) > _NAMED else ""
        LOG.warning(
            "Others could read what is for this deployment alone; their modes are put"
            " right: %s%s. Secrets in them may be known: doc/security.md, Files",
            names,
            more,
        )
    for path in (conf.kubernetes.kubeconfig, conf.api.token_file, conf.api.key_file):
        _tell(path)


def _check(folder: Path) -> None:
    known = folder.stat()
    if known.st_mode & stat.S_IWOTH:
        why = "everybody may write into it"
    elif os.geteuid() not in (0, known.st_uid):
        why = f"it belongs to another user ({known.st_uid})"
    else:
        return
    raise StateDirectoryUnsafe(path=folder, message=why)


def _below(folder: Path) -> Iterator[Path]:
    """Yield all that is in a folder, and in folders in it; links are not followed."""
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent) / name for name in (*folders, *files))


def _is_open(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False  # another process of ours has removed it meanwhile
    return (
        stat.S_ISDIR(mode) or (stat.S_ISREG(mode) and path.suffix not in PUBLIC)
    ) and bool(mode & OTHERS)


def _tell(name: str | None) -> None:
    """Warn where everybody may read a file that the configuration names; it is not ours
    to change."""
    if not name:
        return
    try:
        mode = Path(name).stat().st_mode
    except OSError:
        return
    if mode & stat.S_IROTH:
        LOG.warning("Everybody on this machine may read %s; it holds a secret", name)
