# SPDX-License-Identifier: Apache-2.0
"""Bounds what Ansible takes in of a host's words. Used by program.py, in its process alone.

Ansible reads whatever a host prints into memory, parses it, keeps it and prints it. Here
a command's output ends at COMMAND_BYTES and all of a run's at RUN_BYTES: ssh is killed and
the task fails with a sentence. An answer nested deeper than DEPTH, or of more than PARTS, is
refused before it is parsed. What Ansible prints has an end, and no control characters, by
which a host could write events of ansible-runner.

Ansible has no setting for any of it, so its ssh plugin is given another `Popen`. Where that
plugin is made in another way than the one known here, nothing is run.
"""

import mmap
import os
import re
import select
import subprocess
import types
from collections.abc import Callable
from typing import IO, Any, Final

COMMAND_BYTES: Final = 1024 * 1024
"""Of one command's output. The longest of ours, the packages of a host, is 40 bytes for
each of some thousand."""

RUN_BYTES: Final = 4 * COMMAND_BYTES
"""Of all commands of a run. A byte of JSON becomes up to 25 of Python's objects."""

DEPTH: Final = 64
"""Of lists and mappings in each other; ours have at most five."""

PARTS: Final = 50_000
"""Of entries of lists and mappings; ours is one for each package. Ansible takes up to 0.1 ms
for each where a playbook goes through them."""

PRINTED: Final = 16_384
"""Characters of one thing that Ansible prints; the end is kept, as in event.py."""

_CHUNK: Final = 65_536
_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SIGN: Final = re.compile(rb"[][{},]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Meter:
    """What a run has taken in; shared with the processes that are forked from this one."""

    def __init__(
        self, *, command_bytes: int = COMMAND_BYTES, run_bytes: int = RUN_BYTES
    ) -> None:
        self._command_bytes = command_bytes
        self._run_bytes = run_bytes
        self._shared = mmap.mmap(-1, 8)
        self._taken = 0

    @property
    def taken(self) -> int:
        """Bytes that the whole run has taken in."""
        return int.from_bytes(self._shared[:8], "little")

    def begin(self) -> None:
        """A command begins."""
        self._taken = 0

    def take(self, count: int) -> bool:
        """Count bytes of output; return whether they are within both bounds."""
        self._taken += count
        # Tasks come one after the other (forks = 1), so nobody writes beside us.
        self._shared[:8] = (self.taken + count).to_bytes(8, "little")
        return not self.is_over()

    def is_over(self) -> bool:
        """Say whether the command, or the run, has said too much."""
        return self._taken > self._command_bytes or self.taken > self._run_bytes

    def sentence(self) -> str:
        """Say what there was too much of."""
        if self._taken > self._command_bytes:
            return f"The host printed more than {self._command_bytes} bytes at once."
        return f"The host printed more than {self._run_bytes} bytes in this run."


class _Pipe:
    """One end of ssh, read up to the bound: then ssh is killed, and there is no more."""

    def __init__(
        self, pipe: IO[bytes], *, meter: Meter, kill: Callable[[], None]
    ) -> None:
        self.pipe = pipe
        self._meter = meter
        self._kill = kill

    def fileno(self) -> int:
        return self.pipe.fileno()

    def close(self) -> None:
        self.pipe.close()

    def read(self) -> bytes:
        """Return what is there by now, at most a chunk; empty at the end."""
        if self._meter.is_over():
            return b""
        select.select([self.pipe], [], [])
        chunk = os.read(self.pipe.fileno(), _CHUNK)
        if not self._meter.take(len(chunk)):
            self._kill()
        return chunk


def popen(meter: Meter) -> type[subprocess.Popen[bytes]]:
    """Return a Popen whose output is counted by `meter`."""

    class Popen(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._whole = (self.stdout, self.stderr)
            for name in ("stdout", "stderr"):
                pipe = getattr(self, name)
                if pipe is not None:
                    setattr(self, name, _Pipe(pipe, meter=meter, kill=self.kill))

        def communicate(self, *args: Any, **options: Any) -> tuple[bytes, bytes]:
            """See subprocess. Only ssh's own words to this machine are read so."""
            self.stdout, self.stderr = self._whole
            return super().communicate(*args, **options)

    return Popen


def refusal(answer: bytes) -> str | None:
    """Return why a module's answer is not to be parsed, or None. Linear, whatever it is."""
    opened = answer.count(b"[") + answer.count(b"{")
    if opened <= DEPTH and opened + answer.count(b",") <= PARTS:
        return None
    parts = now = 0
    for sign in _SIGN.finditer(_TEXT.sub(b"", answer)):
        if sign[0] in b"]}":
            now -= 1
            continue
        now += sign[0] != b","
        parts += 1
        if now > DEPTH:
            return f"The host's answer is nested deeper than {DEPTH} levels."
        if parts > PARTS:
            return f"The host's answer has more than {PARTS} parts."
    return None


def printable(text: str) -> str:
    """Return what Ansible may print of `text`: without control characters, with an end."""
    if len(text) > PRINTED:
        text = "… " + text[-PRINTED:]
    return _CONTROL.sub("", text)


def install(meter: Meter) -> None:
    """Bound what this process's Ansible takes in.

    :raises RuntimeError: Ansible's ssh plugin is not as it is known here.
    """
    from ansible.errors import AnsibleError
    from ansible.plugins.connection import ssh
    from ansible.utils.display import Display

    known = {"subprocess", "Popen"} <= set(_names(ssh.Connection._bare_run))
    if not known or ssh.subprocess is not subprocess:
        raise RuntimeError("This Ansible reads hosts in a way that can't be bounded.")
    ssh.subprocess = types.SimpleNamespace(
        **{**vars(subprocess), "Popen": popen(meter)}
    )
    show = Display.display

    def bounded(act: Callable[..., Any]) -> Callable[..., Any]:
        def run(connection: Any, *args: Any, **options: Any) -> Any:
            meter.begin()
            done = act(connection, *args, **options)
            if meter.is_over():
                raise AnsibleError(meter.sentence())
            why = refusal(done[1])
            if why is not None:
                raise AnsibleError(why)
            return done

        return run

    def display(self: Any, msg: str, *args: Any, **options: Any) -> Any:
        return show(self, printable(msg), *args, **options)

    for name in ("exec_command", "put_file", "fetch_file"):
        setattr(ssh.Connection, name, bounded(getattr(ssh.Connection, name)))
    Display.display = display


def _names(function: Any) -> tuple[str, ...]:
    """Return the names that a function uses, below its decorators."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    closed = [cell.cell_contents for cell in function.__closure__ or ()]
    inner = [one for one in closed if isinstance(one, types.FunctionType)]
    return (
        *function.__code__.co_names,
        *(name for one in inner for name in _names(one)),
    )
