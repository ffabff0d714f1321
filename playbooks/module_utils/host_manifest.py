# SPDX-License-Identifier: Apache-2.0
"""Keeps on the host the list of what we changed there, so that all of it can be undone.

One JSON file, written before each change and removed last of all. Whoever finds no
manifest knows that nothing of ours is on the host. It is rewritten atomically and synced,
so a power cut leaves the old or the new one. One writer at a time: a host is
reserved for one run, so there is no lock.
"""

import json
import os
import shutil
from typing import Any, Optional

DIRECTORY = "/var/lib/hummingbird"
PATH = os.path.join(DIRECTORY, "manifest.json")
BACKUPS = os.path.join(DIRECTORY, "backup")
VERSION = 1


def empty() -> dict[str, Any]:
    """Return the manifest of a host that nothing was done to."""
    return {
        "version": VERSION,
        "baseline": {},
        "files": {},
        "directories": [],
        "packages": {"before": None, "added": [], "users": [], "groups": []},
        "kernel_modules": [],
    }


def load() -> Optional[dict[str, Any]]:
    """Return what was recorded, or None where nothing ever was."""
    try:
        with open(PATH, encoding="utf-8") as file:
            found: dict[str, Any] = json.load(file)
    except FileNotFoundError:
        return None
    return found


def save(manifest: dict[str, Any]) -> None:
    """Write the manifest so that it survives a power cut from here on."""
    os.makedirs(DIRECTORY, mode=0o700, exist_ok=True)
    os.chmod(DIRECTORY, 0o700)
    write_atomically(PATH, json.dumps(manifest, sort_keys=True).encode(), mode=0o600)


def write_atomically(path: str, content: bytes, *, mode: int) -> None:
    """Put `content` at `path`, owned by root, whole or not at all."""
    temporary = path + ".hummingbird-new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def remember(manifest: dict[str, Any], path: str) -> None:
    """Record that `path` becomes ours, keeping a copy of what stands there.

    Call before the first write to `path`, and save the manifest before that write.
    Folders on the way that are not there yet are recorded too.
    """
    if path in manifest["files"]:
        return
    kept = None
    if os.path.lexists(path):
        kept = BACKUPS + path
        os.makedirs(os.path.dirname(kept), mode=0o700, exist_ok=True)
        # copy2 keeps mode and times; a link stays a link
        shutil.copy2(path, kept, follow_symlinks=False)
        if not os.path.islink(path):
            owner = os.stat(path)
            os.chown(kept, owner.st_uid, owner.st_gid)
    manifest["files"][path] = {"backup": kept}
    folder = os.path.dirname(path)
    while not os.path.isdir(folder):
        if folder not in manifest["directories"]:
            manifest["directories"].append(folder)
        folder = os.path.dirname(folder)


def give_back(manifest: dict[str, Any], path: str) -> bool:
    """Put back at `path` what stood there before us; return whether that changed it."""
    record = manifest["files"].get(path)
    if record is None:
        return False
    kept = record["backup"]
    if kept is None:
        try:
            os.unlink(path)
        except FileNotFoundError:
            return False
        return True
    if not os.path.lexists(kept):
        return False
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    owner = os.lstat(kept)
    shutil.move(kept, path)
    os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    return True
