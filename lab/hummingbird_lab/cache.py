# SPDX-License-Identifier: Apache-2.0
"""Things that take long to make, kept outside the checkout by the hash of their inputs.

`${HUMMINGBIRD_CACHE:-${XDG_CACHE_HOME:-~/.cache}/hummingbird}/KIND-HASH`.  An entry
appears by one rename when it is whole, so a build that dies leaves nothing that looks
done; two that build at once wait for each other (`flock`).  Nothing in it changes
later, so all labs share it.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

Say = Callable[[str], None]
"""How progress is told: one line, no newline."""

Input = str | bytes | Path
"""A text, some bytes, or a file or folder that is read."""


def root() -> Path:
    """Return the folder of the cache, made if it is missing."""
    own = os.environ.get("HUMMINGBIRD_CACHE")
    general = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(own) if own else Path(general) / "hummingbird"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def digest(inputs: Iterable[Input]) -> str:
    """Hash strings, and files or whole folders by names and contents; 16 letters."""
    total = hashlib.sha256()
    for item in inputs:
        if isinstance(item, Path):
            for path in _files(item):
                total.update(str(path.relative_to(item.parent)).encode() + b"\0")
                total.update(hashlib.sha256(path.read_bytes()).digest())
        else:
            data = item.encode() if isinstance(item, str) else item
            total.update(hashlib.sha256(data).digest())
    return total.hexdigest()[:16]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(
        found
        for found in path.rglob("*")
        if found.is_file() and "__pycache__" not in found.parts
    )


def entry(kind: str, inputs: Iterable[Input]) -> Path:
    """Return where the entry made from these inputs is, or will be."""
    return root() / f"{kind}-{digest(inputs)}"


def make(path: Path, build: Callable[[Path], None], *, say: Say, what: str) -> Path:
    """Return the entry at `path`, built by `build(folder)` if it is not there yet."""
    if path.exists():
        return path
    with (root() / f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return path
        say(f"making {what}")
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=root()))
        try:
            draft.chmod(0o755)
            build(draft)
            draft.rename(path)
        finally:
            if draft.exists():
                shutil.rmtree(draft, ignore_errors=True)
    (root() / f"{path.name}.lock").unlink(missing_ok=True)
    return path
