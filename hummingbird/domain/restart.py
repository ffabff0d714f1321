# SPDX-License-Identifier: Apache-2.0
"""What is tried on a host that is heard and whose node is not Ready.

Its services (kubelet, container runtime) are restarted, and nothing else: what runs there
may run well, and StarlingX's maintenance does no more for a process whose failure is major
(fm-doc events.yaml, 200.006: degrade). The first time after `limits.not_ready_for`, again
after `boot_gap` and then after twice as long, `max_restarts` times in all until the node is
Ready again, within the limit of attempts a day. Then a person is asked for.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hummingbird.domain.recovery import Attempt, Decision, Limits, Rung


def next_restart(
    attempts: Sequence[Attempt],
    *,
    since: datetime,
    unready_seconds: float,
    now: datetime,
    limits: Limits,
) -> Decision:
    """Return what to do about a host that is heard and whose node is not Ready.

    :param attempts: its recovery runs since then and of the last day, any order.
    :param since: when its node was first seen so.
    :param unready_seconds: for how long the one who decides has seen it so.
    """
    known = sorted(attempts, key=lambda attempt: attempt.queued_at)
    here = [one for one in known if one.queued_at >= since]
    tried = tuple(one.rung for one in here)
    of_day = sum(one.queued_at > now - limits.day for one in known)
    if known and known[-1].ended_at is None:
        return Decision(None, False, "a recovery run is under way", tried=tried)
    if len(here) >= limits.max_restarts:
        said = f"{len(here)} restarts since it is not Ready"
        return Decision(None, True, said, tried=tried)
    if of_day >= limits.max_attempts_per_day:
        said = f"{of_day} attempts within a day"
        return Decision(None, True, said, tried=tried)
    if unready_seconds < limits.not_ready_for.total_seconds():
        return Decision(None, False, "not Ready for too short a time", tried=tried)
    if here and now - here[-1].queued_at < _gap(len(here), limits=limits):
        return Decision(None, False, "too soon after the last restart", tried=tried)
    return Decision(Rung.RESTART_SERVICES, False, "its node is not Ready", tried=tried)


def _gap(number: int, *, limits: Limits) -> timedelta:
    gap: timedelta = limits.boot_gap * 2 ** (number - 1)
    return gap
