# SPDX-License-Identifier: Apache-2.0
"""ansible-playbook, with modules that are packed once, hosts that are heard out within
bounds (bound.py), and passwords that ssh is given.

A program of its own, started by guard.py:

    python -P -m hummingbird.adapters.ansible.program FOLDER \\
        [--reads PATH]... [--writes PATH]... -- ARGUMENTS...

First of all it confines itself (confine.py) to those paths and what programs need.

Ansible packs each module with all that it imports, a fifth of a second of CPU each, into a
cache that goes with the run. Here the cache is a link to FOLDER, which stays. Ansible locks
and writes it so that several processes may share it; were it called otherwise in another
version, runs would cost more and nothing else.

ssh asks a program for a password. Ansible looks for its own `ansible` beside what it was
started as, then on PATH, and where there is none ssh sends an empty password; so there is
one, in the run's folder.
"""

import argparse
import hashlib
import importlib.metadata
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from hummingbird.adapters.ansible import bound, confine

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


_FOLDER_VARIABLES: Final = ("tunnel_bundle",)
"""Variables of playbooks that name a folder of the controller."""


def read_by(variables: Mapping[str, object]) -> list[Path]:
    """Return the folders of the controller that a playbook is told to take files from."""
    given = (variables.get(name) for name in _FOLDER_VARIABLES)
    return [Path(each) for each in given if isinstance(each, str) and each]


def command(
    packed: Path, *, reads: Iterable[Path], writes: Iterable[Path]
) -> list[str]:
    """Return what starts this program; Ansible's own arguments come behind it."""
    return [
        *(sys.executable, "-P", "-m", __name__, str(packed)),
        *(f"--reads={path}" for path in reads),
        *(f"--writes={path}" for path in writes),
        "--",
    ]


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
    own = sys.argv.index("--")
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reads", type=Path, action="append", default=[])
    parser.add_argument("--writes", type=Path, action="append", default=[])
    given = parser.parse_args(sys.argv[1:own])
    arguments = sys.argv[own + 1 :]
    folder = given.folder
    # Somebody may have tidied up since the conductor started.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    confine.enter(reads=given.reads, writes=[folder, *given.writes])
    # Not at the top: the conductor takes a function from here, and no Ansible.
    from ansible import constants
    from ansible.cli import playbook

    scratch = Path(constants.DEFAULT_LOCAL_TMP)
    (scratch / _CACHE).symlink_to(folder)
    _password_asker(scratch)
    bound.install(bound.Meter())
    sys.argv = [str(scratch / "ansible-playbook"), *arguments]
    playbook.main()


if __name__ == "__main__":
    main()
