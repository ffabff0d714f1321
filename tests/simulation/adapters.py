# SPDX-License-Identifier: Apache-2.0
"""What a simulated conductor or gateway reaches its neighbours by: Kubernetes, Ansible,
helm, boards, SSH, its own links. Each call takes time, may be where its process ends, and
goes to the hosts of `field`.

Each class stands for one of hummingbird/adapters and takes whatever that one is made with.
"""

import base64
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from hummingbird.adapters.ansible.playbook import (
    HostAccess,
    PlaybookEvent,
    PlaybookResult,
)
from hummingbird.adapters.bmc.board import BoardAccess, Order, Power
from hummingbird.adapters.kubernetes.cluster import NodeStatus
from hummingbird.conductor.boot import BOOT_ID_FACT, LOOK_TAG, STOPPING_FACT
from hummingbird.domain.provisioning import CERTIFICATE_VARIABLE
from hummingbird.domain.trace import Ssh
from hummingbird.errors import (
    BoardUnavailable,
    HostKeyChanged,
    HostUnreachable,
    KubernetesRefused,
    KubernetesUnavailable,
    RunFailed,
)
from tests.fakes.ansible_runner import STEPS
from tests.fakes.links import FakeLinks
from tests.simulation.field import Field, Host
from tests.simulation.network import network_of
from tests.simulation.scheduler import Process
from tests.simulation.threads import Queue, active, current_process, current_task, park

FIELD: Final = "field"
KUBERNETES: Final = "kubernetes"
GUARD_SECONDS: Final = 0.3
"""Until nothing of a playbook runs any more (adapters/ansible/guard.py)."""
LOOKS_FOR_CANCEL_SECONDS: Final = 0.5


def field_of(process: Process) -> Field:
    """Return the hosts that a process has to do with."""
    found: Field = process.facts[FIELD]
    return found


def caller() -> str:
    """Return who calls: process and thread."""
    task = current_task()
    return f"{task.process.name} {task.name}" if task is not None else "somebody"


@dataclass(eq=False)
class KubernetesWay:
    """How Kubernetes is, for some or all processes."""

    away: set[str] = field(default_factory=set)
    """Names of processes that can't reach it; "*": nobody can."""
    stale_since: float | None = None
    """Its answers are as of then: a cache that does not follow."""
    stale: dict[str, NodeStatus] = field(default_factory=dict)

    def is_away(self, process: Process) -> bool:
        return "*" in self.away or process.name in self.away


_READS: Final = ("node", "nodes")


class ClusterClient:
    """Stands for KubernetesCluster."""

    def __init__(self, *_: object, **__: object) -> None:
        process = current_process()
        self._process = process
        self._cluster = field_of(process).cluster
        self._way: KubernetesWay = process.facts[KUBERNETES]

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._cluster, name)

        def reached(*args: Any, **named: Any) -> Any:
            scheduler = active()
            scheduler.pass_by(f"kubernetes.{name}")
            if self._way.is_away(self._process):
                scheduler.park(0.01)
                raise KubernetesUnavailable(message="connection refused")
            scheduler.park(0.002 + 0.02 * field_of(self._process).random.random())
            if name in _READS and self._way.stale_since is not None:
                return self._stale(name, *args)
            found = call(*args, **named)
            if name not in _READS:
                scheduler.pass_by(f"kubernetes.{name}.done")
            return found

        return reached

    def drain(
        self,
        name: str,
        *,
        deadline: Callable[[], bool],
        on_event: Callable[[str], None],
    ) -> Any:
        active().pass_by("kubernetes.drain")
        if self._way.is_away(self._process):
            raise KubernetesUnavailable(message="connection refused")
        park(1.0)
        return self._cluster.drain(name, deadline=deadline, on_event=on_event)

    def _stale(self, name: str, *args: Any) -> Any:
        return self._way.stale.get(args[0]) if name == "node" else dict(self._way.stale)


class Links(FakeLinks):
    """Stands for NetlinkLinks: the links of the machine that asks."""

    def __new__(cls, *_: object, **__: object) -> "Links":
        found: Links = current_process().facts["links"]
        return found

    def __init__(self, *_: object, **__: object) -> None:
        return

    @classmethod
    def of_machine(cls) -> "Links":
        """Return a new machine's links."""
        made = object.__new__(cls)
        FakeLinks.__init__(made)
        return made


def no_addresses() -> frozenset[str]:
    """Stands for own_addresses."""
    return frozenset()


def probe(address: str, *, port: int = 22, timeout_seconds: float) -> bool:
    """Stands for adapters.ssh.probe."""
    scheduler, process = active(), current_process()
    scheduler.pass_by("probe")
    host = field_of(process).by_address.get(address)
    here = str(process.facts["address"])
    if host is None or not network_of(process).is_open(here, address) or not host.is_up:
        park(timeout_seconds)
        return False
    park(0.02)
    return True


class LooksAtPath:
    """Stands for SystemPath."""

    def __init__(self, *_: object) -> None:
        return

    def ping(self, address: str, *, size: int | None = None) -> bool:
        return probe(address, timeout_seconds=1.0)

    def ssh(self, address: str, *, port: int) -> Ssh:
        return Ssh.ANSWERS if probe(address, timeout_seconds=4.0) else Ssh.SILENT

    def host_keys(self, address: str, *, port: int) -> tuple[str, ...]:
        host = field_of(current_process()).by_address.get(address)
        if host is None or not probe(address, timeout_seconds=4.0):
            return ()
        return (" ".join(host.key.split()[1:3]),)


class Boards:
    """Stands for BoardsByKind."""

    def __init__(self, *_: object, **__: object) -> None:
        self._field = field_of(current_process())

    def _ask(self, access: BoardAccess, what: str) -> None:
        scheduler, process = active(), current_process()
        scheduler.pass_by(f"board.{what}")
        here = str(process.facts["address"])
        if not network_of(process).is_open(here, access.address):
            park(5.0)
            raise BoardUnavailable(
                hostname=access.hostname, address=access.address, message="timed out"
            )
        park(0.1)

    def fingerprint(self, access: BoardAccess) -> str | None:
        self._ask(access, "fingerprint")
        return self._field.boards.fingerprint(access)

    def power(self, access: BoardAccess) -> Power:
        self._ask(access, "power")
        return self._field.boards.power(access)

    def order(self, access: BoardAccess, order: Order) -> None:
        self._ask(access, "order")
        host = self._field.hosts[access.hostname]
        self._field.on_act(host, f"board {order}", caller())
        active().outside(lambda: self._field.boards.order(access, order))
        active().pass_by("board.ordered")


class _NoBoards:
    """Stands for RedfishBoards and IpmiBoards."""

    def __init__(self, *_: object, **__: object) -> None:
        return


NoBoards: Final = _NoBoards


@dataclass(eq=False)
class _Play:
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
            fields.scheduler.at(
                1.0, lambda: fields.switch(host, on=False, by=self.by)
            )
        elif step == "undo":
            fields.leave(host)
        return ""

    def _join(self) -> str:
        if self.fields.api_is_away(self.host):
            return "the API server does not answer"
        shown = base64.b64decode(str(self.variables[CERTIFICATE_VARIABLE])).decode()
        try:
            self.fields.join(self.host, certificate=shown)
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
        play = _Play(
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
        import queue

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
            return 1, "", (
                "Error: release: already exists"
                if not seen
                else f"Error: another operation {_IN_PROGRESS}"
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


_IN_PROGRESS: Final = "(install/upgrade/rollback) is in progress"
