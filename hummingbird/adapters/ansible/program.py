# SPDX-License-Identifier: Apache-2.0
"""ansible-playbook, with modules that are packed once and not in each run.

A program of its own, started by guard.py:

    python -P -m hummingbird.adapters.ansible.program FOLDER ARGUMENTS...

Ansible packs each module with all that it imports, a fifth of a second of CPU each, into a
cache that goes with the run. Here the cache is a link to FOLDER, which stays. Ansible locks
and writes it so that several processes may share it; were it called otherwise in another
version, runs would cost more and nothing else.
"""

import hashlib
import importlib.metadata
import shutil
import sys
from pathlib import Path
from typing import Final

_CACHE: Final = "ansiballz_cache"
"""Its name below DEFAULT_LOCAL_TMP (ansible/executor/module_common.py)."""

_SOURCES: Final = ("library", "module_utils", "files")
"""Folders of the playbooks whose programs are packed (playbooks/ansible.cfg)."""


def packed_modules(folder: Path, *, playbooks: Path) -> Path:
    """Return where below `folder` (made, 0700) modules are kept that were packed from
    these sources by this Ansible and this Python; those of others are removed."""
    digest = hashlib.sha256(sys.version.encode())
    digest.update(importlib.metadata.version("ansible-core").encode())
    for path in sorted(
        path for name in _SOURCES for path in (playbooks / name).glob("*.py")
    ):
        digest.update(f"{path.parent.name}/{path.name}\0".encode())
        digest.update(path.read_bytes())
    wanted = folder / digest.hexdigest()[:16]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted.mkdir(mode=0o700, exist_ok=True)
    for other in folder.iterdir():
        if other != wanted:
            shutil.rmtree(other, ignore_errors=True)
    return wanted


def main() -> None:
    """Be ansible-playbook."""
    folder, *arguments = sys.argv[1:]
    # Not at the top: the conductor takes a function from here, and no Ansible.
    from ansible import constants
    from ansible.cli import playbook

    # Somebody may have tidied up since the conductor started.
    Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    Path(constants.DEFAULT_LOCAL_TMP, _CACHE).symlink_to(folder)
    sys.argv = ["ansible-playbook", *arguments]
    playbook.main()


if __name__ == "__main__":
    main()
