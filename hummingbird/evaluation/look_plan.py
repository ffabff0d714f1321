# SPDX-License-Identifier: Apache-2.0
"""When each of many hosts is looked at next, by the clock of who looks."""

from collections.abc import Collection, Iterable

from hummingbird.clock import Clock


class LookPlan:
    """The plan of one reconciler; for one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at: dict[int, float] = {}
        self._dark: dict[str, set[int]] = {}
        self._site: dict[int, str] = {}
        self._given_up: set[int] = set()

    def clear(self) -> None:
        """Plan nothing."""
        self._at.clear()
        self._dark.clear()
        self._site.clear()

    def drop(self, host_id: int) -> None:
        """Plan nothing for a host."""
        self._at.pop(host_id, None)
        site = self._site.pop(host_id, None)
        if site is not None:
            waiting = self._dark.get(site, set())
            waiting.discard(host_id)
            if not waiting:
                self._dark.pop(site, None)

    def put(self, host_ids: Iterable[int], *, in_seconds: float) -> None:
        """Plan to look at hosts."""
        at = self._clock.monotonic() + in_seconds
        self._at.update((host_id, at) for host_id in host_ids)

    def put_dark(self, host_id: int, site: str) -> None:
        """Plan to look at a host when its site is no longer dark."""
        self._dark.setdefault(site, set()).add(host_id)
        self._site[host_id] = site

    def dark_sites(self) -> set[str]:
        """Return the sites that somebody waits for."""
        return set(self._dark)

    def due(self, *, light: Collection[str]) -> set[int]:
        """Return the hosts whose time has come.

        :param light: the sites that are no longer dark.
        """
        now = self._clock.monotonic()
        found = {host_id for host_id, at in self._at.items() if at <= now}
        for site in light:
            found |= self._dark.pop(site, set())
        return found

    def turned(self, host_id: int, given_up: bool) -> bool:
        """Keep whether a host is given up; return whether that is news."""
        if (host_id in self._given_up) == given_up:
            return False
        (self._given_up.add if given_up else self._given_up.discard)(host_id)
        return True
