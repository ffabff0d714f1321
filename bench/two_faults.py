# SPDX-License-Identifier: Apache-2.0
"""What happens to one process, or to a whole controller, and how it ends."""

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from two_site import ROLES, Process, Site

from tests.fakes.tcp_proxy import Way

Deed = Callable[[Process], None]


@dataclass(frozen=True)
class Fault:
    """What is done to a process, and how that is undone."""

    strike: Deed
    heal: Deed
    answers: int | None = None
    """What the API says of its health meanwhile; None: nothing, it is not there."""


FAULTS: Final = {
    "killed": Fault(lambda p: p.end(signal.SIGKILL), lambda p: p.revive()),
    "stopped": Fault(lambda p: p.end(signal.SIGTERM), lambda p: p.revive()),
    "frozen": Fault(lambda p: p.send(signal.SIGSTOP), lambda p: p.send(signal.SIGCONT)),
    "database_reset": Fault(
        lambda p: p.proxy.turn(Way.RESET), lambda p: p.proxy.turn(Way.PASS), 503
    ),
    "database_silent": Fault(
        lambda p: p.proxy.turn(Way.SILENT), lambda p: p.proxy.turn(Way.PASS), 503
    ),
}


@dataclass(frozen=True)
class Scenario:
    """One fault of some processes of one controller."""

    name: str
    controller: int
    roles: tuple[str, ...]
    fault: Fault | None
    """None: the whole controller is cut off from hosts, and its links stay up."""

    @property
    def api_answers(self) -> int | None:
        """What the API of that controller says of its health meanwhile."""
        if self.fault is None:
            return None
        return self.fault.answers if "api" in self.roles else 200

    def strike(self, site: Site) -> None:
        """Let it happen."""
        if self.fault is None:
            site.network.connect(f"c{self.controller}", whole=False)
            return
        for one in self._processes(site):
            self.fault.strike(one)

    def heal(self, site: Site) -> None:
        """Let it be over."""
        if self.fault is None:
            site.network.connect(f"c{self.controller}", whole=True)
            return
        for one in self._processes(site):
            self.fault.heal(one)

    def _processes(self, site: Site) -> list[Process]:
        processes = site.controllers[self.controller].processes
        return [processes[role] for role in self.roles]


def _scenarios() -> Iterator[Scenario]:
    number = 0
    for role in (*ROLES, "controller"):
        for name, fault in FAULTS.items():
            roles = ROLES if role == "controller" else (role,)
            # In turn, so that who leads, and who is listened to, is hit as often as not.
            yield Scenario(f"{role}_{name}", number % 2, roles, fault)
            number += 1
    for controller in (0, 1):
        yield Scenario(f"controller_{controller}_cut_from_hosts", controller, (), None)


SCENARIOS: Final = tuple(_scenarios())
