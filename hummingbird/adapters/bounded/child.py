# SPDX-License-Identifier: Apache-2.0
"""A program that speaks to a peer nobody trusts: it ends in time, and says so much at most.

It has a session of its own, so that what it started ends with it.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_PIECE: Final = 16 * 1024


@dataclass(frozen=True)
class Ended:
    """How a program ended: its status, and what it said."""

    returncode: int
    stdout: str
    stderr: str


class ChildLate(Exception):
    """It did not end in time, or said too much, and was killed."""


def run(
    argv: Sequence[str],
    *,
    seconds: float,
    most_bytes: int,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> Ended:
    """Run a program to its end.

    :param most_bytes: of both its outputs together.
    :raises ChildLate: it was killed.
    :raises OSError: it can't be started.
    """
    deadline = time.monotonic() + seconds
    with subprocess.Popen(
        list(argv),
        env=None if env is None else dict(env),
        pass_fds=pass_fds,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as child:
        try:
            out, err = _hear(child, deadline=deadline, most_bytes=most_bytes)
            code = child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise ChildLate(f"it did not come to an end in {seconds:g} s") from error
        finally:
            if child.returncode is None:
                os.killpg(child.pid, signal.SIGKILL)
    return Ended(code, out.decode(errors="replace"), err.decode(errors="replace"))


def _hear(
    child: "subprocess.Popen[bytes]", *, deadline: float, most_bytes: int
) -> tuple[bytearray, bytearray]:
    assert child.stdout is not None and child.stderr is not None
    said = (bytearray(), bytearray())
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ, said[0])
        selector.register(child.stderr, selectors.EVENT_READ, said[1])
        while selector.get_map():
            left = deadline - time.monotonic()
            ready = selector.select(left) if left > 0 else []
            if not ready:
                raise subprocess.TimeoutExpired(child.args, 0)
            for key, _ in ready:
                data = os.read(key.fd, _PIECE)
                key.data.extend(data)
                if not data:
                    selector.unregister(key.fileobj)
            if sum(len(one) for one in said) > most_bytes:
                raise ChildLate(f"it said more than {most_bytes} bytes")
    return said
