# SPDX-License-Identifier: Apache-2.0
"""The recovery ladder: what to try next on a lost host, how often, when to stop.

Rungs in order: restart the services over SSH, reboot over SSH. Each is tried once per
loss before the next; a reboot no sooner than `reboot_gap` after the last one and no more
than `max_reboots` times within the window, as StarlingX's maintenance does for heartbeat
failures (mtce.conf: retry interval 600 s, threshold 2). Nothing is tried on a host whose
site is dark or whose silence can't be told from our own deafness: the caller passes only
hosts that are lost by verdict and that answer on their SSH port.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Rung(StrEnum):
    """One thing to try."""

    RESTART_SERVICES = "restart_services"
    REBOOT = "reboot"


LADDER = (Rung.RESTART_SERVICES, Rung.REBOOT)


@dataclass(frozen=True)
class Attempt:
    """One recovery run of the past."""

    rung: Rung
    queued_at: datetime
    ended_at: datetime | None
    succeeded: bool


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How often recovery may act on one host."""

    settle: timedelta = timedelta(seconds=60)
    """After a rung, so long for a heartbeat to come before the next is tried."""
    reboot_gap: timedelta = timedelta(seconds=600)
    max_reboots: int = 2
    max_attempts: int = 6
    window: timedelta = timedelta(hours=1)


@dataclass(frozen=True)
class Decision:
    """What to do now: `rung`, or wait, or stop; `reason` says why in a sentence."""

    rung: Rung | None
    given_up: bool
    reason: str


def next_rung(
    attempts: Sequence[Attempt], *, lost_since: datetime, now: datetime, limits: Limits
) -> Decision:
    """Return what to try on a host that is lost since `lost_since`.

    :param attempts: its recovery runs, any order; those outside the window don't count.
    """
    recent = sorted(
        (a for a in attempts if a.queued_at > now - limits.window),
        key=lambda attempt: attempt.queued_at,
    )
    if recent and recent[-1].ended_at is None:
        return Decision(None, False, "a recovery run is under way")
    if recent:
        ended_at = recent[-1].ended_at
        if ended_at is not None and now - ended_at < limits.settle:
            return Decision(None, False, "waiting for the last attempt to take effect")
    if len(recent) >= limits.max_attempts:
        return Decision(None, True, f"{len(recent)} attempts within the window")
    tried = {a.rung for a in recent if a.queued_at >= lost_since}
    if Rung.RESTART_SERVICES not in tried:
        return Decision(Rung.RESTART_SERVICES, False, "first rung")
    reboots = [a for a in recent if a.rung is Rung.REBOOT]
    if len(reboots) >= limits.max_reboots:
        return Decision(None, True, f"{len(reboots)} reboots within the window")
    if reboots and now - reboots[-1].queued_at < limits.reboot_gap:
        return Decision(None, False, "too soon after the last reboot")
    return Decision(Rung.REBOOT, False, "restarting the services did not help")
