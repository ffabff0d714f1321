# SPDX-License-Identifier: Apache-2.0
"""The helm program, played: it lives on where who started it dies, and two of them get in
each other's way as two real ones do.
"""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from tests.simulation.adapters import KUBERNETES, KubernetesWay, field_of
from tests.simulation.pool import Queue
from tests.simulation.scheduler import Process
from tests.simulation.threads import active, current_process, park

_IN_PROGRESS: Final = "(install/upgrade/rollback) is in progress"


@dataclass(eq=False)
class HelmState:
    """The one release, as its secrets in the cluster have it."""

    status: str = ""
    """"": there is none."""
    description: str = ""
    revision: int = 0
    at: float = 0.0
    values: Mapping[str, Any] = field(default_factory=dict)
    changes: list[tuple[float, str]] = field(default_factory=list)


class Helm:
    """The helm program: it lives on where who started it dies."""

    def __init__(self, state: HelmState, *, on_change: Callable[[], None]) -> None:
        self._state = state
        self._on_change = on_change

    def run(
        self, argv: Sequence[str], *, timeout: float, **_: object
    ) -> subprocess.CompletedProcess[str]:
        """Stands for subprocess.run in adapters/helm/release.py."""
        scheduler, parent = active(), current_process()
        scheduler.pass_by("helm")
        done = Queue()
        child = Process(f"{parent.name}.helm", parent.machine)
        child.facts.update(parent.facts)
        values: Mapping[str, Any] = {}
        if "--values" in argv:
            file = Path(argv[argv.index("--values") + 1])
            values = json.loads(file.read_text())
        arguments = list(argv[1:])

        def work() -> None:
            done.put(self._work(arguments, values, by=parent))

        scheduler.spawn(child, work, name="helm")
        try:
            code, out, err = done.get(timeout=timeout)
        except Exception as error:
            raise subprocess.TimeoutExpired(list(argv), timeout) from error
        return subprocess.CompletedProcess(list(argv), code, out, err)

    def _work(
        self, argv: Sequence[str], values: Mapping[str, Any], *, by: Process
    ) -> tuple[int, str, str]:
        way: KubernetesWay = by.facts[KUBERNETES]
        state, chance = self._state, field_of(by).random
        park(0.2 + chance.random() * 0.3)
        if way.is_away(by):
            return 1, "", "Error: Kubernetes cluster unreachable: connection refused"
        if argv[0] == "status":
            return self._status(by)
        if argv[0] == "uninstall":
            state.status = ""
            return 0, "", ""
        if argv[0] == "rollback":
            state.status = "deployed"
            return 0, "", ""
        seen = state.status
        if seen.startswith("pending-"):
            return 1, "", f"Error: another operation {_IN_PROGRESS}"
        # What is between its look at the history and its first secret.
        park(chance.uniform(0.1, 0.8))
        if state.status != seen:
            return (
                1,
                "",
                (
                    "Error: release: already exists"
                    if not seen
                    else f"Error: another operation {_IN_PROGRESS}"
                ),
            )
        state.status = "pending-upgrade" if seen else "pending-install"
        state.at = active().now
        park(chance.uniform(1.0, 5.0))
        state.status, state.values = "deployed", values
        state.description = argv[argv.index("--description") + 1]
        state.revision += 1
        state.changes.append((active().now, state.description))
        self._on_change()
        return 0, "", ""

    def _status(self, by: Process) -> tuple[int, str, str]:
        state = self._state
        if not state.status:
            return 1, "", "Error: release: not found"
        at = by.machine.now() - timedelta(seconds=active().now - state.at)
        info = {
            "status": state.status,
            "description": state.description,
            "last_deployed": at.isoformat(),
        }
        return 0, json.dumps({"info": info}), ""
