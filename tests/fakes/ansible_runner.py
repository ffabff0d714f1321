# SPDX-License-Identifier: Apache-2.0
"""A PlaybookRunner without hosts: it does what it was told to, at the speed it was told.

Keeps to the contract in tests/contract/test_playbook_runner.py. Thousands of runs cost
nothing; a run can be held at a step until the test lets it go on. Threads may share one.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hummingbird.adapters.ansible.playbook import (
    HostAccess,
    PlaybookEvent,
    PlaybookResult,
)
from hummingbird.clock import Clock, SystemClock
from hummingbird.errors import (
    BadRequest,
    HostKeyChanged,
    HostUnreachable,
    RunFailed,
)

STEPS: Mapping[str, tuple[str, ...]] = {
    "provision": (
        "node_config",
        "tunnel",
        "vxlan",
        "container_runtime",
        "kubernetes_node",
        "images",
        "agents",
    ),
    "recover": ("restart_services", "boot_look", "reset", "power_off", "reboot"),
    "retire": ("undo",),
    "tunnel": ("offer", "switch"),
    "verify": ("verify",),
    "vxlan": ("vxlan",),
}
"""The steps of the real playbooks."""

HOST_KEY = "fake ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFake"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one run is to go."""

    fail_at: str | None = None
    """The step whose task fails."""
    message: str = "told to fail"
    unreachable: bool = False
    key_changed: bool = False
    hangs_at: str | None = None
    """The step that goes on until the run is cancelled or timed out."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the playbook tells by set_stats."""
    on_success: Callable[[], None] | None = None
    """What happens when it has gone well."""
    changed: int | None = None
    """Default: one for each step the first time on a host, 0 after a success."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One run that was asked for."""

    playbook: str
    hostname: str
    access: HostAccess
    variables: Mapping[str, object] = field(repr=False)
    tags: tuple[str, ...]


class FakeRunner:
    """Does as scripted; without a script every run succeeds."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        steps: Mapping[str, Sequence[str]] = STEPS,
    ) -> None:
        self.calls: list[Call] = []
        self._clock = clock or SystemClock()
        self._steps = steps
        self._scripts: dict[tuple[str, str | None], list[Outcome]] = {}
        self._done: set[tuple[str, str]] = set()
        self._gates: dict[tuple[str, str], threading.Event] = {}
        self._arrived: dict[tuple[str, str], threading.Event] = {}
        self._lock = threading.Lock()

    def script(
        self, playbook: str, *outcomes: Outcome, hostname: str | None = None
    ) -> None:
        """Have the next runs of `playbook` (on `hostname`, or anywhere) go like that."""
        with self._lock:
            self._scripts.setdefault((playbook, hostname), []).extend(outcomes)

    def hold(self, hostname: str, step: str) -> None:
        """Stop the next run on `hostname` before `step`, until `release`."""
        with self._lock:
            self._gates[hostname, step] = threading.Event()
            self._arrived[hostname, step] = threading.Event()

    def wait_until_held(
        self, hostname: str, step: str, *, timeout_seconds: float = 90.0
    ) -> None:
        """Return when a run stands before `step`.

        :raises TimeoutError: none came.
        """
        if not self._arrived[hostname, step].wait(timeout_seconds):
            raise TimeoutError(f"no run on {hostname} came to {step}")

    def release(self, hostname: str, step: str) -> None:
        """Let the run that stands before `step` go on."""
        with self._lock:
            self._gates.pop((hostname, step)).set()

    def run(
        self,
        playbook: str,
        *,
        access: HostAccess,
        hostname: str,
        variables: Mapping[str, object],
        on_event: Callable[[PlaybookEvent], None],
        should_cancel: Callable[[], bool],
        timeout_seconds: float,
        tags: Sequence[str] = (),
        work_directory: Path | None = None,
    ) -> PlaybookResult:
        """Pretend; see PlaybookRunner."""
        name = playbook.removesuffix(".yml")
        if name not in self._steps:
            raise BadRequest(message=f"There is no playbook {playbook!r}.")
        deadline = self._clock.monotonic() + timeout_seconds
        outcome = self._next(name, hostname)
        with self._lock:
            self.calls.append(
                Call(
                    playbook=name,
                    hostname=hostname,
                    access=access,
                    variables=dict(variables),
                    tags=tuple(tags),
                )
            )
        steps = [step for step in self._steps[name] if not tags or step in tags]
        for step in ("tunnel", "vxlan"):
            if not variables.get(f"{step}_settings"):
                steps = [one for one in steps if one != step]
        early = self._refusal(outcome, access=access, hostname=hostname, step=steps[0])
        if early is not None:
            on_event(
                PlaybookEvent(
                    step=steps[0],
                    task=f"{steps[0]} task",
                    status="unreachable",
                    message=early.message or "",
                )
            )
            return early
        return self._go(
            name,
            steps,
            outcome,
            hostname=hostname,
            on_event=on_event,
            should_cancel=should_cancel,
            deadline=deadline,
            known_hosts=access.known_hosts or HOST_KEY,
        )

    def _next(self, playbook: str, hostname: str) -> Outcome:
        with self._lock:
            for key in ((playbook, hostname), (playbook, None)):
                if self._scripts.get(key):
                    return self._scripts[key].pop(0)
        return Outcome()

    def _refusal(
        self, outcome: Outcome, *, access: HostAccess, hostname: str, step: str
    ) -> PlaybookResult | None:
        if outcome.unreachable:
            message = "no route to host"
            refusal = PlaybookResult(
                status="unreachable",
                message=message,
                error=HostUnreachable(
                    hostname=hostname, address=access.address, message=message
                ),
            )
        elif outcome.key_changed:
            error = HostKeyChanged(hostname=hostname)
            refusal = PlaybookResult(status="failed", message=str(error), error=error)
        else:
            return None
        return replace(
            refusal,
            failed_step=step,
            failed_task=f"{step} task",
            known_hosts=access.known_hosts,
        )

    def _go(
        self,
        playbook: str,
        steps: Sequence[str],
        outcome: Outcome,
        *,
        hostname: str,
        on_event: Callable[[PlaybookEvent], None],
        should_cancel: Callable[[], bool],
        deadline: float,
        known_hosts: str,
    ) -> PlaybookResult:
        changed = ok = 0
        fresh = (playbook, hostname) not in self._done
        for step in steps:
            task = f"{step} task"
            if (hostname, step) in self._gates:
                self._stand_before(hostname, step, should_cancel=should_cancel)
            on_event(PlaybookEvent(step=step, task=task, status="started"))
            ended = self._end_at(
                step,
                outcome,
                on_event=on_event,
                should_cancel=should_cancel,
                deadline=deadline,
            )
            if ended is not None:
                return replace(ended, changed=changed, ok=ok, known_hosts=known_hosts)
            ok += 1
            changed += fresh
            on_event(
                PlaybookEvent(
                    step=step,
                    task=task,
                    status="changed" if fresh else "ok",
                    duration_seconds=0.0,
                )
            )
        if outcome.on_success is not None:
            outcome.on_success()
        with self._lock:
            self._done.add((playbook, hostname))
            if playbook == "retire":
                self._done.discard(("provision", hostname))
        return PlaybookResult(
            status="successful",
            changed=changed if outcome.changed is None else outcome.changed,
            ok=ok,
            facts=outcome.facts,
            known_hosts=known_hosts,
        )

    def _end_at(
        self,
        step: str,
        outcome: Outcome,
        *,
        on_event: Callable[[PlaybookEvent], None],
        should_cancel: Callable[[], bool],
        deadline: float,
    ) -> PlaybookResult | None:
        """Return how the run ends at `step`, or None where it goes on."""
        while outcome.hangs_at == step:
            if should_cancel() or self._clock.monotonic() >= deadline:
                break
            self._clock.wait(threading.Event(), seconds=0.05)
        if should_cancel():
            return PlaybookResult(status="cancelled", message="cancelled")
        if self._clock.monotonic() >= deadline:
            message = "the playbook took too long and was ended"
            return PlaybookResult(
                status="timeout",
                message=message,
                error=RunFailed(step=step, message=message),
            )
        if outcome.fail_at != step:
            return None
        task, message = f"{step} task", outcome.message
        on_event(PlaybookEvent(step=step, task=task, status="failed", message=message))
        return PlaybookResult(
            status="failed",
            failed_step=step,
            failed_task=task,
            message=message,
            error=RunFailed(step=step, message=message),
        )

    def _stand_before(
        self, hostname: str, step: str, *, should_cancel: Callable[[], bool]
    ) -> None:
        gate = self._gates[hostname, step]
        self._arrived[hostname, step].set()
        while not gate.wait(0.05):
            if should_cancel():
                return
