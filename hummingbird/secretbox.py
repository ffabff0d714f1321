# SPDX-License-Identifier: Apache-2.0
"""Encryption of secrets at rest.

One key file a deployment, mode 0600, made at the first start. Fernet (AES-128-CBC with
HMAC-SHA256, https://github.com/fernet/spec) from the cryptography package.
"""

import errno
import os
import stat
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from hummingbird.errors import SecretFileUnsafe, SecretUnreadable


class SecretBox:
    """Seals and opens text with the deployment's key."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)

    @classmethod
    def from_file(cls, path: Path) -> "SecretBox":
        """Read the key from `path`; make one there, mode 0600, if there is none."""
        write_secret_once(path, Fernet.generate_key())
        return cls(read_secret(path))

    def seal(self, text: str) -> str:
        """Return `text` encrypted."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return the text that `seal` was given.

        :raises SecretUnreadable: it was sealed with another key.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise SecretUnreadable() from error


def read_secret(path: Path) -> bytes:
    """Return what is in a file of ours: this user's or root's, and nobody else's to write.

    :raises SecretFileUnsafe: it may be another's.
    :raises OSError: it can't be read.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        opened = os.open(path, flags)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise SecretFileUnsafe(path=path, message="a link is in its place") from error
    with os.fdopen(opened, "rb") as stream:
        known = os.fstat(opened)
        if not stat.S_ISREG(known.st_mode):
            why = "it is no file"
        elif known.st_uid not in (0, os.geteuid()):
            why = f"it belongs to another user ({known.st_uid})"
        elif known.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            why = "others may write it"
        else:
            return stream.read()
    raise SecretFileUnsafe(path=path, message=why)


def put_secret(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put a whole file in place, instead of what is there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(descriptor, mode)  # whatever this process's umask is
        stream.write(content)
    draft.replace(path)


def write_secret_once(path: Path, content: bytes) -> bool:
    """Write `content` to a new file of mode 0600; return False if it exists already.

    The content is linked into place whole, so that a second process that starts at the
    same instant reads all of it or makes the same file first.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists():
        return False
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True
