# SPDX-License-Identifier: Apache-2.0
"""The recovery ladder: what to try next on a lost host, how often, when to stop.

Rungs in order: restart the services over SSH, reboot over SSH, and where the host has a
board management controller, a reset by that. Each is tried once per loss before the next;
a reboot or reset no sooner than `reboot_gap` after the last one and no more than
`max_reboots` times within the window, as StarlingX's maintenance does for heartbeat
failures (mtce.conf: retry interval 600 s, threshold 2). On a host that does not answer by
SSH only its board can do something: once in a loss, `board_delay` after its last word.
Nothing is tried on a host whose site is dark or whose silence can't be told from our own
deafness: the caller passes only hosts that are lost by verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Rung(StrEnum):
    """One thing to try."""

    RESTART_SERVICES = "restart_services"
    REBOOT = "reboot"
    BOARD_RESET = "board_reset"


BOOTS: Final = frozenset({Rung.REBOOT, Rung.BOARD_RESET})
"""Rungs that end what runs on the host; limited together."""


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
    board_delay: timedelta = timedelta(seconds=300)
    """mtce.conf, bmc_reset_delay."""
    max_reboots: int = 2
    max_attempts: int = 6
    window: timedelta = timedelta(hours=1)


@dataclass(frozen=True)
class Decision:
    """What to do now: `rung`, or wait, or stop; `reason` says why in a sentence."""

    rung: Rung | None
    given_up: bool
    reason: str
    without_ssh: Rung | None = None
    """What to do instead where the host does not answer by SSH; None: wait."""


def next_rung(
    attempts: Sequence[Attempt],
    *,
    lost_since: datetime,
    now: datetime,
    limits: Limits,
    has_board: bool = False,
) -> Decision:
    """Return what to try on a host that is lost since `lost_since`.

    :param attempts: its recovery runs, any order; those outside the window don't count.
    :param has_board: whether it has a board management controller that we may use.
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
    boots = [a for a in recent if a.rung in BOOTS]
    too_soon = bool(boots) and now - boots[-1].queued_at < limits.reboot_gap
    may_boot = len(boots) < limits.max_reboots and not too_soon
    by_board = has_board and may_boot and Rung.BOARD_RESET not in tried
    # Once more an hour later would be no better: it may be its network that is broken.
    is_time = limits.board_delay <= now - lost_since <= limits.window
    instead = Rung.BOARD_RESET if by_board and is_time else None
    if Rung.RESTART_SERVICES not in tried:
        return Decision(Rung.RESTART_SERVICES, False, "first rung", instead)
    if len(boots) >= limits.max_reboots:
        return Decision(None, True, f"{len(boots)} reboots within the window")
    if too_soon:
        return Decision(None, False, "too soon after the last reboot")
    if by_board and Rung.REBOOT in tried:
        return Decision(
            Rung.BOARD_RESET, False, "to reboot it did not help", Rung.BOARD_RESET
        )
    reason = "restarting the services did not help"
    return Decision(Rung.REBOOT, False, reason, instead)
