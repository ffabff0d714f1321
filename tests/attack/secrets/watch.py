# SPDX-License-Identifier: Apache-2.0
"""Watches a running deployment: what its processes are started with, and what they write.

No start of a program is missed: strace(1) writes down the arguments and the environment of
each execve(2) of the program and all that comes from it. Files, which live longer, and what
a process makes of its own arguments later, are looked at again and again.
"""

import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.attack.secrets.forms import Sought

LOOKS_SECONDS: Final = 0.03
"""Between two looks at files; a run's own files are there for seconds."""

PROCESSES_EVERY: Final = 10
"""Looks at files for one at processes."""

OTHERS: Final = ("hb-pg-",)
"""Folders of neighbours among ours, by how their names begin."""

_ESCAPE: Final = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_LETTERS: Final = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}


def traced(words: Sequence[str], into: Path) -> list[str]:
    """Return the command by which `words` are run and written down in `into`; the process
    is the program's own, and who traces it stands beside it."""
    return [
        *("strace", "-D", "-f", "-qq", "--seccomp-bpf", "-v", "-s", "1000000"),
        *("-e", "trace=execve,execveat", "-e", "signal=none", "-o", str(into), "--"),
        *words,
    ]


def executions(trace: Path) -> list[bytes]:
    """Return the lines of a trace, the texts in them as they were."""
    return [
        _ESCAPE.sub(_unescaped, line)
        for line in trace.read_bytes().splitlines()
        if b"execve" in line
    ]


def _unescaped(found: "re.Match[bytes]") -> bytes:
    said = found[1]
    if said[:1].isdigit():
        return bytes([int(said, 8) & 0xFF])
    return _LETTERS.get(said, said)


def environment() -> dict[str, str]:
    """Return what a service manager would start a process with, and nothing of ours."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
    }


PROGRAM = {str(Path(__file__).resolve().parents[3]), sys.prefix}
"""Folders of the program itself, wherever it was cloned to."""


class Watch:
    """Looks at files and processes, in a thread, until it is told to stop."""

    def __init__(
        self,
        sought: Sought,
        places: Sequence[Path],
        *,
        homes: Mapping[str, Sequence[str]],
    ) -> None:
        """
        :param places: folders in which nothing else is.
        :param homes: patterns of files, and the names of secrets that may stand in them.
        """
        self._sought = sought
        self._places = places
        self._homes = [(re.compile(each), names) for each, names in homes.items()]
        self._seen: dict[tuple[int, int, int, str], None] = {}
        self._contents: dict[bytes, str] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._turn = 0
        self.files = 0
        self.found: dict[str, None] = {}
        """What was found, as sentences, each once."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Look once more, and end."""
        self._stopped.set()
        self._thread.join()
        self.look()

    def _go_on(self) -> None:
        while not self._stopped.wait(LOOKS_SECONDS):
            self.look()

    def look(self) -> None:
        """Look at all there is now."""
        for path, known in self._files():
            self._read(path, known)
        # What they are started with is in the trace; this is for what they change later.
        self._turn += 1
        if self._turn % PROCESSES_EVERY == 0:
            for number in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
                for kind in ("cmdline", "environ"):
                    self._read_process(number, kind)

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        for place in self._places:
            for folder, below, names in os.walk(place):
                below[:] = [
                    one
                    for one in below
                    if not one.startswith(OTHERS) and f"{folder}/{one}" not in PROGRAM
                ]
                for name in names:
                    path = f"{folder}/{name}"
                    try:
                        known = os.lstat(path)
                    except OSError:
                        continue
                    if stat.S_ISREG(known.st_mode):
                        yield path, known

    def _read(self, path: str, known: os.stat_result) -> None:
        mark = (known.st_ino, known.st_mtime_ns, known.st_size, path)
        if mark in self._seen:
            return
        try:
            data = Path(path).read_bytes()
        except OSError:
            return
        self._seen[mark] = None
        self.files += 1
        self.read(path, data, mode=stat.S_IMODE(known.st_mode))

    def _read_process(self, number: str, kind: str) -> None:
        try:
            data = Path(f"/proc/{number}/{kind}").read_bytes()
        except OSError:
            return
        # Of a process that does not change it there is one text, however often it is seen.
        if data and data not in self._contents:
            self._contents[data] = kind
            self.read(kind, data)

    def read(self, place: str, data: bytes, *, mode: int = 0o777) -> None:
        """Look for secrets in `data`, which stands in a place."""
        for name in self._sought.found_in(data):
            if not self._is_home(place, name) or mode & 0o077:
                self.found.setdefault(f"{name} in {place} (mode {mode:o})")

    def _is_home(self, place: str, name: str) -> bool:
        return any(
            pattern.search(place) and (name in names or "*" in names)
            for pattern, names in self._homes
        )


def run(
    words: Sequence[str],
    *,
    told: Callable[[str, bytes], None],
    trace: Path,
    text: str = "",
    timeout_seconds: float = 120.0,
) -> "subprocess.CompletedProcess[bytes]":
    """Run a program to its end, traced; have `told` know what it said.

    :param text: what it reads from standard input.
    """
    done = subprocess.run(
        traced(words, trace),
        input=text.encode(),
        capture_output=True,
        check=False,
        env=environment(),
        timeout=timeout_seconds,
    )
    told(f"what {' '.join(words[:4])} printed", done.stdout + done.stderr)
    return done
