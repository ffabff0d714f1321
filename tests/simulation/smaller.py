# SPDX-License-Identifier: Apache-2.0
"""Makes a failing plan smaller: what it fails without is left out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tests.simulation.plan import Plan


def least(
    plan: Plan, fails: Callable[[Plan], bool], *, say: Callable[[str], None]
) -> Plan:
    """Return `plan` with as few of its faults and stories as it still fails with.

    Parts are left out by halves, then one by one, for as long as that helps.
    """
    for name in ("faults", "stories"):
        plan = _least_of(plan, name, fails, say=say)
    return plan


def _least_of(
    plan: Plan, name: str, fails: Callable[[Plan], bool], *, say: Callable[[str], None]
) -> Plan:
    size = max(1, len(getattr(plan, name)) // 2)
    while True:
        parts: Sequence[Any] = getattr(plan, name)
        for start in range(0, len(parts), size):
            left: Any = {name: (*parts[:start], *parts[start + size :])}
            smaller = replace(plan, **left)
            if fails(smaller):
                say(f"{name}: {len(getattr(smaller, name))} are enough")
                plan = smaller
                break
        else:
            if size == 1:
                return plan
            size = max(1, size // 2)
            continue
        size = min(size, max(1, len(getattr(plan, name)) // 2))
