# SPDX-License-Identifier: Apache-2.0
"""A conductor's fence falls by itself, once, and stays down."""

from hummingbird.clock import ManualClock
from hummingbird.conductor.fence import Fence


def test_it_stands_as_long_as_it_is_extended() -> None:
    clock = ManualClock()
    fence = Fence(clock)
    for _ in range(5):
        assert fence.extend(clock.monotonic() + 8.0)
        clock.advance(7.9)
        assert not fence.is_set()
    assert 0.0 < fence.seconds_left < 0.2


def test_it_falls_although_nobody_looks_at_it_and_stays_down() -> None:
    clock = ManualClock()
    fence = Fence(clock)
    fence.extend(8.0)
    clock.advance(8.0)
    assert not fence.extend(100.0), "what went on meanwhile is another's"
    assert fence.is_set()
    assert fence.seconds_left == 0.0


def test_a_step_of_the_wall_clock_is_nothing_to_it() -> None:
    clock = ManualClock()
    fence = Fence(clock)
    fence.extend(8.0)
    clock.step(1e6)
    assert not fence.is_set()


def test_who_waits_for_something_else_may_lower_it() -> None:
    fence = Fence(ManualClock())
    fence.set()
    assert fence.is_set()
    assert not fence.extend(1e9)
