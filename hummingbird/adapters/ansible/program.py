# SPDX-License-Identifier: Apache-2.0
"""ansible-playbook, with modules that are packed once, hosts that are heard out within
bounds (bound.py), and passwords that ssh is given.

A program of its own, started by guard.py:

    python -P -m hummingbird.adapters.ansible.program FOLDER ARGUMENTS...

Ansible packs each module with all that it imports, a fifth of a second of CPU each, into a
cache that goes with the run. Here the cache is a link to FOLDER, which stays. Ansible locks
and writes it so that several processes may share it; were it called otherwise in another
version, runs would cost more and nothing else.

ssh asks a program for a password. Ansible looks for its own `ansible` beside what it was
started as, then on PATH, and where there is none ssh sends an empty password; so there is
one, in the run's folder.
"""

import hashlib
import importlib.metadata
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from hummingbird.adapters.ansible import bound

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


_ASKS: Final = "import sys; sys.argv[0] = 'ansible'; import ansible.cli"
"""What Ansible's `ansible` is when ssh has started it (ansible/cli/__init__.py)."""


def _password_asker(folder: Path) -> None:
    """Write the program that ssh asks."""
    python = shlex.quote(sys.executable)
    path = folder / "ansible"
    path.write_text(f'#!/bin/sh\nexec {python} -I -c {shlex.quote(_ASKS)} "$@"\n')
    path.chmod(0o700)


def main() -> None:
    """Be ansible-playbook."""
    folder, *arguments = sys.argv[1:]
    # Not at the top: the conductor takes a function from here, and no Ansible.
    from ansible import constants
    from ansible.cli import playbook

    # Somebody may have tidied up since the conductor started.
    Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = Path(constants.DEFAULT_LOCAL_TMP)
    (scratch / _CACHE).symlink_to(folder)
    _password_asker(scratch)
    bound.install(bound.Meter())
    sys.argv = [str(scratch / "ansible-playbook"), *arguments]
    playbook.main()


if __name__ == "__main__":
    main()
