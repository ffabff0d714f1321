# SPDX-License-Identifier: Apache-2.0
"""A run's own folders, which go with it.

What a run may write, nobody outside of it opens by name: it could be a link, a pipe or a
device by then. A run's folder has therefore parts:

- `given`: what the run is told. It reads that.
- `own`: all that it writes. Of that, this process takes two things, by `taken` and `names`.
- locks, beside them: not the run's business.
"""

import contextlib
import fcntl
import itertools
import logging
import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LOG = logging.getLogger(__name__)

_AS_IT_STANDS: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
"""Follows no link, and waits for nobody."""

_OWNER: Final = "owner.lock"
_REMOVES_WITHIN_SECONDS: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """Where the files of one run are."""

    path: Path
    """The whole; the run can't write here."""
    sockets: Path
    """A short path, which the run may write: a socket's may have 107 bytes, and the state
    folder's may be long."""
    opened: int
    """`own`, as a descriptor of this process."""

    @property
    def given(self) -> Path:
        """What the run is told, and may read."""
        return self.path / "given"

    @property
    def own(self) -> Path:
        """What the run writes."""
        return self.path / "own"

    @property
    def guard_lock(self) -> Path:
        """Held until no process of the run is left."""
        return self.path / "guard.lock"

    def taken(self, name: str, *, most_bytes: int) -> bytes | None:
        """Return a file's content that the run wrote; None: it is no plain file of its own,
        or longer than that."""
        try:
            descriptor = os.open(name, os.O_RDONLY | _AS_IT_STANDS, dir_fd=self.opened)
        except OSError:
            return None
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1:
                return None
            content = os.read(descriptor, most_bytes + 1)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return content if len(content) <= most_bytes else None

    def names(self, name: str, *, most: int) -> list[str]:
        """Return the first names in a folder of the run's; none: it is no folder."""
        flags = os.O_RDONLY | os.O_DIRECTORY | _AS_IT_STANDS
        try:
            descriptor = os.open(name, flags, dir_fd=self.opened)
        except OSError:
            return []
        try:
            with os.scandir(descriptor) as entries:
                return [entry.name for entry in itertools.islice(entries, most)]
        except OSError:
            return []
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def made(scratch: Path, wanted: Path | None) -> Iterator[RunFolder]:
    """Make a run's folders; remove them at the end."""
    if wanted is None:
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=scratch))
    else:
        folder = wanted.resolve()
        folder.mkdir(mode=0o700, parents=True)
    sockets = Path(tempfile.mkdtemp(prefix="hb-"))
    try:
        with contextlib.ExitStack() as stack:
            lock = os.open(
                folder / _OWNER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            stack.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
            for name in ("given", "own", "own/tmp"):
                (folder / name).mkdir(mode=0o700)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            opened = os.open(folder / "own", flags)
            stack.callback(os.close, opened)
            yield RunFolder(path=folder, sockets=sockets, opened=opened)
    finally:
        # Keys first, should the rest be more than can be removed in time.
        remove(folder / "given", folder, sockets)


def remove(*paths: Path) -> None:
    """Remove these with all below them, whatever a run made of it.

    `rm` follows no link, and takes folders that are nested as deep as a disk can hold; Python's
    own goes down by calling itself.
    """
    try:
        subprocess.run(
            ["rm", "-rf", "--", *map(str, paths)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_REMOVES_WITHIN_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        LOG.error("What a run left is still in %s: %s", paths[0], error)


def sweep(scratch: Path) -> None:
    """Remove run folders whose owner is gone: a lock dies with the process that has it."""
    for folder in scratch.glob("run-*"):
        with contextlib.suppress(OSError), _left(folder):
            LOG.warning("Removing what a dead run left: %s", folder)
            remove(folder / "given", folder)


@contextlib.contextmanager
def _left(folder: Path) -> Iterator[None]:
    """Hold a folder that may be a former version's, in which runs wrote their owner's lock.

    :raises OSError: its owner lives.
    """
    if (folder / _OWNER).is_symlink():
        # No owner's work; whoever made it runs no more than the version that let him.
        yield
        return
    flags = os.O_RDWR | os.O_CREAT | _AS_IT_STANDS
    lock = os.open(folder / _OWNER, flags, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(lock)
