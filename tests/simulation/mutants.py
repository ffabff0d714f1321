# SPDX-License-Identifier: Apache-2.0
"""Faults of old, put in again while a simulation runs: it must find each of them.

Each takes away, in the product as it is, the one thing that keeps a fault out.
`bench/simulation.py --mutants` runs each on a plan of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from hummingbird.conductor import boot
from hummingbird.db.repository import condition
from tests.simulation import plan
from tests.simulation.plan import CALM_SECONDS, WARM_SECONDS, Fault, Plan, Story

Context = Callable[[], Any]
"""Makes the context in which the product has a fault."""


@contextmanager
def _with(*parts: tuple[object, str, object]) -> Iterator[None]:
    """Have attributes of objects be others while the block runs."""
    with ExitStack() as stack:
        for where, name, value in parts:
            stack.callback(setattr, where, name, vars(where)[name])
            setattr(where, name, value)
        yield


def _unready() -> Any:
    """Have nobody see that a node is not Ready."""
    return _with(
        (condition, "not_ready", lambda connection: set()),
        (condition, "unready", lambda connection: []),
    )


def _twice() -> Any:
    """Have a run that goes on boot the host again, without asking which boot it is in."""
    return _with((boot, "has_booted", lambda task, way, *, since: False))


def _done() -> Any:
    """Have a run that goes on believe that the host was booted, without asking."""
    return _with((boot, "has_booted", lambda task, way, *, since: True))


@dataclass(frozen=True)
class Mutant:
    """A fault of old."""

    fault: str
    """Its number in doc/simulation.md, and what it was."""
    context: Context
    rules: frozenset[str]
    """Any of these finds it."""
    plan: Plan
    """A small one that is enough."""


def _plan(*faults: Fault, **other: Any) -> Plan:
    """Return ten minutes of 20 hosts, with nothing going wrong but that."""
    found = plan.make(1)
    made: dict[str, Any] = {
        "shape": "mutant",
        "seconds": 600.0 - WARM_SECONDS - CALM_SECONDS,
        "hosts": 20,
        "new_hosts": 1,
        "controllers": 2,
        "sites": 2,
        "stories": (),
        "with_inventory": 0,
        "faults": faults,
        **other,
    }
    options = {**found.options, **made.pop("options", {})}
    options["gateway"] = {**options["gateway"], "period_seconds": 10.0}
    options["gateway"] |= {"flush_seconds": 2.0}
    options["liveness"] = {"period_seconds": 4.0}
    return replace(found, options=options, **made)


def _story(*steps: str, host: str = "edge-1", at: float = 80.0) -> Story:
    return Story(at=at, host=host, steps=steps)


_AT: Final = WARM_SECONDS + 5.0
_RESET: Final = _story("lock", "reboot", at=_AT)
_CONDUCTORS: Final = tuple(f"controller-{n}.conductor" for n in (0, 1))
_BEFORE: Final = tuple(
    Fault(at=_AT, kind="trap", target=one, detail="kill playbook.recover", amount=1)
    for one in _CONDUCTORS
)
"""Killed when the play that boots the host begins: the first one was a look."""
_AFTER: Final = tuple(
    Fault(at=_AT + 32.0, kind="kill", target=one) for one in _CONDUCTORS
)
"""Killed while the host boots."""

MUTANTS: Final[dict[str, Mutant]] = {
    "unready": Mutant(
        "1 an unready node counts as healthy",
        _unready,
        frozenset({"unready", "untrue"}),
        _plan(
            Fault(
                at=_AT, kind="unready", target="edge-1", seconds=150.0, detail="nothing"
            )
        ),
    ),
    "twice": Mutant(
        "4 a power action is done twice",
        _twice,
        frozenset({"twice"}),
        _plan(*_AFTER, stories=(_RESET,)),
    ),
    "done": Mutant(
        "4 a power action is said to be done, and was not",
        _done,
        frozenset({"not done"}),
        _plan(*_BEFORE, stories=(_RESET,)),
    ),
}
"""By name."""


def find(name: str) -> Context | None:
    """Return the context of the mutant of that name; None for none."""
    return MUTANTS[name].context if name else None
