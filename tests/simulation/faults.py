# SPDX-License-Identifier: Apache-2.0
"""Makes the faults of a plan happen, and end."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.simulation.deployment import Controller, Deployment
from tests.simulation.field import Host
from tests.simulation.plan import Fault
from tests.simulation.scheduler import Process, Trap
from tests.simulation.store import Kind, Trouble


@dataclass(eq=False)
class Window:
    """When a fault was in force."""

    fault: Fault
    begin: float
    end: float = float("inf")


class Faults:
    """What may go wrong; each method that a `Fault.kind` names begins it, and returns what
    ends it."""

    def __init__(
        self, deployment: Deployment, *, on_change: Callable[[], None]
    ) -> None:
        """:param on_change: called after each beginning and end."""
        self.windows: list[Window] = []
        self._deployment = deployment
        self._scheduler = deployment.scheduler
        self._on_change = on_change

    def plan(self, fault: Fault) -> None:
        """Let a fault begin and end in its time."""
        self._scheduler.at(fault.at - self._scheduler.now, partial(self._begin, fault))

    def _begin(self, fault: Fault) -> None:
        self._scheduler.note(f"FAULT {fault.sentence().strip()}")
        end: Callable[[], None] | None = getattr(self, fault.kind)(fault)
        window = Window(fault, self._scheduler.now)
        self.windows.append(window)
        self._on_change()
        self._scheduler.at(fault.seconds, partial(self._end, window, end))

    def _end(self, window: Window, end: Callable[[], None] | None) -> None:
        window.end = self._scheduler.now
        if end is not None:
            end()
            self._scheduler.note(f"END OF {window.fault.sentence().strip()}")
        self._on_change()

    # --- whom ------------------------------------------------------------------------------

    def _place(self, target: str) -> tuple[Controller, str]:
        name, _, kind = target.partition(".")
        return self._deployment.controllers[name], kind

    def _process(self, target: str) -> Process | None:
        controller, kind = self._place(target)
        return controller.alive(kind)

    def _host(self, target: str) -> Host:
        return self._deployment.field.hosts[target]

    # --- processes -------------------------------------------------------------------------

    def kill(self, fault: Fault) -> None:
        self._deployment.kill(*self._place(fault.target))

    def terminate(self, fault: Fault) -> None:
        self._deployment.terminate(*self._place(fault.target))

    def freeze(self, fault: Fault) -> Callable[[], None] | None:
        process = self._process(fault.target)
        if process is None:
            return None
        self._scheduler.freeze(process)
        return partial(self._thaw, process)

    def _thaw(self, process: Process) -> None:
        if process.is_alive:
            self._scheduler.thaw(process)

    def trap(self, fault: Fault) -> None:
        process = self._process(fault.target)
        if process is None:
            return
        ends, _, what = fault.detail.partition(" ")

        def spring() -> None:
            if ends == "freeze":
                self._scheduler.freeze(process)
                self._scheduler.at(fault.seconds, partial(self._thaw, process))
            else:
                getattr(self._deployment, ends)(*self._place(fault.target))
            window = Window(fault, self._scheduler.now, self._scheduler.now)
            window.end += fault.seconds
            self.windows.append(window)
            self._on_change()
            self._scheduler.at(fault.seconds, self._on_change)

        process.traps.append(Trap(what, int(fault.amount), spring))

    def crash(self, fault: Fault) -> Callable[[], None]:
        """A controller loses its power."""
        controller = self._deployment.controllers[fault.target]
        wanted, controller.wanted = controller.wanted, set()
        for kind in wanted:
            self._deployment.kill(controller, kind)
        self._deployment.network.ports[controller.address].is_up = False

        def end() -> None:
            self._deployment.network.ports[controller.address].is_up = True
            for kind in sorted(wanted):
                self._deployment.start(controller, kind)

        return end

    def step(self, fault: Fault) -> None:
        """Wall clocks jump."""
        controllers = self._deployment.controllers
        if fault.target.startswith("edge"):
            self._host(fault.target).machine.offset += fault.amount
        elif fault.target:
            controllers[fault.target].machine.offset += fault.amount
        else:
            for controller in controllers.values():
                controller.machine.offset += fault.amount

    # --- the database ------------------------------------------------------------------------

    def database(self, fault: Fault) -> Callable[[], None]:
        def concerns(process: Process) -> bool:
            return process.name.startswith(fault.target)

        trouble = Trouble(Kind(fault.detail), concerns, seconds=2.0)
        self._deployment.server.begin(trouble)
        return partial(self._deployment.server.end, trouble)

    def spoil(self, fault: Fault) -> None:
        """The next commit of a process is undone, or its answer is lost."""
        self._deployment.server.spoilt[fault.target] = fault.detail

    # --- the network -------------------------------------------------------------------------

    def weather(self, fault: Fault) -> Callable[[], None]:
        weather = self._deployment.network.weather
        name = "late_seconds" if fault.detail == "late" else fault.detail
        setattr(weather, name, fault.amount)
        return partial(setattr, weather, name, 0.0)

    def link(self, fault: Fault) -> Callable[[], None]:
        """A controller's own link goes down."""
        controller = self._deployment.controllers[fault.target]
        port = self._deployment.network.ports[controller.address]
        port.is_up = False
        controller.links.set_up("mgmt0", False)

        def end() -> None:
            port.is_up = True
            controller.links.set_up("mgmt0", True)

        return end

    def cut(self, fault: Fault) -> Callable[[], None]:
        """One host and one controller don't reach each other."""
        controller = self._deployment.controllers[fault.detail]
        pair = frozenset((self._host(fault.target).address, controller.address))
        cuts = self._deployment.network.cuts
        cuts.add(pair)
        return partial(cuts.discard, pair)

    def site(self, fault: Fault) -> Callable[[], None]:
        """A whole site loses its uplink."""
        hosts = [
            host
            for host in self._deployment.field.hosts.values()
            if host.site == fault.target
        ]
        self._plug(hosts, is_up=False)
        return partial(self._plug, hosts, is_up=True)

    def unplug(self, fault: Fault) -> Callable[[], None]:
        """A host's cable is pulled."""
        hosts = [self._host(fault.target)]
        self._plug(hosts, is_up=False)
        return partial(self._plug, hosts, is_up=True)

    def _plug(self, hosts: list[Host], *, is_up: bool) -> None:
        for host in hosts:
            self._deployment.network.ports[host.address].is_up = is_up
        self._settle(hosts)

    def _settle(self, hosts: list[Host]) -> None:
        for host in hosts:
            self._deployment.field.touch(host)
            self._deployment.field.settle_node(host)

    def udp(self, fault: Fault) -> Callable[[], None]:
        """A firewall closes the gateway's UDP port to a host."""
        host = self._host(fault.target)
        port = self._deployment.network.ports[host.address]
        port.closed_udp = True
        self._deployment.field.touch(host)

        def end() -> None:
            port.closed_udp = False
            self._deployment.field.touch(host)

        return end

    # --- neighbours ----------------------------------------------------------------------------

    def kubernetes(self, fault: Fault) -> Callable[[], None]:
        way, name = self._deployment.kubernetes, fault.target or "*"
        way.away.add(name)
        self._settle_all()

        def end() -> None:
            way.away.discard(name)
            self._settle_all()

        return end

    def _settle_all(self) -> None:
        for host in self._deployment.field.hosts.values():
            self._deployment.field.settle_node(host)

    def stale(self, fault: Fault) -> Callable[[], None]:
        """What is read of nodes is as of now, for a while."""
        way = self._deployment.kubernetes
        way.stale_since = self._scheduler.now
        way.stale = self._deployment.field.cluster.nodes()

        def end() -> None:
            way.stale_since = None

        return end

    def rpc(self, fault: Fault) -> Callable[[], None]:
        self._deployment.rpc_is_away = True

        def end() -> None:
            self._deployment.rpc_is_away = False

        return end

    # --- hosts -----------------------------------------------------------------------------------

    def power(self, fault: Fault) -> Callable[[], None]:
        host = self._host(fault.target)
        self._deployment.field.switch(host, on=False, by="somebody")

        def end() -> None:
            self._deployment.field.switch(host, on=True, by="somebody")

        return end

    def reboot(self, fault: Fault) -> None:
        self._deployment.field.reboot(self._host(fault.target), by="somebody")

    def anew(self, fault: Fault) -> None:
        """Somebody installs a host anew."""
        self._deployment.field.install_anew(self._host(fault.target))

    def hang(self, fault: Fault) -> Callable[[], None]:
        """A host's agents hang."""
        heals = {
            "restart_services": {"restart_services", "boot"},
            "reboot": {"boot"},
            "reset": {"boot"},
        }
        host = self._host(fault.target)
        healed_by = frozenset({*heals[fault.detail], "end"})
        self._deployment.field.break_down(host, "agents", healed_by=healed_by)
        return partial(self._deployment.field.heal, host, "end")

    def unready(self, fault: Fault) -> Callable[[], None]:
        """A host's runtime breaks; its agents beat on."""
        host = self._host(fault.target)
        healed_by = frozenset({fault.detail, "end"})
        self._deployment.field.break_down(host, "runtime", healed_by=healed_by)
        return partial(self._deployment.field.heal, host, "end")

    def board(self, fault: Fault) -> Callable[[], None]:
        host = self._host(fault.target)
        if host.board is None:
            return lambda: None
        board = host.board
        board.is_away = True
        return partial(setattr, board, "is_away", False)
