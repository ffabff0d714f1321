# SPDX-License-Identifier: Apache-2.0
"""The way to conductors elsewhere; imports oslo.messaging only where there is one."""

from typing import TYPE_CHECKING

from hummingbird.conf import Conf
from hummingbird.rpc.endpoint import is_in_process

if TYPE_CHECKING:
    from hummingbird.rpc.client import ConductorClient


def conductors(conf: Conf) -> "ConductorClient":
    """Return what speaks with whichever conductors there are."""
    # Half a second of imports and 30 MB: only who calls elsewhere pays.
    from hummingbird.rpc.client import ConductorClient
    from hummingbird.rpc.transport import open_transport

    return ConductorClient(
        open_transport(conf), timeout_seconds=conf.rpc.timeout_seconds
    )


class Peers:
    """All conductors, this one too, as one of them nudges them."""

    def __init__(self, conf: Conf) -> None:
        self._client = None if is_in_process(conf) else conductors(conf)

    def nudge(self, name: str) -> None:
        """Let each look at `name` soon; nobody, where this is the only one."""
        if self._client is not None:
            self._client.nudge(name)

    def close(self) -> None:
        """Send no more nudges."""
        if self._client is not None:
            self._client.close()
