# SPDX-License-Identifier: Apache-2.0
"""What the gateways say together of how long hosts were silent, if it means anything now."""

import threading
from dataclasses import dataclass
from typing import Final

from hummingbird.db.repository import hearing as hearing_repository
from hummingbird.db.session import Connection
from hummingbird.domain.hearing import Hearing, Standstill
from hummingbird.evaluation.life_signs import LifeSigns

NOBODY: Final = "no gateway is listening"
OLDER: Final = "a gateway of a release before is listening"


@dataclass(frozen=True)
class Heard:
    """One look at what the gateways say."""

    hearing: Hearing | None
    """None: no silence means anything now."""
    deaf: str = ""
    """Why, where it is so."""


class Ears:
    """One observer's memory of whether the listening clock moves; threads may share it."""

    def __init__(self, *, fresh_seconds: float) -> None:
        """:param fresh_seconds: nobody listens when nothing was written for longer."""
        self._fresh_seconds = fresh_seconds
        self._lock = threading.Lock()
        self._standstill = Standstill()
        self._older = LifeSigns(lease_seconds=fresh_seconds)

    def listen(self, connection: Connection, *, monotonic: float) -> Heard:
        """Return what is known now.

        :param monotonic: the observer's own time, from before it is read.
        """
        said, older = hearing_repository.read_all(connection)
        with self._lock:
            stood = self._standstill.look(said.clock, monotonic=monotonic)
        if said.through is None or not said.is_anybody_listening():
            return Heard(None, NOBODY)
        # One that hears nothing writes less often, as its own allowance permits.
        waited = (one.gone_after for one in said.gateways.values())
        if stood > max(self._fresh_seconds, *waited):
            return Heard(None, NOBODY)
        # It hears hosts, and does not say when on the clock that all others go by: what
        # they say of these hosts may be long ago.
        if self._older.alive(older, asked_at=monotonic):
            return Heard(None, OLDER)
        return Heard(said)
