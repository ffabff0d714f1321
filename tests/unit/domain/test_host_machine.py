# SPDX-License-Identifier: Apache-2.0
"""The host's state machine, as a table: every pair once, no state without way in and out."""

import itertools

import pytest

from hummingbird.domain.host_machine import TABLE, Event, may, next_state
from hummingbird.domain.host_state import BUSY, UNLOCKED, WATCHED, HostState
from hummingbird.domain.run import RunKind, setback
from hummingbird.errors import TransitionRefused

ROWS = {(row.state, row.event): row.next for row in TABLE}
PAIRS = list(itertools.product(HostState, Event))


def test_no_pair_has_two_rows() -> None:
    assert len(ROWS) == len(TABLE)


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_each_pair_goes_where_its_row_says_or_is_refused(
    state: HostState, event: Event
) -> None:
    if (state, event) in ROWS:
        assert may(state, event)
        assert next_state(state, event, hostname="h") is ROWS[state, event]
        return
    assert not may(state, event)
    with pytest.raises(TransitionRefused) as refused:
        next_state(state, event, hostname="edge-0")
    assert "edge-0" in str(refused.value) and state.value in str(refused.value)


@pytest.mark.parametrize("event", Event)
def test_each_event_has_a_row(event: Event) -> None:
    assert any(row.event is event for row in TABLE)


def reachable(start: HostState) -> set[HostState]:
    seen, to_see = {start}, [start]
    while to_see:
        state = to_see.pop()
        for row in TABLE:
            if row.state is state and row.next not in seen:
                seen.add(row.next)
                to_see.append(row.next)
    return seen


def test_every_state_is_reached_from_added() -> None:
    assert reachable(HostState.ADDED) == set(HostState)


@pytest.mark.parametrize("state", HostState)
def test_every_state_can_be_left_for_retirement(state: HostState) -> None:
    assert HostState.RETIRING in reachable(state)


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize("state", sorted(BUSY))
def test_every_busy_state_has_a_way_out_for_a_run_that_fails(
    state: HostState, heard: bool
) -> None:
    events = {setback(kind, state, heard=heard) for kind in RunKind} - {None}
    assert len(events) == 1
    event = events.pop()
    assert event is not None
    assert next_state(state, event, hostname="h") not in BUSY


@pytest.mark.parametrize("state", sorted(set(HostState) - BUSY))
def test_a_run_that_fails_moves_no_host_that_is_not_its_own(state: HostState) -> None:
    assert {setback(kind, state, heard=True) for kind in RunKind} == {None}


@pytest.mark.parametrize("kind", RunKind)
def test_a_lock_takes_the_host_from_every_other_run(kind: RunKind) -> None:
    if kind not in (RunKind.LOCK, RunKind.FORCE_LOCK):
        assert setback(kind, HostState.LOCKING, heard=True) is None


def test_a_lock_that_fails_leaves_a_host_that_is_heard_in_service() -> None:
    for heard, state in ((True, HostState.ENABLED), (False, HostState.LOST)):
        event = setback(RunKind.LOCK, HostState.LOCKING, heard=heard)
        assert event is not None
        assert next_state(HostState.LOCKING, event, hostname="h") is state


def test_the_groups_are_what_their_names_say() -> None:
    assert WATCHED <= UNLOCKED
    assert HostState.LOCKED not in UNLOCKED
    assert all(may(state, Event.LOCK) for state in UNLOCKED - {HostState.LOCKING})
    assert not any(may(state, Event.LOCK) for state in set(HostState) - UNLOCKED)
