# SPDX-License-Identifier: Apache-2.0
"""Faults of old, put in again while a simulation runs: it must find each of them."""

from collections.abc import Callable
from typing import Any

MUTANTS: dict[str, Callable[[], Any]] = {}
"""Name -> the context in which the product has the fault."""


def find(name: str) -> Callable[[], Any] | None:
    """Return the mutant of that name; None for none."""
    return MUTANTS[name] if name else None
