# SPDX-License-Identifier: Apache-2.0
"""The agents of a host: the real loops, with time, sockets, token and files given."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from agents.link.asking import ThreadedAsking
from agents.link.exchange import Gateway
from agents.link.session import TokenOpener
from agents.mtc_client.loop import Loop
from agents.sysinv_agent.gateway import Delivery, https_post
from agents.sysinv_agent.journal import Journal
from agents.sysinv_agent.loop import Loop as InventoryLoop
from tests.simulation.field import Field, Host
from tests.simulation.network import Datagrams
from tests.simulation.scheduler import Process
from tests.simulation.threads import park


@dataclass(frozen=True)
class Agents:
    """Begins the agents' processes."""

    field: Field
    folder: Path
    """For what the sysinv-agents keep."""

    def begin(self, host: Host, agent: str, process: Process) -> None:
        """Start one agent's process, if this host has it."""
        if agent == "mtc-client":
            self.field.scheduler.spawn(process, lambda: self._beat(host), name=agent)
        elif host.has_inventory:
            self.field.scheduler.spawn(process, lambda: self._report(host), name=agent)

    def _opener(self, host: Host, agent: str) -> tuple[TokenOpener, Gateway]:
        places = Gateway.parse(self.field.gateways, ca_file=Path("/nowhere"))
        token: Any = _TokenFile(self.field, host, agent)
        return TokenOpener(gateway=places, agent=agent, token_file=token), places

    def _beat(self, host: Host) -> None:
        opener, _ = self._opener(host, "mtc-client")
        loop = Loop(
            asking=ThreadedAsking(opener),
            transport=Datagrams(),
            boot_id=UUID(host.boot_id),
            uptime_seconds=lambda: _uptime(host),
            monotonic=host.machine.monotonic,
            rng=self._chance(host, "beats"),
        )
        while True:
            loop.step()

    def _report(self, host: Host) -> None:
        opener, places = self._opener(host, "sysinv-agent")
        rng, machine = self._chance(host, "reports"), host.machine
        folder = self.folder / host.name
        folder.mkdir(parents=True, exist_ok=True)

        def wall_ms() -> int:
            return int(machine.now().timestamp() * 1000)

        loop = InventoryLoop(
            collect=lambda: self.field.inventory(host),
            delivery=Delivery(
                opener=opener,
                send=https_post(places),
                transport=Datagrams(),
                boot_id=UUID(host.boot_id),
                uptime_seconds=lambda: _uptime(host),
                monotonic=machine.monotonic,
                wall_ms=wall_ms,
                rng=rng,
            ),
            journal=Journal(folder),
            monotonic=machine.monotonic,
            wall_ms=wall_ms,
            rng=rng,
        )
        while True:
            park(loop.step())

    def _chance(self, host: Host, what: str) -> Random:
        return Random(f"{host.boot_id}/{self.field.scheduler.now}/{what}")  # noqa: S311


@dataclass(frozen=True)
class _TokenFile:
    """What the kubelet keeps for a pod."""

    field: Field
    host: Host
    agent: str

    def read_text(self) -> str:
        return self.field.cluster.issue_token(
            node_name=self.host.name, service_account=self.agent
        )


def _uptime(host: Host) -> int:
    return int(host.machine.scheduler.now - host.booted_at) + 1
