# SPDX-License-Identifier: Apache-2.0
"""Controllers and their processes: API, conductor and gateway, each as cmd/ wires it.

A process begins in its own thread with what its program's `main` does, ends by SIGTERM or
SIGKILL, and is started again by a supervisor after some seconds, as an operator's would.
What the product makes of its options, its database and its neighbours is its own; only
what is beyond the adapters is played.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import hummingbird.adapters.helm.release as helm_release
from agents.link import datagram
from hummingbird.adapters.ansible.runner import AnsibleRunner
from hummingbird.adapters.bmc.ipmi import IpmiBoards
from hummingbird.adapters.bmc.kind import BoardsByKind
from hummingbird.adapters.bmc.redfish import RedfishBoards
from hummingbird.adapters.kubernetes.cluster import KubernetesCluster
from hummingbird.adapters.netlink.hub import NetlinkHub
from hummingbird.adapters.netlink.link import NetlinkLinks, own_addresses
from hummingbird.adapters.netlink.vxlan import NetlinkBridges
from hummingbird.adapters.path.look import SystemPath
from hummingbird.adapters.pki.authority import first_certificate, make_authority
from hummingbird.adapters.ssh.probe import probe
from hummingbird.api.http.server import ApiService
from hummingbird.cmd import advertise, gateway
from hummingbird.cmd.conductor import Conductor
from hummingbird.cmd.deployment import adopt
from hummingbird.conf import Conf, new
from hummingbird.db.session import Database, Limits
from hummingbird.errors import HummingbirdError
from hummingbird.httpd.server import Server
from hummingbird.keypair import make_node_key
from hummingbird.tls import Certificate, ServerTls
from tests.fakes.bridges import FakeBridges
from tests.fakes.hub import FakeHub
from tests.simulation import adapters, helm, standins
from tests.simulation.agent import Agents
from tests.simulation.clock import ProcessClock
from tests.simulation.field import Field, Host, node_key
from tests.simulation.http import HttpServer
from tests.simulation.network import NETWORK, Network, has_way
from tests.simulation.playbook import Runner
from tests.simulation.scheduler import Machine, Process, Scheduler
from tests.simulation.store import DATABASE, TIMEOUT, DatabaseServer
from tests.simulation.threads import Event, park

KINDS: Final = ("api", "conductor", "gateway")
GATEWAY_PORT: Final = 2131
API_PORT: Final = 6385
TERM_SECONDS: Final = 60.0
"""A supervisor's patience with a process that was told to end."""
_CONTROLLER: Final = "controller"


class NoTls:
    """Stands for ServerTls."""

    def __init__(self, *_: object, **__: object) -> None:
        return

    def take_new_certificate(self) -> bool:
        return False


@dataclass(eq=False)
class Controller:
    """One machine of ours."""

    name: str
    address: str
    machine: Machine
    conf: Conf
    links: adapters.Links
    processes: dict[str, Process] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)
    """Kinds of processes that the supervisor keeps up."""
    refusals: dict[str, str] = field(default_factory=dict)
    """Why a process would not start, by kind."""

    def alive(self, kind: str) -> Process | None:
        """Return its process of a kind, if one runs."""
        found = self.processes.get(kind)
        return found if found is not None and found.is_alive else None

    def token(self) -> str:
        """Return the token that its API wants to see."""
        path = _state(self.conf) / "token"
        return path.read_text().strip() if path.exists() else ""


class Deployment:
    """All controllers."""

    def __init__(
        self,
        scheduler: Scheduler,
        network: Network,
        fields: Field,
        server: DatabaseServer,
        *,
        folder: Path,
        options: dict[str, dict[str, Any]],
        own_directories: bool = False,
    ) -> None:
        """:param own_directories: each controller has a state directory of its own."""
        self.scheduler = scheduler
        self.network = network
        self.field = fields
        self.server = server
        self.kubernetes = adapters.KubernetesWay()
        self.helm = helm.HelmState()
        self.controllers: dict[str, Controller] = {}
        self.rpc_is_away = False
        self.on_start: Callable[[Controller, str, Process], None] = lambda c, k, p: None
        self._folder = folder
        self._options = options
        self._own_directories = own_directories
        self._random = Random(f"{options}/deployment")  # noqa: S311
        fields.begin_agent = Agents(fields, folder / "agents").begin
        fields.api_is_away = self._is_cut_from_kubernetes

    # --- machines --------------------------------------------------------------------------

    def add(self, name: str, address: str, *, gateways: list[str]) -> Controller:
        """Put up a controller, its processes not started."""
        conf = new()
        conf([], project="hummingbird", default_config_files=[])
        folder = self._folder / (name if self._own_directories else "shared")
        folder.mkdir(parents=True, exist_ok=True)
        values: dict[str, dict[str, Any]] = {
            "DEFAULT": {"state_directory": str(folder), "controller_name": name},
            "gateway": {"advertise": gateways, "port": GATEWAY_PORT, "bind": address},
            "api": {"bind": address, "fm_port": 0, "port": API_PORT},
            "network": {"mn_cidr": "192.168.204.0/24"},
            "tunnel": {"check_forwarding": False},
            "agents": {"tag": "1"},
        }
        for part in (values, self._options):
            for group, options in part.items():
                for option, value in options.items():
                    where = None if group == "DEFAULT" else group
                    conf.set_override(option, value, group=where)
        links = adapters.Links.of_machine()
        links.add("mgmt0")
        for cidr in ("192.168.204.0/24", "10.20.0.0/16", "10.30.0.0/16"):
            links.add_route(cidr, link="mgmt0", source=address)
        self.network.add(address)
        machine = Machine(name, self.scheduler)
        found = Controller(name, address, machine, conf, links)
        self.controllers[name] = found
        return found

    def start(self, controller: Controller, kind: str) -> None:
        """Start a process, and keep it up from now on."""
        controller.wanted.add(kind)
        if controller.alive(kind) is not None:
            return
        process = Process(f"{controller.name}.{kind}", controller.machine)
        process.facts |= {
            NETWORK: self.network,
            DATABASE: self.server,
            adapters.FIELD: self.field,
            adapters.KUBERNETES: self.kubernetes,
            "links": controller.links,
            "address": controller.address,
            "term": Event(),
            TIMEOUT: Limits().answer,
            "began": self.scheduler.now,
            _CONTROLLER: controller,
        }
        controller.processes[kind] = process
        process.on_end.append(partial(self._ended, controller, kind))
        main = {
            "api": self._api,
            "conductor": self._conductor,
            "gateway": self._gateway,
        }
        self.scheduler.note(f"{process.name} starts")
        self.scheduler.spawn(
            process, lambda: self._main(process, kind, main[kind]), name="main"
        )
        self.on_start(controller, kind, process)

    def terminate(self, controller: Controller, kind: str) -> None:
        """Send SIGTERM, and SIGKILL to who does not heed it."""
        process = controller.alive(kind)
        if process is None:
            return
        self.scheduler.note(f"{process.name} gets SIGTERM")
        process.facts["term"].set()

        def insist() -> None:
            if process.is_alive:
                self.scheduler.note(f"{process.name} does not end; SIGKILL")
                self.scheduler.kill(process)

        self.scheduler.at(TERM_SECONDS, insist)

    def kill(self, controller: Controller, kind: str) -> None:
        """Send SIGKILL."""
        process = controller.alive(kind)
        if process is not None:
            self.scheduler.note(f"{process.name} gets SIGKILL")
            self.scheduler.kill(process)

    def _ended(self, controller: Controller, kind: str) -> None:
        def again() -> None:
            if kind in controller.wanted:
                self.start(controller, kind)

        self.scheduler.at(self._random.uniform(1.0, 6.0), again)

    def _main(
        self,
        process: Process,
        kind: str,
        main: Callable[[Controller, Database, Process], None],
    ) -> None:
        controller: Controller = process.facts[_CONTROLLER]
        park(0.5 + self._random.random())
        try:
            database = Database(
                self.server.url,
                pool_size=controller.conf.database.pool_size,
                busy_timeout_seconds=controller.conf.database.busy_timeout_seconds,
            )
            box = adopt(controller.conf, database, ProcessClock())
            process.facts["box"] = box
            main(controller, database, process)
            database.dispose()
        except (HummingbirdError, OSError) as error:
            controller.refusals[kind] = str(error)
            self.scheduler.note(f"{process.name} does not start: {error}")
        self.scheduler.note(f"{process.name} ends")
        self.scheduler.at(0.0, lambda: self.scheduler.kill(process))
        park(None)

    # --- what runs on them -----------------------------------------------------------------

    def _conductor(
        self, controller: Controller, database: Database, process: Process
    ) -> None:
        conf = controller.conf
        conductor = Conductor(conf, database, ProcessClock(), process.facts["box"])
        conductor.start()
        process.facts["service"] = conductor
        _until_told(process, conductor.service.ended)
        conductor.stop()

    def _gateway(
        self, controller: Controller, database: Database, process: Process
    ) -> None:
        service = gateway.build(controller.conf, database, ProcessClock())
        service.start()
        process.facts["service"] = service
        _until_told(process)
        service.stop()

    def _api(
        self, controller: Controller, database: Database, process: Process
    ) -> None:
        conf = controller.conf
        service = ApiService(
            conf,
            database,
            ProcessClock(),
            process.facts["box"],
            self._nudge,
            certificate=lambda: certificate(conf),
        )
        service.start()
        process.facts["service"] = service
        _until_told(process)
        service.stop()

    def _nudge(self, name: str) -> None:
        """Do what RPC does: hurry every conductor that is reached."""
        if self.rpc_is_away:
            return
        for controller in self.controllers.values():
            process = controller.alive("conductor")
            service = process.facts.get("service") if process is not None else None
            if process is None or service is None:
                continue
            call = partial(service.service.nudge, name)
            self.scheduler.at(0.002, partial(self._call, process, call))

    def _call(self, process: Process, call: Callable[[], None]) -> None:
        self.scheduler.spawn(process, call, name="rpc")

    # --- agents ------------------------------------------------------------------------------

    def released(self) -> None:
        """The chart was installed or changed: its DaemonSets start the agents anew."""
        said = self.helm.values["gateway"]
        port = said["port"]
        self.field.gateways = ",".join(
            f"{one}:{port}" for one in str(said["address"]).split(",")
        )
        for host in self.field.hosts.values():
            if host.agents:
                later = self._random.uniform(0.0, 20.0)
                self.scheduler.at(later, partial(self.field.restart_agents, host))
            else:
                self.field.settle(host, seconds=self._random.uniform(1.0, 4.0))

    def _is_cut_from_kubernetes(self, host: Host) -> bool:
        return "*" in self.kubernetes.away or not self.network.ports[host.address].is_up


def _state(conf: Conf) -> Path:
    return Path(conf.state_directory)


def _until_told(process: Process, *others: Any) -> None:
    """Wait for SIGTERM, or for one of `others`."""
    term: Event = process.facts["term"]
    while not term.is_set() and not any(one.is_set() for one in others):
        term.wait(1.0 if others else None)


def certificate(conf: Conf, *_: object) -> Certificate:
    """Stands for what cmd/advertise.py makes: an authority for each state directory."""
    folder = _state(conf) / "pki"
    folder.mkdir(exist_ok=True)
    path = folder / "ca.crt"
    if not path.exists():
        path.write_bytes(authority()[0])
    text = path.read_bytes()
    return Certificate(path, path, path, hashlib.sha256(text).hexdigest())


def authority(**_: object) -> tuple[bytes, bytes]:
    """Stands for the making of an authority."""
    return f"authority {os.urandom(8).hex()}".encode(), b"KEY"


def replacements() -> dict[object, object]:
    """Return what stands for the adapters of controllers."""
    return {
        AnsibleRunner: Runner,
        BoardsByKind: adapters.Boards,
        RedfishBoards: adapters.NoBoards,
        IpmiBoards: adapters.NoBoards,
        KubernetesCluster: adapters.ClusterClient,
        NetlinkLinks: adapters.Links,
        NetlinkHub: FakeHub,
        NetlinkBridges: FakeBridges,
        own_addresses: adapters.no_addresses,
        first_certificate: lambda pem: pem,
        make_authority: authority,
        make_node_key: node_key,
        datagram.has_way: has_way,
        SystemPath: adapters.LooksAtPath,
        probe: adapters.probe,
        advertise.gateway_certificate: certificate,
        ServerTls: NoTls,
        Server: HttpServer,
    }


def helm_program(deployment: Deployment) -> Any:
    """Return the context in which helm is played."""
    played = helm.Helm(deployment.helm, on_change=deployment.released)
    return standins.programs(helm_release, played.run)
