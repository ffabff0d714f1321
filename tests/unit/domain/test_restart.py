# SPDX-License-Identifier: Apache-2.0
"""A node that is not Ready: its services are restarted, twice, and nothing else."""

from datetime import UTC, datetime, timedelta

from hummingbird.domain.recovery import Attempt, Decision, Limits, Rung
from hummingbird.domain.restart import next_restart

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = Limits()


def restart(at: float, *, took: float | None = 30.0) -> Attempt:
    queued = SINCE + timedelta(seconds=at)
    ended = None if took is None else queued + timedelta(seconds=took)
    return Attempt(Rung.RESTART_SERVICES, queued, ended, False)


def decide(*attempts: Attempt, at: float) -> Decision:
    return next_restart(
        attempts,
        since=SINCE,
        unready_seconds=at,
        now=SINCE + timedelta(seconds=at),
        limits=LIMITS,
    )


def test_nothing_is_done_before_it_has_lasted() -> None:
    assert decide(at=299).rung is None
    assert decide(at=300).rung is Rung.RESTART_SERVICES


def test_a_second_restart_comes_later_and_then_a_person_is_asked_for() -> None:
    assert decide(restart(300), at=899).rung is None
    assert decide(restart(300), at=900).rung is Rung.RESTART_SERVICES
    last = decide(restart(300), restart(900), at=90_000)
    assert (last.rung, last.given_up) == (None, True)
    assert last.tried == (Rung.RESTART_SERVICES, Rung.RESTART_SERVICES)


def test_a_run_that_goes_on_is_waited_for() -> None:
    assert decide(restart(300, took=None), at=2000).rung is None


def test_a_host_that_is_not_ready_again_and_again_is_bounded_by_the_day() -> None:
    before = [restart(-3600.0 * hour) for hour in range(1, 13)]
    last = decide(*before, at=600)
    assert (last.rung, last.given_up) == (None, True)
    assert decide(*before[:11], at=600).rung is Rung.RESTART_SERVICES


def test_what_was_tried_before_it_was_ready_last_does_not_count() -> None:
    assert decide(restart(-7200), restart(-3600), at=600).tried == ()
