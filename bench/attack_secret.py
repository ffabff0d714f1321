# SPDX-License-Identifier: Apache-2.0
"""Whether a secret stands anywhere in clear when each was used: part of bench/attack.py.

secrets           how many a deployment of its own was given, and used
secret_starts     starts of programs whose arguments and environments were looked through
secret_files      files, each as often as it changed
secrets_in_clear  where one stood that is not its home (doc/security.md); has to be 0

The long form of tests/attack/secrets: a RabbitMQ with a password, the whole playbook, each
way of starting badly. Needs root and strace.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from api_program import Program

from tests.attack.secrets.program import NAMESPACES


def measure(_program: Program, _folder: Path) -> dict[str, Any]:
    """Use them all, and say what was found."""
    words = [sys.executable, "-m", "tests.attack.secrets.program", "--thorough"]
    done = subprocess.run(
        [*NAMESPACES, *words],
        cwd=Path(__file__).resolve().parents[1],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    for place in seen["found"]:
        print(f"  in clear: {place}", file=sys.stderr, flush=True)
    return {
        "secrets": len(seen["secrets"]),
        "secret_starts": seen["starts"],
        "secret_files": seen["files"],
        "secrets_in_clear": len(seen["found"]),
    }
