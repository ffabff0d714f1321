# SPDX-License-Identifier: Apache-2.0
"""The recovery ladder: what to try next on a lost host, how often, when to stop.

Rungs in order: restart the services over SSH, reboot over SSH, and where the host has a
board management controller, a reset by that. In one loss, from a host's last word to its
next, services are restarted once and the host boots at most `max_boots` times, the second
time no sooner than `boot_gap` after the first and each later one after twice as long. Then
the host is given up until it is heard: what did not help twice is not what is broken. A
host that is lost again and again is bounded by the day. StarlingX's maintenance reboots
for heartbeat failures at most twice, 600 s apart (mtce.conf: retry interval, threshold).

Nothing is restarted before the way to the host was traced (`domain/trace.py`): where the
trace says that the way is broken, nothing on the host is, and the finding takes the rung's
place. On a host that does not answer by SSH only its board can do something: once in a
loss, `board_delay` after its last word. Nothing is tried on a host whose site is dark or
whose silence can't be told from our own deafness: the caller passes only hosts that are
lost by verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from hummingbird.domain.finding import Finding


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
    boot_gap: timedelta = timedelta(seconds=600)
    """Between the first and the second boot of a loss; doubled for each later one."""
    board_delay: timedelta = timedelta(seconds=300)
    """mtce.conf, bmc_reset_delay."""
    board_until: timedelta = timedelta(hours=1)
    """So long after the last word a board may still reset a host that does not answer;
    later it is more likely to be its network that is broken."""
    max_boots: int = 2
    """In one loss."""
    max_boots_per_day: int = 4
    max_attempts_per_day: int = 12
    day: timedelta = timedelta(hours=24)
    not_ready_for: timedelta = timedelta(seconds=300)
    """So long a node may be not Ready before its host's services are restarted (medik8s'
    node health check waits as long)."""
    max_restarts: int = 2
    """While it is not Ready."""


@dataclass(frozen=True)
class Decision:
    """What to do now: `rung`, or wait, or stop; `reason` says why in a sentence."""

    rung: Rung | None
    given_up: bool
    reason: str
    without_ssh: Rung | None = None
    """What to do instead where the host does not answer by SSH; None: wait."""
    tried: tuple[Rung, ...] = ()
    """What was tried in this loss, in order."""
    again_in: timedelta | None = None
    """After how long it may be another, though nothing happens; None: it stays."""


class Help(StrEnum):
    """What can help a host whose way was traced."""

    BY_SSH = "by_ssh"
    """The rungs that go over SSH."""
    BY_BOARD = "by_board"
    """It can't be logged in to: its board alone."""
    NONE = "none"
    """The way to it is broken, not the host: a restart would end what runs there for
    nothing."""


HELP: Final[Mapping[Finding, Help]] = {
    Finding.REACHED: Help.BY_SSH,
    Finding.AGENT_SILENT: Help.BY_SSH,
    Finding.HOST_SILENT: Help.BY_BOARD,
    Finding.SSH_HUNG: Help.BY_BOARD,
    Finding.SSH_REFUSED: Help.BY_BOARD,
    Finding.SSH_SILENT: Help.BY_BOARD,
    Finding.LOGIN_REFUSED: Help.BY_BOARD,
    Finding.KEY_NOT_PINNED: Help.BY_BOARD,
    Finding.ADDRESS_MISSING: Help.NONE,
    Finding.ROUTE_MISSING: Help.NONE,
    Finding.LINK_DOWN: Help.NONE,
    Finding.UNDERLAY_SILENT: Help.BY_BOARD,
    Finding.TUNNEL_NEW: Help.NONE,
    Finding.TUNNEL_NEVER_HEARD: Help.NONE,
    Finding.HANDSHAKE_OLD: Help.BY_BOARD,
    Finding.TUNNEL_UDP_BLOCKED: Help.NONE,
    Finding.UDP_BLOCKED: Help.NONE,
    Finding.MTU_BLACK_HOLE: Help.NONE,
    Finding.HOST_KEY_CHANGED: Help.NONE,
    Finding.KUBERNETES_UNREACHABLE: Help.NONE,
    Finding.GATEWAY_UNREACHABLE: Help.NONE,
    Finding.GATEWAY_UDP_BLOCKED: Help.NONE,
    # It held whoever looked at it, so that a login would be held too.
    Finding.UNFINISHED: Help.BY_BOARD,
}
"""What the finding of a trace leaves to be tried."""


def next_rung(
    attempts: Sequence[Attempt],
    *,
    lost_since: datetime,
    now: datetime,
    limits: Limits,
    has_board: bool = False,
) -> Decision:
    """Return what to try on a host that is lost since `lost_since`.

    :param attempts: its recovery runs, any order: those of this loss, and of the last day.
    :param has_board: whether it has a board management controller that we may use.
    """
    known = sorted(attempts, key=lambda attempt: attempt.queued_at)
    of_loss = [a for a in known if a.queued_at >= lost_since]
    tried = tuple(a.rung for a in of_loss)

    def decided(
        rung: Rung | None,
        reason: str,
        *,
        given_up: bool = False,
        instead: Rung | None = None,
    ) -> Decision:
        again_in = _again_in(known, of_loss, lost_since, now=now, limits=limits)
        return Decision(rung, given_up, reason, instead, tried, again_in)

    waits = _waits(known, now=now, limits=limits)
    if waits is not None:
        return decided(None, waits)
    spent = _spent(known, of_loss, now=now, limits=limits)
    may_boot = spent is None and not _too_soon(of_loss, now=now, limits=limits)
    by_board = has_board and may_boot and Rung.BOARD_RESET not in tried
    is_time = limits.board_delay <= now - lost_since <= limits.board_until
    instead = Rung.BOARD_RESET if by_board and is_time else None
    attempts_of_day = sum(a.queued_at > now - limits.day for a in known)
    if attempts_of_day >= limits.max_attempts_per_day:
        return decided(None, f"{attempts_of_day} attempts within a day", given_up=True)
    if Rung.RESTART_SERVICES not in tried:
        return decided(Rung.RESTART_SERVICES, "first rung", instead=instead)
    if spent is not None:
        return decided(None, spent, given_up=True)
    if not may_boot:
        return decided(None, "too soon after the last boot")
    if by_board and Rung.REBOOT in tried:
        return decided(
            Rung.BOARD_RESET, "to reboot it did not help", instead=Rung.BOARD_RESET
        )
    return decided(Rung.REBOOT, "restarting the services did not help", instead=instead)


def _again_in(
    known: Sequence[Attempt],
    of_loss: Sequence[Attempt],
    lost_since: datetime,
    *,
    now: datetime,
    limits: Limits,
) -> timedelta | None:
    """Return how long until one of the limits says otherwise; None: none will."""
    moments = [lost_since + limits.board_delay, lost_since + limits.board_until]
    moments += [a.queued_at + limits.day for a in known]
    moments += [a.ended_at + limits.settle for a in known if a.ended_at is not None]
    boots = [a for a in of_loss if a.rung in BOOTS]
    if boots:
        moments.append(boots[-1].queued_at + _gap(boots, limits=limits))
    return min((at - now for at in moments if at > now), default=None)


def _waits(known: Sequence[Attempt], *, now: datetime, limits: Limits) -> str | None:
    """Return why nothing may be tried yet, or None."""
    if not known:
        return None
    ended_at = known[-1].ended_at
    if ended_at is None:
        return "a recovery run is under way"
    if now - ended_at < limits.settle:
        return "waiting for the last attempt to take effect"
    return None


def _spent(
    known: Sequence[Attempt],
    of_loss: Sequence[Attempt],
    *,
    now: datetime,
    limits: Limits,
) -> str | None:
    """Return why the host may not be booted any more, or None."""
    in_loss = sum(a.rung in BOOTS for a in of_loss)
    if in_loss >= limits.max_boots:
        return f"{in_loss} boots since its last heartbeat"
    in_day = sum(a.rung in BOOTS for a in known if a.queued_at > now - limits.day)
    if in_day >= limits.max_boots_per_day:
        return f"{in_day} boots within a day"
    return None


def _too_soon(of_loss: Sequence[Attempt], *, now: datetime, limits: Limits) -> bool:
    boots = [a for a in of_loss if a.rung in BOOTS]
    if not boots:
        return False
    return now - boots[-1].queued_at < _gap(boots, limits=limits)


def _gap(boots: Sequence[Attempt], *, limits: Limits) -> timedelta:
    gap: timedelta = limits.boot_gap * 2 ** (len(boots) - 1)
    return gap
