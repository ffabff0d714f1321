# SPDX-License-Identifier: Apache-2.0
"""What this deployment keeps for itself is read and written by nobody else.

Every process of ours makes its files for its own user alone, those of libraries too: SQLite's,
and what Ansible is told. A state directory that was there before may have another mode,
from a package or a restored backup; so its mode and those of its files are put right at the
start. One in which others could have put something, or could put something in its place, is
not used at all: all of it is its user's or root's, no link stands for it or for a file of
ours, and nobody else may rename it. Files are looked at as they are open, not by name.
"""

import errno
import logging
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hummingbird.conf import Conf
from hummingbird.conf.share import state_directory
from hummingbird.errors import SecretFileUnsafe, StateDirectoryUnsafe

LOG = logging.getLogger(__name__)

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
PUBLIC: Final = frozenset({".crt"})
"""Certificates are shown to everybody who connects."""
_NAMED: Final = 5
"""So many files are named in one line of the log."""
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_LINKLESS: Final = (".", "pki")
"""The folders of the state directory in which all are files of ours, and none a link."""


def keep_private(conf: Conf) -> None:
    """Have this process make files for its own user alone, and the state directory and
    all in it be for that user alone.

    :raises StateDirectoryUnsafe: others could have put something into it.
    :raises SecretFileUnsafe: likewise, of a file that the configuration names.
    """
    os.umask(OTHERS)
    folder = Path(os.path.abspath(state_directory(conf)))  # noqa: PTH100 -- links stay
    _check_way(folder)
    opened = list(_tightened(folder))
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


def _check_way(folder: Path) -> None:
    """See that nobody else can put another directory in the place of this one.

    :raises StateDirectoryUnsafe: somebody can.
    """
    for parent in dict.fromkeys((*folder.parents, *folder.resolve().parents)):
        known = parent.stat()
        if _owner_is_foreign(known):
            why = f"{parent} above it belongs to another user ({_name(known)})"
        elif known.st_mode & stat.S_IWOTH and not known.st_mode & stat.S_ISVTX:
            why = f"everybody may rename what is in {parent} above it"
        elif _others_of_a_group_may_write(known):
            why = f"a group ({known.st_gid}) may rename what is in {parent} above it"
        else:
            continue
        raise StateDirectoryUnsafe(path=folder, message=why)


def _others_of_a_group_may_write(known: os.stat_result) -> bool:
    # A user's own group, which many systems give each, is nobody else.
    return (
        bool(known.st_mode & stat.S_IWGRP)
        and not known.st_mode & stat.S_ISVTX
        and known.st_gid != os.getegid()
    )


def _owner_is_foreign(known: os.stat_result) -> bool:
    return known.st_uid not in (0, os.geteuid())


def _name(known: os.stat_result) -> str:
    try:
        return pwd.getpwuid(known.st_uid).pw_name
    except KeyError:
        return str(known.st_uid)


def _tightened(folder: Path) -> Iterator[Path]:
    """Put the modes right; yield what others could read or write.

    :raises StateDirectoryUnsafe: something in it may be another's.
    """
    try:
        opened = os.open(folder, _FLAGS | os.O_DIRECTORY)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        why = "a link or a file is in its place"
        raise StateDirectoryUnsafe(path=folder, message=why) from error
    try:
        known = os.fstat(opened)
        if known.st_uid != os.geteuid():
            why = f"it belongs to another user ({_name(known)}); run this as that user"
            raise StateDirectoryUnsafe(path=folder, message=why)
        if known.st_mode & stat.S_IWOTH:
            why = "everybody may write into it"
            raise StateDirectoryUnsafe(path=folder, message=why)
        if _tighten(opened):
            yield folder
        # From here on nobody else can add anything.
        for place, folders, files, number in os.fwalk(".", dir_fd=opened):
            parent = folder / place
            for name in (*folders, *files):
                if _put_right(name, parent=parent, number=number, top=folder):
                    yield parent / name
    finally:
        os.close(opened)


def _put_right(name: str, *, parent: Path, number: int, top: Path) -> bool:
    """Look at one thing in an open folder; return whether others could read or write it.

    :raises StateDirectoryUnsafe: it may be another's.
    """
    path = parent / name
    try:
        known = os.stat(name, dir_fd=number, follow_symlinks=False)
        why = None
        if _owner_is_foreign(known):
            why = f"{path} in it belongs to another user ({_name(known)})"
        elif stat.S_ISLNK(known.st_mode) and str(parent.relative_to(top)) in _LINKLESS:
            why = f"{path} in it is a link"
        if why is not None:
            raise StateDirectoryUnsafe(path=top, message=why)
        if not stat.S_ISDIR(known.st_mode) and not stat.S_ISREG(known.st_mode):
            return False
        if stat.S_ISREG(known.st_mode) and path.suffix in PUBLIC:
            return False
        if not known.st_mode & OTHERS:
            return False
        opened = os.open(name, _FLAGS, dir_fd=number)
    except FileNotFoundError:
        return False  # another process of ours has removed it meanwhile
    try:
        return _tighten(opened)
    finally:
        os.close(opened)


def _tighten(opened: int) -> bool:
    """Take others' rights to an open file away; return whether they had some."""
    mode = stat.S_IMODE(os.fstat(opened).st_mode)
    if mode & OTHERS:
        os.fchmod(opened, mode & ~OTHERS)
    return bool(mode & OTHERS)


def _tell(name: str | None) -> None:
    """Warn where others may know a file that the configuration names; it is not ours to
    change. Such a file may be a link: so Kubernetes mounts secrets.

    :raises SecretFileUnsafe: everybody may write it.
    """
    if not name:
        return
    try:
        opened = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return
    try:
        known = os.fstat(opened)
    finally:
        os.close(opened)
    if known.st_mode & stat.S_IWOTH:
        raise SecretFileUnsafe(path=name, message="everybody may write it")
    if known.st_mode & stat.S_IROTH:
        LOG.warning("Everybody on this machine may read %s; it holds a secret", name)
    if known.st_mode & stat.S_IWGRP:
        LOG.warning("A group (%s) may write %s; it holds a secret", known.st_gid, name)
    if _owner_is_foreign(known):
        LOG.warning(
            "%s belongs to another user (%s); it holds a secret", name, _name(known)
        )
