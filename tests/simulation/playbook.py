# SPDX-License-Identifier: Apache-2.0
"""Ansible, played: a playbook is a process of its own that goes through its steps on a host
of `field`, with a guard that ends it with its conductor (adapters/ansible/guard.py).
"""

import base64
import queue
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from hummingbird.adapters.ansible.playbook import (
    HostAccess,
    PlaybookEvent,
    PlaybookResult,
)
from hummingbird.conductor.boot import BOOT_ID_FACT, LOOK_TAG, STOPPING_FACT
from hummingbird.domain.provisioning import CERTIFICATE_VARIABLE, UUID_VARIABLE
from hummingbird.errors import (
    HostKeyChanged,
    HostUnreachable,
    KubernetesRefused,
    RunFailed,
)
from tests.fakes.ansible_runner import STEPS
from tests.simulation.adapters import caller, field_of
from tests.simulation.field import Field, Host
from tests.simulation.pool import Queue
from tests.simulation.scheduler import Process
from tests.simulation.threads import active, current_process, park

GUARD_SECONDS: Final = 0.3
"""Until nothing of a playbook runs any more."""
LOOKS_FOR_CANCEL_SECONDS: Final = 0.5


@dataclass(eq=False)
class Play:
    """One playbook at work on one host, in a process of its own."""

    fields: Field
    host: Host
    name: str
    steps: Sequence[str]
    controller: str
    """Address of the machine that it runs on."""
    variables: Mapping[str, object]
    by: str
    news: Queue
    known_hosts: str | None
    targets: Sequence[str] = ()

    def run(self) -> None:
        """Do its steps; the last of its news is how it ended."""
        number = self.fields.begin_play(self.host, f"{self.name} by {self.by}")
        current_process().on_end.append(lambda: self.fields.end_play(self.host, number))
        try:
            self.news.put(self._play())
        finally:
            self.fields.end_play(self.host, number)

    def _play(self) -> PlaybookResult:
        changed = 0
        known = self.known_hosts or self.host.key
        park(1.0)
        if not self._is_reached():
            return self._unreachable(self.steps[0])
        if known != self.host.key:
            error = HostKeyChanged(hostname=self.host.name)
            return PlaybookResult(
                status="failed",
                message=str(error),
                error=error,
                failed_step=self.steps[0],
                known_hosts=known,
            )
        for step in self.steps:
            task = f"{step} task"
            self.news.put(PlaybookEvent(step=step, task=task, status="started"))
            park(self.fields.random.uniform(0.5, 4.0))
            if not self._is_reached():
                return replace(self._unreachable(step), known_hosts=known)
            failure = active().outside(partial(self._do, step)) or self._finish(step)
            if failure:
                message = f"{step}: {failure}"
                return PlaybookResult(
                    status="failed",
                    failed_step=step,
                    message=message,
                    error=RunFailed(step=step, message=message),
                    known_hosts=known,
                )
            changed += 1
            self.news.put(
                PlaybookEvent(
                    step=step,
                    task="Tell what it reaches" if step == "trace" else task,
                    status="changed",
                    message=" ".join(self.targets),
                    duration_seconds=1.0,
                )
            )
        return PlaybookResult(
            status="successful",
            changed=changed,
            ok=len(self.steps),
            known_hosts=known,
            facts=self._facts(),
        )

    def _facts(self) -> Mapping[str, str]:
        if LOOK_TAG not in self.steps:
            return {}
        return {
            BOOT_ID_FACT: self.host.boot_id,
            STOPPING_FACT: "yes" if self.host.is_stopping else "no",
        }

    def _is_reached(self) -> bool:
        network = self.fields.network
        return self.host.is_up and network.is_open(self.controller, self.host.address)

    def _unreachable(self, step: str) -> PlaybookResult:
        message = "no route to host"
        return PlaybookResult(
            status="unreachable",
            message=message,
            failed_step=step,
            error=HostUnreachable(
                hostname=self.host.name, address=self.host.address, message=message
            ),
        )

    def _do(self, step: str) -> str:
        """Have a step's effect on the host; return why it failed, or nothing."""
        fields, host = self.fields, self.host
        if step == "kubernetes_node":
            return self._join()
        if step == "restart_services":
            fields.on_act(host, step, self.by)
            fields.heal(host, step)
        elif step in ("reboot", "reset"):
            fields.reboot(host, by=self.by, what=step)
        elif step == "power_off":
            fields.on_act(host, step, self.by)
            fields.scheduler.at(1.0, lambda: fields.switch(host, on=False, by=self.by))
        elif step == "undo":
            fields.leave(host)
        return ""

    def _join(self) -> str:
        if self.fields.api_is_away(self.host):
            return "the API server does not answer"
        shown = base64.b64decode(str(self.variables[CERTIFICATE_VARIABLE])).decode()
        try:
            uuid = str(self.variables[UUID_VARIABLE])
            self.fields.join(self.host, certificate=shown, uuid=uuid)
        except KubernetesRefused as error:
            return str(error)
        return ""

    def _finish(self, step: str) -> str:
        """Wait for what a step waits for; return why it failed, or nothing."""
        if step not in ("reboot", "reset"):
            return ""
        for _ in range(300):
            park(2.0)
            if self._is_reached() and not self.host.is_stopping:
                return ""
        return "it did not come back"


class Runner:
    """Stands for AnsibleRunner, with its guards."""

    def __init__(self, *_: object, **__: object) -> None:
        self._life = ""
        self._until: dict[str, float] = {}

    def allow(self, life: str, seconds: float) -> None:
        self._life = life
        self._until[life] = active().now + seconds

    def _guard(self, child: Process, life: str) -> None:
        """End a playbook when its conductor's life may no longer work."""
        scheduler = active()

        def look() -> None:
            left = self._until.get(life, float("inf")) - scheduler.now
            if not child.is_alive or left == float("inf"):
                return
            if left <= 0:
                scheduler.note(f"{child.name} is ended by its guard")
                scheduler.kill(child)
            else:
                scheduler.at(min(left, 1.0), look)

        scheduler.at(0.0, look)

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
        **_: object,
    ) -> PlaybookResult:
        name = playbook.removesuffix(".yml")
        scheduler, parent = active(), current_process()
        scheduler.pass_by(f"playbook.{name}")
        fields = field_of(parent)
        news = Queue()
        child = Process(f"{parent.name}.ansible", parent.machine)
        steps = ("trace",) if name == "trace" else _steps(name, tags, variables)
        play = Play(
            fields,
            fields.hosts[hostname],
            name,
            steps,
            str(parent.facts["address"]),
            variables,
            caller(),
            news,
            access.known_hosts,
            _reached(fields, hostname, variables),
        )
        parent.children.append(child)
        deadline = scheduler.now + timeout_seconds
        scheduler.spawn(child, play.run, name=name)
        self._guard(child, self._life)
        try:
            return self._follow(
                child, news, on_event, should_cancel=should_cancel, deadline=deadline
            )
        finally:
            if child.is_alive:
                scheduler.at(0.0, lambda: scheduler.kill(child))
                if parent.is_alive:
                    scheduler.park(GUARD_SECONDS)
            if child in parent.children:
                parent.children.remove(child)

    def _follow(
        self,
        child: Process,
        news: Queue,
        on_event: Callable[[PlaybookEvent], None],
        *,
        should_cancel: Callable[[], bool],
        deadline: float,
    ) -> PlaybookResult:
        while True:
            try:
                said = news.get(timeout=LOOKS_FOR_CANCEL_SECONDS)
            except queue.Empty:
                said = None
            if isinstance(said, PlaybookResult):
                return said
            if said is not None:
                on_event(said)
            if not child.is_alive:
                message = "the playbook was ended"
                error = RunFailed(step="playbook", message=message)
                return PlaybookResult(status="failed", message=message, error=error)
            if active().now >= deadline:
                message = "the playbook took too long and was ended"
                error = RunFailed(step="playbook", message=message)
                return PlaybookResult(status="timeout", message=message, error=error)
            if should_cancel():
                return PlaybookResult(status="cancelled", message="cancelled")


def _steps(
    name: str, tags: Sequence[str], variables: Mapping[str, object]
) -> Sequence[str]:
    steps = [step for step in STEPS[name] if not tags or step in tags]
    return [
        step
        for step in steps
        if step not in ("tunnel", "vxlan") or variables.get(f"{step}_settings")
    ]


def _reached(
    fields: Field, hostname: str, variables: Mapping[str, object]
) -> Sequence[str]:
    """Return what a trace's playbook prints: yes or no for each target."""
    host = fields.hosts[hostname]
    targets = variables.get("trace_targets", ())
    assert isinstance(targets, list | tuple)
    return [
        "yes" if fields.network.is_open(host.address, str(one["host"])) else "no"
        for one in targets
    ]
