# SPDX-License-Identifier: Apache-2.0
"""What the hosts of a real sysinv are called, as far as it was seen lately.

Best effort: between the look and the write somebody may add a host there, and what is not
known refuses nobody. Lists that pass by tell it for nothing.
"""

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final

from hummingbird.clock import Clock
from hummingbird.errors import AddressTaken, HostnameTaken, MacTaken

FRESH_SECONDS: Final = 15.0
"""How long a look counts: what was deleted there is free again soon."""


class NeighbourNames:
    """The names, shared by all threads of an API."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen_at: float | None = None
        self._taken: Mapping[tuple[str, str], str] = {}

    @property
    def is_fresh(self) -> bool:
        """Whether somebody looked a moment ago."""
        with self._lock:
            return self._is_fresh()

    def note(self, hosts: Iterable[Mapping[str, Any]]) -> None:
        """Remember these as all hosts that there are."""
        assert self._clock is not None
        taken = {
            (key, str(host[key]).lower()): str(host.get("hostname"))
            for host in hosts
            for key in ("hostname", "mgmt_mac", "mgmt_ip")
            if host.get(key)
        }
        with self._lock:
            self._taken = taken
            self._seen_at = self._clock.monotonic()

    def refuse_taken(
        self, *, hostname: str, mgmt_mac: str, mgmt_ip: str | None
    ) -> None:
        """See that no host there has one of these names.

        :raises HostnameTaken, MacTaken, AddressTaken: one has.
        """
        with self._lock:
            taken = self._taken if self._is_fresh() else {}
        if ("hostname", hostname.lower()) in taken:
            raise HostnameTaken(hostname=hostname)
        if ("mgmt_mac", mgmt_mac.lower()) in taken:
            raise MacTaken(mac=mgmt_mac)
        holder = taken.get(("mgmt_ip", (mgmt_ip or "").lower()))
        if holder is not None:
            raise AddressTaken(address=mgmt_ip, holder=holder)

    def _is_fresh(self) -> bool:
        if self._clock is None or self._seen_at is None:
            return False
        return self._clock.monotonic() - self._seen_at < FRESH_SECONDS
