# SPDX-License-Identifier: Apache-2.0
"""Runs the guarded program of one run, and hears it out.

Two streams: what it prints, of which the end is kept, and its events (channel.py). Both are a
stranger's, and neither fills this process's memory.
"""

import contextlib
import fcntl
import logging
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from hummingbird.adapters.ansible import channel

LOG = logging.getLogger(__name__)

Status = Literal["successful", "failed", "canceled"]

_LOOKS_FOR_CANCEL_SECONDS: Final = 0.5

_GUARD_ENDS_SECONDS: Final = 15.0
"""A little more than the guard gives the processes it kills."""

_CHUNK: Final = 65_536
_KEPT: Final = 16_384
"""Bytes of what was printed; a message has far less."""


@dataclass(kw_only=True)
class _Heard:
    """What came out of one run."""

    on_event: Callable[[Mapping[str, Any]], object]
    lines: channel.Lines = field(default_factory=channel.Lines)
    printed: bytes = b""

    def take(self, chunk: bytes, *, is_event: bool) -> None:
        """
        :raises channel.TooLong: no events are written.
        """
        if not is_event:
            self.printed = (self.printed + chunk)[-_KEPT:]
            return
        for event in self.lines.events(chunk):
            self.on_event(event)


def run(
    command: Sequence[str],
    *,
    directory: Path,
    environment: Mapping[str, str],
    guard_lock: Path,
    on_event: Callable[[Mapping[str, Any]], object],
    is_to_end: Callable[[], bool],
) -> tuple[Status, str]:
    """Run `command`, a guard's; return how it ended, and the end of what it printed.

    Nothing of it runs any more then. `is_to_end` is asked about twice a second.
    """
    heard = _Heard(on_event=on_event)
    with _started(command, directory, environment) as (process, events):
        try:
            ended = _hear(process, events, heard=heard, is_to_end=is_to_end)
            if ended is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_GUARD_ENDS_SECONDS)
        finally:
            # The guard's inner process sees that the outer one dies, and ends all.
            process.kill()
            _wait_for_guard(guard_lock)
        code = process.wait()
    if ended is None:
        ended = "successful" if code == 0 else "failed"
    return ended, heard.printed.decode(errors="replace")


@contextlib.contextmanager
def _started(
    command: Sequence[str], directory: Path, environment: Mapping[str, str]
) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    ours, theirs = os.pipe()
    try:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**environment, channel.VARIABLE: str(theirs)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs],
            start_new_session=True,
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    try:
        yield process, ours
    finally:
        os.close(ours)
        assert process.stdout is not None
        process.stdout.close()


def _hear(
    process: "subprocess.Popen[bytes]",
    events: int,
    *,
    heard: _Heard,
    is_to_end: Callable[[], bool],
) -> Status | None:
    """Hear a run out; return as what it is to be ended, or None: it has ended."""
    assert process.stdout is not None
    looks = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout.fileno(), selectors.EVENT_READ, False)
        selector.register(events, selectors.EVENT_READ, True)
        while selector.get_map():
            if time.monotonic() >= looks:
                looks = time.monotonic() + _LOOKS_FOR_CANCEL_SECONDS
                if is_to_end():
                    return "canceled"
            ready = selector.select(_LOOKS_FOR_CANCEL_SECONDS)
            if not ready and process.poll() is not None:
                # Somebody has outlived the guard, and holds a pipe open.
                return None
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fd)
                    continue
                try:
                    heard.take(chunk, is_event=key.data)
                except channel.TooLong:
                    LOG.error("A run wrote no events where events belong; it is ended")
                    return "failed"
    return None


def _wait_for_guard(lock: Path) -> None:
    """Wait until the guard has ended every process of the run."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(lock, flags)
    except FileNotFoundError:
        return
    try:
        deadline = time.monotonic() + _GUARD_ENDS_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.02)
    finally:
        os.close(descriptor)
    LOG.error("Processes of a playbook did not end within %s s", _GUARD_ENDS_SECONDS)
