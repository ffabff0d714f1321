# SPDX-License-Identifier: Apache-2.0
"""What a simulated conductor or gateway reaches its neighbours by: Kubernetes, boards, SSH,
its own links (Ansible and helm: playbook.py, helm.py). Each call takes time, may be where
its process ends, and goes to the hosts of `field`.

Each class stands for one of hummingbird/adapters and takes whatever that one is made with.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from hummingbird.adapters.bmc.board import BoardAccess, Order, Power
from hummingbird.adapters.kubernetes.cluster import NodeStatus
from hummingbird.domain.trace import Ssh
from hummingbird.errors import BoardUnavailable, KubernetesUnavailable
from tests.fakes.links import FakeLinks
from tests.simulation.field import Field
from tests.simulation.network import network_of
from tests.simulation.scheduler import Process
from tests.simulation.threads import active, current_process, current_task, park

FIELD: Final = "field"
KUBERNETES: Final = "kubernetes"


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
        uid: str,
        deadline: Callable[[], bool],
        on_event: Callable[[str], None],
    ) -> Any:
        active().pass_by("kubernetes.drain")
        if self._way.is_away(self._process):
            raise KubernetesUnavailable(message="connection refused")
        park(1.0)
        return self._cluster.drain(name, uid=uid, deadline=deadline, on_event=on_event)

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
