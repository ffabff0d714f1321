# SPDX-License-Identifier: Apache-2.0
"""What happens to one process, to a whole controller or to what both need, and how it ends."""

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from two_site import ROLES, Process, Site

from tests.fakes.tcp_proxy import Way

Deed = Callable[[Process], None]

AWAY_SECONDS: Final = 5.0
"""A restart of PostgreSQL takes so long, with what its start takes."""


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
    """Something that happens, and ends."""

    name: str
    controller: int
    """Whose; the other one is asked for what there is to do."""
    strike: Callable[[Site], None]
    heal: Callable[[Site], None]
    answers: int | None
    """What that controller's API says of its health meanwhile; None: that is left open."""
    is_shared: bool = False
    """Whether it happens to both: each API may say 503 for a moment."""


def _of_processes(name: str, controller: int, roles: tuple[str, ...]) -> Scenario:
    fault = FAULTS[name]

    def to_each(deed: Deed, site: Site) -> None:
        for role in roles:
            deed(site.controllers[controller].processes[role])

    return Scenario(
        name=f"{roles[0] if len(roles) == 1 else 'controller'}_{name}",
        controller=controller,
        strike=partial(to_each, fault.strike),
        heal=partial(to_each, fault.heal),
        answers=fault.answers if "api" in roles else 200,
    )


def _cut_from_hosts(controller: int) -> Scenario:
    """Return the one in which frames of a controller vanish, and its links stay up."""

    def connect(site: Site, *, whole: bool) -> None:
        site.network.connect(f"c{controller}", whole=whole)

    return Scenario(
        name=f"controller_{controller}_cut_from_hosts",
        controller=controller,
        strike=partial(connect, whole=False),
        heal=partial(connect, whole=True),
        answers=None,
    )


def _restart_postgresql(site: Site) -> None:
    site.postgresql.end()
    time.sleep(AWAY_SECONDS)
    site.postgresql.begin()


def _scenarios() -> Iterator[Scenario]:
    number = 0
    for roles in (*((role,) for role in ROLES), ROLES):
        for name in FAULTS:
            # In turn, so that who leads, and who is listened to, is hit as often as not.
            yield _of_processes(name, number % 2, roles)
            number += 1
    yield from (_cut_from_hosts(controller) for controller in (0, 1))
    yield Scenario(
        name="postgresql_restarted_twice",
        controller=0,
        strike=_restart_postgresql,
        heal=_restart_postgresql,
        answers=None,
        is_shared=True,
    )
    yield Scenario(
        name="rabbitmq_away",
        controller=1,
        strike=lambda site: site.broker.stop(),
        heal=lambda site: site.broker.start(),
        answers=200,
    )


SCENARIOS: Final = tuple(_scenarios())
