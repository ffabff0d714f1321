# SPDX-License-Identifier: Apache-2.0
"""The listening clock: how long a host has been silent, without anybody's wall clock.

All gateways of one database share a clock that moves only while one of them writes. It is
kept by them: at each write a gateway advances it by its own monotonic time since its last
write, and never behind what another has written. A moment on it is a number of seconds
from an arbitrary start. The rate is that of real time; steps of wall clocks, restarts and
machines that disagree on the hour change nothing. While no gateway writes the clock stands,
and so nobody's silence grows.

Each gateway writes beside it through when all that it heard is in the database. Silence is
told only up to the moment through which this is true of every gateway that may have heard
the host: no host is judged by beats that sit in somebody's memory. A gateway that no longer
writes is waited for as long as it says itself (`gone_after`: by then it has sent its agents
elsewhere, or is dead and they have gone); from then on it counts no more, and the
silence of the hosts that it heard last begins anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hummingbird.domain.heartbeat import Heartbeat


class Presence(StrEnum):
    """What is known of a gateway."""

    LISTENING = "listening"
    """It writes; or it stopped to a moment ago, and may have beats in memory."""

    ENDED = "ended"
    """It has said farewell: it hears nothing more, and has written all that it heard."""

    GONE = "gone"
    """It has not written for longer than it said, without a farewell: killed, frozen, or
    cut off from the database."""


@dataclass(frozen=True, kw_only=True)
class GatewayRecord:
    """What one gateway wrote of itself last; all but `gone_after` are moments."""

    name: str
    incarnation: str
    """Another one: it was started anew."""
    clock: float
    """When it wrote this."""
    listening_since: float
    """Since when it has listened without a break, and written what it heard in time."""
    complete: float
    """All that it heard up to then is in the database."""
    gone_after: float
    """Seconds after `complete` for which it is waited for."""
    farewell: bool = False


@dataclass(frozen=True)
class Hearing:
    """Through when, and from when, silence counts; made by `hearing_of`."""

    clock: float | None
    """The listening clock when somebody wrote last; None: no gateway ever has. It stands
    while none does: a reader that finds it unchanged for some seconds of its own
    monotonic time knows that nobody listens, or that nothing is written."""
    through: float | None
    """All that was heard by anybody up to then is known; None: nobody ever listened."""
    gateways: Mapping[str, GatewayRecord]
    presence: Mapping[str, Presence]
    _begins: Mapping[str, float] = field(default_factory=dict)

    def begins(self, gateway: str) -> float:
        """Return from when on the silence of a host counts whose last word this gateway
        heard: from its start, its farewell, or when it was given up.

        A name that nobody has any more, or "": from when the longest listening gateway
        began.
        """
        known = self._begins.get(gateway)
        if known is not None:
            return known
        listening = [
            record.listening_since
            for name, record in self.gateways.items()
            if self.presence[name] is Presence.LISTENING
        ]
        return min(listening, default=self.clock or 0.0)

    def age_seconds(self, beat: Heartbeat) -> float | None:
        """Return how long ago a heartbeat was heard, whatever its host's silence means;
        None: nobody can tell, since nobody listens, or it has no moment on the clock."""
        if (
            self.clock is None
            or beat.heard_seconds is None
            or not self.is_anybody_listening()
        ):
            return None
        return max(0.0, self.clock - beat.heard_seconds)

    def is_anybody_listening(self) -> bool:
        """Return whether there is a gateway that has neither ended nor gone."""
        return Presence.LISTENING in self.presence.values()

    def first_begins(self) -> float:
        """Return the moment before which nobody's silence counts."""
        return min(self._begins.values(), default=self.clock or 0.0)

    def silence_seconds(self, heard: float | None, *, gateway: str) -> float | None:
        """Return for how long a host has certainly been silent; None: nobody can tell.

        :param heard: its last word, on the listening clock; None: it is not known.
        :param gateway: which gateway heard it.
        """
        if self.through is None:
            return None
        since = self.begins(gateway)
        return max(0.0, self.through - (since if heard is None else max(heard, since)))


@dataclass(frozen=True)
class Moment:
    """When something was done, for whoever asks later what was heard after it, on this
    machine or on another one."""

    at: datetime
    """By the wall clock of whoever did it: for people, and where one of the two was not
    noted on the listening clock."""
    clock: float | None
    """On the listening clock, as it was written last; None: a release before noted it."""

    def is_before(self, beat: Heartbeat) -> bool:
        """Return whether a heartbeat was heard after it. One that was heard in the second
        before, and not yet written, may count as later too."""
        if self.clock is None or beat.heard_seconds is None:
            return beat.last_heard_at > self.at
        return beat.heard_seconds > self.clock


def hearing_of(records: Iterable[GatewayRecord]) -> Hearing:
    """Return what the gateways' own records say together."""
    gateways = {record.name: record for record in records}
    clock = max((record.clock for record in gateways.values()), default=None)
    if clock is None:
        return Hearing(None, None, {}, {})
    presence = {name: _presence(one, clock=clock) for name, one in gateways.items()}
    listening = [
        record.complete
        for name, record in gateways.items()
        if presence[name] is Presence.LISTENING
    ]
    return Hearing(
        clock=clock,
        # All have said farewell: what the last one wrote is all that there is.
        through=min(listening, default=clock),
        gateways=gateways,
        presence=presence,
        _begins={
            name: _begins(record, presence[name]) for name, record in gateways.items()
        },
    )


def _presence(record: GatewayRecord, *, clock: float) -> Presence:
    if record.farewell:
        return Presence.ENDED
    if clock - record.complete > record.gone_after:
        return Presence.GONE
    return Presence.LISTENING


def _begins(record: GatewayRecord, presence: Presence) -> float:
    if presence is Presence.LISTENING:
        return record.listening_since
    # Its agents go elsewhere: the allowance of its hosts starts anew.
    waited = record.gone_after if presence is Presence.GONE else 0.0
    return max(record.listening_since, record.complete + waited)


class Standstill:
    """For how long the listening clock has stood, as one reader sees it: by its own
    monotonic time, between its own looks."""

    def __init__(self) -> None:
        self._clock: float | None = None
        self._since: float | None = None

    def look(self, clock: float | None, *, monotonic: float) -> float:
        """Return for how many seconds at least it has said the same.

        :param clock: what it says now; None: nobody ever listened.
        """
        if self._since is None or clock != self._clock:
            self._clock, self._since = clock, monotonic
        return monotonic - self._since


class ListeningClock:
    """One gateway's hand on the shared clock."""

    def __init__(self) -> None:
        self._value: float | None = None
        self._at = 0.0

    def advance(self, *, shared: float, monotonic: float) -> float:
        """Return what the clock says now.

        :param shared: the highest value that anybody has written.
        :param monotonic: this process's own time.
        """
        own = shared if self._value is None else self._value + (monotonic - self._at)
        self._value, self._at = max(shared, own), monotonic
        return self._value

    def forget(self) -> None:
        """Go by what others wrote alone at the next `advance`."""
        self._value = None

    def at(self, monotonic: float) -> float:
        """Return what the clock said at a moment of this process's own time."""
        assert self._value is not None, "advance() comes first"
        return self._value - (self._at - monotonic)
