# SPDX-License-Identifier: Apache-2.0
"""Run a program and keep its output; say what it said when it fails."""

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from hummingbird_lab.errors import CommandFailed


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input_text: str | None = None,
    timeout_s: float = 600.0,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run `argv` to its end; its stdout and stderr are kept apart, as text.

    `env` replaces the environment.  :raises CommandFailed: it exited with an error,
    or ran for longer than `timeout_s` seconds.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            input=input_text,
            stdin=subprocess.DEVNULL if input_text is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(
            f"{shlex.join(words)} ran for over {timeout_s:g} s"
        ) from error
    except FileNotFoundError as error:
        raise CommandFailed(
            f"{words[0]} is not installed; hummingbird-lab prepare installs it"
        ) from error
    if check and done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise CommandFailed(f"{shlex.join(words)} exited {done.returncode}: {said}")
    return done
