# SPDX-License-Identifier: Apache-2.0
"""What a conductor answers, and the way to one in the same process: a plain call.

`hummingbird up` needs no messages for its three parts. oslo.messaging, which speaks with
conductors elsewhere, is not even imported then: with all that comes along it would be a
fifth of the program's memory and of its start.
"""

from typing import Any, Final, Protocol

from hummingbird.conf import Conf

ONE_PROCESS: Final = "fake:"
"""Scheme of a transport that stays inside one process, in oslo.messaging's words."""


class Endpoint(Protocol):
    """What a conductor answers, to whoever asks; called from many threads."""

    def nudge(self, name: str) -> None:
        """Look at `name` soon: a reconciler, or "run" for queued runs."""

    def reconcilers(self) -> list[dict[str, Any]]:
        """Return the last report of each reconciler, as plain data."""


class InProcessConductor:
    """The conductor beside us, as `rpc/client.py` shows those that are elsewhere."""

    def __init__(self, endpoint: Endpoint, *, name: str) -> None:
        self._endpoint = endpoint
        self._name = name

    def nudge(self, name: str = "run") -> None:
        """Let it look at `name` soon: a reconciler, or "run" for runs."""
        self._endpoint.nudge(name)

    def reconcilers(self) -> list[dict[str, Any]]:
        """Return the last report of each of its reconcilers."""
        return self._endpoint.reconcilers()

    def ping(self) -> str:
        """Return its name."""
        return self._name

    def close(self) -> None:
        """Do nothing: there is no way to be closed."""


def is_in_process(conf: Conf) -> bool:
    """Whether API and conductor are one process, as [rpc]transport_url says."""
    return str(conf.rpc.transport_url).startswith(ONE_PROCESS)
