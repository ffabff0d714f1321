# SPDX-License-Identifier: Apache-2.0
"""A run's own folders, which go with it."""

import contextlib
import fcntl
import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def made(scratch: Path, wanted: Path | None) -> Iterator[tuple[Path, Path]]:
    """Make a run's own folder, and one for its sockets; remove both at the end."""
    if wanted is None:
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=scratch))
    else:
        folder = wanted.resolve()
        folder.mkdir(mode=0o700, parents=True)
    # a socket's path may have 107 bytes, and the state folder's may be long
    sockets = Path(tempfile.mkdtemp(prefix="hb-"))
    try:
        with (folder / "owner.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / "tmp").mkdir(mode=0o700)
            yield folder, sockets
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(sockets, ignore_errors=True)


def sweep(scratch: Path) -> None:
    """Remove run folders whose owner is gone: a lock dies with the process that has it."""
    for folder in scratch.glob("run-*"):
        with contextlib.suppress(OSError), (folder / "owner.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            LOG.warning("Removing what a dead run left: %s", folder)
            shutil.rmtree(folder, ignore_errors=True)
