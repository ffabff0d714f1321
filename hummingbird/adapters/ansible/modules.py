# SPDX-License-Identifier: Apache-2.0
"""Keeps Ansible's modules packed between runs, where no run can change them.

Ansible packs each module with all that it imports, a fifth of a second of CPU each, into a
cache that goes with the run, and executes what it finds there on hosts, as root. What stays
is therefore packed by a process that meets no host:

    python -P -m hummingbird.adapters.ansible.modules FOLDER LAYERS... NAME...

A run sees the folder read-only. Its own cache has links into it, and takes what was missing;
that goes with the run, and of it nothing is read but names. The names of Ansible's modules and
of ours among them are then packed by that other process for the runs to come.
"""

import argparse
import contextlib
import fcntl
import hashlib
import importlib.metadata
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from hummingbird.adapters.ansible import confine

LOG = logging.getLogger(__name__)

_SOURCES: Final = ("library", "module_utils", "files")
"""Folders of the playbooks whose programs are packed (playbooks/ansible.cfg)."""

_NAME: Final = re.compile(
    r"ansible\.(modules|legacy)\.([a-z0-9_]{1,64})-ZIP_DEFLATED-none"
)
"""Of a packed module (ansible/executor/module_common.py): Ansible's own, or one of ours."""

_MOST: Final = 64
"""Modules that are packed at once; a provisioning takes some twenty."""

MOST_LISTED: Final = 1024
"""Names in a run's own cache that are looked at."""

_PACKS_WITHIN_SECONDS: Final = 120.0
_TAG: Final = b"packed apart from runs"
_SCRATCH: Final = ".pack-"
_LOCK: Final = ".lock"


def packed_modules(folder: Path, *, playbooks: Path) -> Path:
    """Return where below `folder` (made, 0700) modules are kept that were packed from
    these sources by this Ansible and this Python; those of others are removed."""
    digest = hashlib.sha256(sys.version.encode() + _TAG)
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


def link(packed: Path, own: Path) -> None:
    """Make a run's own cache, with what is packed already."""
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Somebody may have tidied up since the conductor started.
    with contextlib.suppress(FileNotFoundError):
        for path in packed.iterdir():
            if _NAME.fullmatch(path.name):
                (own / path.name).symlink_to(path)


def _missing(packed: Path, listed: Iterable[str]) -> list[str]:
    """Return what a run had to pack for itself. A run's word: names of modules or nothing."""
    names = {name for name in listed if _NAME.fullmatch(name)}
    return sorted(names - {path.name for path in packed.iterdir()})[:_MOST]


@contextlib.contextmanager
def _alone(packed: Path) -> Iterator[bool]:
    """Say whether nobody else packs now, in whatever process."""
    with (packed / _LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def learn(
    packed: Path, listed: Iterable[str], *, playbooks: Path, layers: confine.Layers
) -> None:
    """Pack for the next runs what this one, which is over, had to pack for itself.

    :param listed: the names in the run's own cache.

    Takes seconds after the first run of a version, else nothing. What fails is logged: runs
    cost more then, and nothing else.
    """
    try:
        packed.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _missing(packed, listed):
            return
        with _alone(packed) as alone:
            names = _missing(packed, listed)
            if alone and names:
                _pack(packed, names, playbooks=playbooks, layers=layers)
    except (OSError, subprocess.SubprocessError) as error:
        LOG.warning("Ansible's modules could not be packed: %s", error)


def _pack(
    packed: Path, names: Sequence[str], *, playbooks: Path, layers: confine.Layers
) -> None:
    for left in packed.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=packed))
    try:
        subprocess.run(
            [
                *(sys.executable, "-P", "-m", __name__, str(packed)),
                *(f"--scratch={scratch}", f"--playbooks={playbooks}"),
                *confine.arguments(layers),
                *names,
            ],
            cwd=playbooks,
            env={
                "ANSIBLE_CONFIG": str(playbooks / "ansible.cfg"),
                "ANSIBLE_HOME": str(scratch),
                "ANSIBLE_LOCAL_TEMP": str(scratch),
                "HOME": str(scratch),
                "LC_ALL": "C.UTF-8",
                "PATH": os.environ.get("PATH", os.defpath),
                "PYTHONDONTWRITEBYTECODE": "1",
                "TMPDIR": str(scratch),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PACKS_WITHIN_SECONDS,
            check=True,
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def main() -> None:
    """Pack the modules of these names into a folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("packed", type=Path)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--playbooks", type=Path, required=True)
    confine.add_options(parser)
    given = parser.parse_args()
    confine.enter(confine.given(given), reads=[given.playbooks], writes=[given.packed])
    from ansible import constants
    from ansible.executor import module_common
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader, module_loader
    from ansible.template import Templar

    init_plugin_loader()
    cache = Path(constants.DEFAULT_LOCAL_TMP) / "ansiballz_cache"
    for name in given.names:
        found = _NAME.fullmatch(name)
        if found is None:
            continue
        collection = {"modules": "ansible.builtin"}.get(found[1], "ansible.legacy")
        where = module_loader.find_plugin(f"{collection}.{found[2]}", mod_type=".py")
        if where is None:
            continue
        module_common.modify_module(
            module_name=found[2],
            module_path=where,
            module_args={},
            templar=Templar(loader=DataLoader()),
            task_vars={"ansible_python_interpreter": "/usr/bin/python3"},
            module_compression="ZIP_DEFLATED",
        )
        with contextlib.suppress(FileNotFoundError):
            (cache / name).rename(given.packed / name)


if __name__ == "__main__":
    main()
