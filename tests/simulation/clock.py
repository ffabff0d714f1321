# SPDX-License-Identifier: Apache-2.0
"""The clocks that simulated processes are given: each has its machine's."""

from datetime import datetime
from typing import Any

from tests.simulation.scheduler import Machine
from tests.simulation.threads import active, current_process


class MachineClock:
    """Keeps the contract of hummingbird.clock.Clock with one machine's clocks."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def now(self) -> datetime:
        return self._machine.now()

    def monotonic(self) -> float:
        return self._machine.monotonic()

    def wait(self, event: Any, *, seconds: float) -> bool:
        active().pass_by("wait")
        return bool(event.wait(max(0.0, seconds)))


class ProcessClock(MachineClock):
    """The clocks of the machine of the process that asks."""

    def __init__(self) -> None:
        super().__init__(current_process().machine)
