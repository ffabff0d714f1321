# SPDX-License-Identifier: Apache-2.0
"""The replay window: each number once, whatever the order."""

import random

from hummingbird.wire.replay import WINDOW, ReplayWindow


def test_each_number_is_taken_once_in_any_order() -> None:
    window = ReplayWindow()
    numbers = list(range(1, 2000))
    # Late by less than the window, as a network reorders.
    rng = random.Random(1)  # noqa: S311
    numbers.sort(key=lambda number: number + rng.uniform(0, WINDOW / 2))
    assert all(window.take(number) for number in numbers)
    assert not any(window.take(number) for number in numbers)
    assert window.highest == 1999


def test_what_is_too_late_is_not_taken() -> None:
    window = ReplayWindow()
    assert window.take(1000)
    assert window.take(1000 - WINDOW + 1)
    assert not window.take(1000 - WINDOW)


def test_a_jump_forgets_nothing_that_counts() -> None:
    window = ReplayWindow()
    assert window.take(5)
    assert window.take(10**12)
    assert not window.take(5)
    assert window.take(10**12 - 1)
    assert not window.take(10**12 - 1)


def test_nothing_up_to_the_floor_is_taken() -> None:
    window = ReplayWindow(floor=100)
    assert not window.take(0)
    assert not window.take(100)
    assert not window.take(99)
    assert window.take(101)
    assert not window.take(100)


def test_a_raised_floor_holds() -> None:
    window = ReplayWindow()
    assert window.take(10)
    window.raise_floor(50)
    assert window.highest == 50
    assert not window.take(40)
    assert window.take(51)
    window.raise_floor(20)
    assert window.highest == 51
    assert not window.take(45)
