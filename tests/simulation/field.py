# SPDX-License-Identifier: Apache-2.0
"""The hosts out there: power, boots, kubelets, agents, and what is done to them.

A host is a state and the processes of its agents, which are the real ones. What happens
to it by itself (a boot takes its time, a node controller believes its kubelet dead after
a while) is scheduled here; nothing decides anything that the product decides.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from hummingbird.domain.node import UUID_LABEL
from tests.fakes.boards import FakeBoard, FakeBoards
from tests.fakes.cluster import FakeCluster
from tests.simulation.network import NETWORK, Network
from tests.simulation.scheduler import Machine, Process, Scheduler

NODE_GRACE_SECONDS: Final = 40.0
"""kube-controller-manager, --node-monitor-grace-period (before 1.32; 50 s since)."""
KUBELET_SECONDS: Final = 5.0
"""From a kubelet's word that its runtime is broken, or whole, to its node's condition."""
AGENTS: Final = ("mtc-client", "sysinv-agent")
PORT: Final = 22


@dataclass(eq=False)
class Host:
    """One small box."""

    name: str
    address: str
    mac: str
    machine: Machine
    site: str = ""
    has_power: bool = True
    is_up: bool = True
    """Its system runs: its SSH server answers, if the network lets it."""
    is_stopping: bool = False
    """It is on its way down, and answers yet."""
    boot_id: str = field(default_factory=lambda: str(uuid4()))
    booted_at: float = 0.0
    key: str = ""
    """Its SSH server's; a new one with each installation."""
    node_labels: dict[str, str] = field(default_factory=dict)
    """What its kubelet says of itself when it makes its node."""
    has_kubelet: bool = False
    """Provisioned: a kubelet with a certificate for its node."""
    is_broken: str = ""
    """"runtime": its node is not Ready, its agents beat. "agents": they hang."""
    healed_by: frozenset[str] = frozenset()
    """What puts that right: tags of recover.yml, "reset" for a board's."""
    agents: dict[str, Process] = field(default_factory=dict)
    board: FakeBoard | None = None
    board_address: str = ""
    plays: dict[int, str] = field(default_factory=dict)
    """Playbooks that are at work on it, by a number of each."""
    able_since: float = 0.0
    """Since when everything about the host and its way is as it should be."""
    ready_since: float | None = None
    """Since when its kubelet could say that all is well; None: it could not."""
    epoch: int = 0
    """Of its power: what was scheduled before the last change of it is void."""
    content: int = 0
    """Number of its inventory."""
    has_inventory: bool = False
    """Its sysinv-agent takes part, and not only its mtc-client."""

    def is_well(self) -> bool:
        """Whether it would be heard if the way is open."""
        return (
            self.is_up and self.has_kubelet and not self.is_broken and bool(self.agents)
        )


class Authority:
    """Stands for the cluster's signer: certificates are sentences."""

    certificate = "the authority of the cluster"

    def sign(self, request: str, *, hostname: str, lifetime: timedelta) -> str:
        """Return what the node of that name joins with."""
        return f"node {hostname}"

    def node_of(self, certificate: str) -> str | None:
        """Return whom a certificate speaks for."""
        return certificate.removeprefix("node ")


def node_key(hostname: str) -> tuple[str, str]:
    """Stands for keypair.make_node_key."""
    return "KEY", f"request of {hostname}"


class Field:
    """All hosts, their boards and the cluster that they are nodes of."""

    def __init__(
        self,
        scheduler: Scheduler,
        network: Network,
        cluster: FakeCluster,
        *,
        seed: str,
    ) -> None:
        self.scheduler = scheduler
        self.network = network
        self.cluster = cluster
        cluster._authority = Authority()  # type: ignore[assignment]
        self.boards = FakeBoards()
        self.hosts: dict[str, Host] = {}
        self.by_address: dict[str, Host] = {}
        self.random = random.Random(f"{seed}/field")  # noqa: S311
        self.gateways = ""
        """What the chart tells the agents; "": it is not installed."""
        self.api_is_away: Callable[[Host], bool] = lambda host: False
        """Whether a kubelet can't reach the API server."""
        self.begin_agent: Callable[[Host, str, Process], None] = lambda h, a, p: None
        self.on_act: Callable[[Host, str, str], None] = lambda h, what, by: None
        """Told of each thing that is done to a host: which, and by whom."""
        self.on_overlap: Callable[[Host, str], None] = lambda h, text: None
        self._plays = 0

    def add(self, name: str, address: str, mac: str, *, has_board: bool) -> Host:
        """Put up a box that nobody manages yet."""
        machine = Machine(name, self.scheduler)
        machine.offset = self.random.uniform(-2.0, 2.0)
        host = Host(name, address, mac, machine, key=self._new_key())
        self.hosts[name] = host
        self.by_address[address] = host
        self.network.add(address)
        if has_board:
            from hummingbird.adapters.bmc.board import Power

            board = address.replace("10.20.", "10.30.").replace("192.168.", "10.30.")
            host.board_address = board
            self.network.add(board)
            host.board = self.boards.add(board, power=Power.ON)
            host.board.on_power = lambda on: self.switch(host, on=on, by="its board")
        return host

    def _new_key(self) -> str:
        return f"host ssh-ed25519 {uuid4().hex}"

    # --- power ---------------------------------------------------------------------------

    def switch(self, host: Host, *, on: bool, by: str) -> None:
        """Give a host power, or take it."""
        if host.has_power == on:
            return
        host.has_power = on
        self.scheduler.note(f"{host.name}: power {'on' if on else 'off'} by {by}")
        if host.board is not None:
            from hummingbird.adapters.bmc.board import Power

            host.board.power = Power.ON if on else Power.OFF
        self._down(host)
        if on:
            self._boot(host)

    def reboot(self, host: Host, *, by: str, what: str = "reboot") -> None:
        """Have a host boot again, and note who did it."""
        self.on_act(host, what, by)
        if not host.has_power:
            return
        # What runs on it ends first; until then it answers, and says so.
        epoch = host.epoch
        host.is_stopping = True
        self.end_agents(host)

        def go() -> None:
            if host.epoch == epoch:
                self._down(host)
                self._boot(host)

        self.scheduler.at(self.random.uniform(0.0, 4.0), go)

    def install_anew(self, host: Host) -> None:
        """Somebody puts another image on a host: nothing of ours is left on it."""
        self._down(host)
        host.has_kubelet = False
        host.is_broken = ""
        host.key = self._new_key()
        if host.has_power:
            self._boot(host)

    def _down(self, host: Host) -> None:
        host.epoch += 1
        host.is_up = host.is_stopping = False
        host.able_since = float("inf")
        self.end_agents(host)
        self.settle_node(host)

    def _boot(self, host: Host) -> None:
        epoch = host.epoch
        seconds = self.random.uniform(15.0, 40.0)

        def up() -> None:
            if host.epoch != epoch:
                return
            host.is_up = True
            host.boot_id = str(uuid4())
            host.booted_at = self.scheduler.now
            self._heal(host, "boot")
            self.settle(host, seconds=self.random.uniform(3.0, 8.0))

        self.scheduler.at(seconds, up)

    # --- what runs on it -------------------------------------------------------------------

    def settle(self, host: Host, *, seconds: float = 1.0) -> None:
        """Have the kubelet start what it should, soon."""
        epoch = host.epoch

        def go() -> None:
            if host.epoch != epoch:
                return
            self.settle_node(host)
            if not host.is_up or not host.has_kubelet or host.agents:
                return
            if host.is_stopping:
                return
            if self.api_is_away(host) or not self.gateways:
                # A kubelet asks again and again.
                self.scheduler.at(5.0, go)
                return
            if self.cluster.node(host.name) is None:
                return
            self.start_agents(host)

        self.scheduler.at(seconds, go)

    def start_agents(self, host: Host) -> None:
        """Have the agents' pods run on a host."""
        self.end_agents(host)
        for agent in AGENTS:
            process = Process(f"{host.name}.{agent}", host.machine)
            process.facts[NETWORK] = self.network
            process.facts["address"] = host.address
            host.agents[agent] = process
            self.begin_agent(host, agent, process)
        if host.is_broken == "agents":
            self._hang(host)
        self.cluster.add_agents(host.name)
        self.touch(host)

    def end_agents(self, host: Host) -> None:
        """End them."""
        for process in host.agents.values():
            self.scheduler.kill(process)
        host.agents.clear()
        self.touch(host)

    def restart_agents(self, host: Host) -> None:
        """Do what a DaemonSet does whose template was changed."""
        if host.agents:
            self.end_agents(host)
            self.settle(host, seconds=self.random.uniform(1.0, 5.0))

    def break_down(self, host: Host, what: str, *, healed_by: frozenset[str]) -> None:
        """Have something on a host go wrong."""
        host.is_broken, host.healed_by = what, healed_by
        if what == "agents":
            self._hang(host)
        self.touch(host)
        self.settle_node(host)

    def _hang(self, host: Host) -> None:
        for process in host.agents.values():
            self.scheduler.freeze(process)

    def heal(self, host: Host, tag: str) -> None:
        """Do what a rung of recovery does to a host that is broken."""
        self._heal(host, tag)
        if tag == "restart_services" and host.has_kubelet:
            if self.cluster.node(host.name) is None and not self.api_is_away(host):
                self.cluster.join(
                    host.name, boot_id=host.boot_id, labels=host.node_labels
                )
            self.settle(host)

    def _heal(self, host: Host, tag: str) -> None:
        if not host.is_broken or tag not in host.healed_by:
            return
        self.scheduler.note(f"{host.name}: {host.is_broken} whole again by {tag}")
        host.is_broken = ""
        for process in host.agents.values():
            self.scheduler.thaw(process)
        self.touch(host)
        self.settle_node(host)

    def touch(self, host: Host) -> None:
        """Something about a host has changed: note since when it is as it should be."""
        port = self.network.ports[host.address]
        if not host.is_well() or not port.is_up or port.closed_udp:
            host.able_since = float("inf")
        elif host.able_since == float("inf"):
            host.able_since = self.scheduler.now

    # --- its node ----------------------------------------------------------------------------

    def settle_node(self, host: Host) -> None:
        """Let the node controller find out how a node is."""
        is_alive = host.is_up and host.has_kubelet and not self.api_is_away(host)
        is_ready = is_alive and host.is_broken != "runtime"
        if is_ready == (host.ready_since is not None):
            return
        host.ready_since = self.scheduler.now if is_ready else None
        since = host.ready_since
        seconds = KUBELET_SECONDS if is_alive else NODE_GRACE_SECONDS

        def believe() -> None:
            known = self.cluster.node(host.name)
            if host.ready_since != since or known is None:
                return
            self.cluster.set_ready(host.name, is_ready, boot_id=host.boot_id)

        self.scheduler.at(seconds, believe)

    def join(self, host: Host, *, certificate: str, uuid: str) -> None:
        """Do what kubeadm join does."""
        known = self.cluster.node(host.name)
        if host.has_kubelet and known is not None:
            return
        host.node_labels = {UUID_LABEL: uuid}
        self.cluster.join(
            host.name,
            certificate=certificate,
            labels=host.node_labels,
            boot_id=host.boot_id,
            ready=False,
            internal_ip=host.address,
        )
        host.has_kubelet = True
        host.ready_since = None
        self.settle(host, seconds=2.0)

    def leave(self, host: Host) -> None:
        """Do what retiring does on the host itself."""
        host.has_kubelet = False
        self.end_agents(host)
        self.settle_node(host)

    # --- who works on it -----------------------------------------------------------------------

    def begin_play(self, host: Host, text: str) -> int:
        """A playbook begins; return its number."""
        self._plays += 1
        if text.startswith("trace"):
            return self._plays  # touches nothing, and may stand beside others
        if host.plays:
            others = ", ".join(host.plays.values())
            self.on_overlap(host, f"{text} beside {others}")
        host.plays[self._plays] = text
        return self._plays

    def end_play(self, host: Host, number: int) -> None:
        """It has ended."""
        host.plays.pop(number, None)

    def inventory(self, host: Host) -> dict[str, Any]:
        """Return what its sysinv-agent finds."""
        return {
            "system": {"boot_id": host.boot_id, "hostname": host.name},
            "idisks": [{"device_node": "/dev/sda", "size_mib": 1000 + host.content}],
        }
