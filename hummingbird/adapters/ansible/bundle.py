# SPDX-License-Identifier: Apache-2.0
"""Sees that the programs which hosts get from this controller are those of its operator.

They run as root on hosts. What the files are is decided here, before the playbook: there a
host's word chooses among them.
"""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hummingbird.errors.tunnel import BundleDoubtful

DIGESTS: Final = "SHA256SUMS"
"""A bundle's file with the digests of its programs, as sha256sum writes it."""

PROGRAMS: Final = ("wg", "wireguard-go")
_LARGEST_BYTES: Final = 64 << 20
"""wireguard-go is 3 to 10 MB; a folder that was named by mistake is not read whole."""


def check(folder: str) -> None:
    """Return if what is in the bundle `folder` may go to hosts; "" and none may.

    Nobody but its owner may write to the folder, to its folders of processors and to its
    programs; where it has a file SHA256SUMS, that has each program's digest. Raises
    BundleDoubtful, which says what to do.
    """
    if not folder:
        return
    root = Path(folder)
    programs = list(_programs(root))
    listed = root / DIGESTS
    has_digests = listed.exists()
    parts = {root, *programs, *(program.parent for program in programs)}
    for part in sorted(parts | {listed} if has_digests else parts):
        if part.exists() and part.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise BundleDoubtful(
                message=f"others than its owner may write to {part}; chmod go-w {part}"
            )
    if has_digests:
        digests = _digests(listed)
        for program in programs:
            _check_digest(root, program, digests)


def _programs(root: Path) -> Iterator[Path]:
    for name in PROGRAMS:
        yield from (path for path in (root / name,) if path.is_file())
        yield from sorted(path for path in root.glob(f"*/{name}") if path.is_file())


def _digests(listed: Path) -> dict[str, str]:
    lines = (line.split(maxsplit=1) for line in listed.read_text().splitlines())
    return {
        words[1].removeprefix("*").removeprefix("./"): words[0].lower()
        for words in lines
        if len(words) == 2
    }


def _check_digest(root: Path, program: Path, digests: dict[str, str]) -> None:
    name = program.relative_to(root).as_posix()
    if name not in digests:
        problem = f"{root / DIGESTS} has no digest of {name}"
    elif program.stat().st_size > _LARGEST_BYTES:
        problem = f"{program} has more than {_LARGEST_BYTES >> 20} MiB"
    elif hashlib.sha256(program.read_bytes()).hexdigest() != digests[name]:
        problem = f"{program} is not the one whose digest {root / DIGESTS} has"
    else:
        return
    raise BundleDoubtful(
        message=f"{problem}; bring back the right one, or write {DIGESTS} anew"
    )
