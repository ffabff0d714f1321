# SPDX-License-Identifier: Apache-2.0
"""The ladder: what is tried next, how often, and when it ends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hummingbird.domain.finding import Finding
from hummingbird.domain.recovery import HELP, Attempt, Decision, Limits, Rung, next_rung

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LOST = NOW - timedelta(minutes=50)
LIMITS = Limits()


def tried(
    rung: Rung, *, minutes_ago: float, took: float | None = 1.0, worked: bool = False
) -> Attempt:
    queued = NOW - timedelta(minutes=minutes_ago)
    ended = None if took is None else queued + timedelta(minutes=took)
    return Attempt(rung, queued, ended, worked)


def decide(
    *attempts: Attempt, lost_since: datetime = LOST, has_board: bool = False
) -> Decision:
    return next_rung(
        attempts, lost_since=lost_since, now=NOW, limits=LIMITS, has_board=has_board
    )


def test_first_the_services_are_restarted() -> None:
    assert decide().rung is Rung.RESTART_SERVICES


def test_then_the_host_is_rebooted() -> None:
    assert decide(tried(Rung.RESTART_SERVICES, minutes_ago=10)).rung is Rung.REBOOT


def test_a_run_under_way_is_waited_for() -> None:
    decision = decide(tried(Rung.RESTART_SERVICES, minutes_ago=10, took=None))
    assert (decision.rung, decision.given_up) == (None, False)


def test_a_rung_gets_time_to_take_effect() -> None:
    decision = decide(tried(Rung.RESTART_SERVICES, minutes_ago=1.5, took=1.0))
    assert (decision.rung, decision.given_up) == (None, False)
    decision = decide(tried(Rung.RESTART_SERVICES, minutes_ago=2.0, took=1.0))
    assert decision.rung is Rung.REBOOT


def test_two_reboots_are_ten_minutes_apart() -> None:
    restart = tried(Rung.RESTART_SERVICES, minutes_ago=20)
    assert decide(restart, tried(Rung.REBOOT, minutes_ago=9.9)).rung is None
    assert decide(restart, tried(Rung.REBOOT, minutes_ago=10)).rung is Rung.REBOOT


def test_after_two_reboots_it_is_given_up() -> None:
    decision = decide(
        tried(Rung.RESTART_SERVICES, minutes_ago=40),
        tried(Rung.REBOOT, minutes_ago=35),
        tried(Rung.REBOOT, minutes_ago=20),
    )
    assert decision.given_up
    assert "2 boots" in decision.reason
    assert decision.tried == (Rung.RESTART_SERVICES, Rung.REBOOT, Rung.REBOOT)


def test_a_host_that_was_given_up_stays_so_until_it_is_heard() -> None:
    attempts = (
        tried(Rung.RESTART_SERVICES, minutes_ago=60 * 50),
        tried(Rung.REBOOT, minutes_ago=60 * 49),
        tried(Rung.REBOOT, minutes_ago=60 * 48),
    )
    assert decide(*attempts, lost_since=NOW - timedelta(hours=51)).given_up
    heard = decide(*attempts, lost_since=NOW - timedelta(hours=1))
    assert heard.rung is Rung.RESTART_SERVICES


def test_each_further_reboot_comes_after_twice_as_long() -> None:
    limits = replace(LIMITS, max_boots=9, max_boots_per_day=9)
    before = (
        tried(Rung.RESTART_SERVICES, minutes_ago=200),
        tried(Rung.REBOOT, minutes_ago=190),
    )
    since = NOW - timedelta(minutes=201)
    for minutes, rung in ((19.9, None), (20, Rung.REBOOT)):
        last = tried(Rung.REBOOT, minutes_ago=minutes)
        decision = next_rung((*before, last), lost_since=since, now=NOW, limits=limits)
        assert decision.rung is rung


def test_a_host_that_is_lost_each_hour_is_booted_four_times_a_day() -> None:
    boots = [tried(Rung.REBOOT, minutes_ago=60 * n + 30) for n in range(1, 5)]
    restarted = tried(Rung.RESTART_SERVICES, minutes_ago=10)
    since = NOW - timedelta(minutes=12)
    assert decide(restarted, *boots, lost_since=since).given_up
    assert decide(restarted, *boots[:3], lost_since=since).rung is Rung.REBOOT


def test_a_new_loss_begins_at_the_first_rung() -> None:
    decision = decide(
        tried(Rung.RESTART_SERVICES, minutes_ago=30, worked=True),
        lost_since=NOW - timedelta(minutes=5),
    )
    assert decision.rung is Rung.RESTART_SERVICES


def test_a_host_that_is_lost_again_and_again_is_given_up() -> None:
    attempts = [
        tried(Rung.RESTART_SERVICES, minutes_ago=119 * (n + 1), worked=True)
        for n in range(12)
    ]
    decision = decide(*attempts, lost_since=NOW - timedelta(minutes=2))
    assert decision.given_up
    assert "12 attempts" in decision.reason


def test_each_finding_says_what_it_leaves_to_be_tried() -> None:
    assert HELP.keys() == set(Finding)


# --- with a board management controller ---------------------------------------------------

RESTARTED = tried(Rung.RESTART_SERVICES, minutes_ago=40)


def test_when_a_reboot_did_not_help_the_board_resets() -> None:
    reboot = tried(Rung.REBOOT, minutes_ago=15)
    assert decide(RESTARTED, reboot).rung is Rung.REBOOT
    assert decide(RESTARTED, reboot, has_board=True).rung is Rung.BOARD_RESET


def test_before_that_the_host_is_asked_to_reboot() -> None:
    assert decide(RESTARTED, has_board=True).rung is Rung.REBOOT


def test_a_reset_keeps_the_distance_of_reboots_and_counts_as_one() -> None:
    soon = decide(RESTARTED, tried(Rung.REBOOT, minutes_ago=9), has_board=True)
    assert (soon.rung, soon.without_ssh, soon.given_up) == (None, None, False)
    spent = decide(
        RESTARTED,
        tried(Rung.REBOOT, minutes_ago=30),
        tried(Rung.BOARD_RESET, minutes_ago=15),
        has_board=True,
    )
    assert (spent.rung, spent.without_ssh, spent.given_up) == (None, None, True)


@pytest.mark.parametrize(
    ("minutes", "instead"),
    [(4.9, None), (5, Rung.BOARD_RESET), (60, Rung.BOARD_RESET), (61, None)],
)
def test_without_ssh_the_board_resets_some_minutes_after_the_loss(
    minutes: float, instead: Rung | None
) -> None:
    lost_since = NOW - timedelta(minutes=minutes)
    decision = decide(lost_since=lost_since, has_board=True)
    assert (decision.rung, decision.without_ssh) == (Rung.RESTART_SERVICES, instead)
    assert decide(lost_since=lost_since).without_ssh is None


def test_without_ssh_it_does_so_once_in_a_loss() -> None:
    reset = tried(Rung.BOARD_RESET, minutes_ago=30)
    again = decide(reset, has_board=True)
    assert (again.rung, again.without_ssh) == (Rung.RESTART_SERVICES, None)
    later = decide(
        reset, lost_since=NOW - timedelta(minutes=20), has_board=True
    ).without_ssh
    assert later is Rung.BOARD_RESET
