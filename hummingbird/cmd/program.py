# SPDX-License-Identifier: Apache-2.0
"""How a person calls a program of ours in the shell that started this process."""

import os
import shutil
import sys
from pathlib import Path


def program(name: str) -> str:
    """Return `name` where PATH leads to the one of this installation, else its path, from
    the current folder where it is below that."""
    own = Path(sys.executable).parent / name
    found = shutil.which(name)
    if not own.exists() or (found is not None and os.path.samefile(found, own)):  # noqa: PTH121
        return name
    try:
        return str(own.relative_to(Path.cwd()))
    except ValueError:
        return str(own)
