# SPDX-License-Identifier: Apache-2.0
"""`hummingbird-conductor`: runs and reconcilers, until SIGTERM or SIGINT.

Wires the conductor to its neighbours; `hummingbird up` uses the same wiring. A
Kubernetes, a message broker or a network that is away stops nothing here: what needs
them says so.
"""

import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from hummingbird import __version__, core_dump
from hummingbird.adapters.bmc.ipmi import IpmiBoards
from hummingbird.adapters.bmc.kind import BoardsByKind
from hummingbird.adapters.bmc.redfish import RedfishBoards
from hummingbird.adapters.helm.release import HelmRelease
from hummingbird.adapters.kubernetes import kubeconfig
from hummingbird.adapters.kubernetes.cluster import KubernetesCluster
from hummingbird.adapters.netlink.forwarding import SystemForwarding
from hummingbird.adapters.netlink.link import NetlinkLinks, own_addresses
from hummingbird.adapters.path.look import SystemPath
from hummingbird.adapters.ssh.probe import probe
from hummingbird.clock import Clock, SystemClock
from hummingbird.cmd.advertise import (
    gateway_addresses,
    gateway_certificate,
    gateway_endpoints,
)
from hummingbird.cmd.bootstrap import (
    open_database,
    setup_logging,
    wait_for_signal,
)
from hummingbird.cmd.deployment import adopt
from hummingbird.cmd.peers import Peers
from hummingbird.cmd.playbooks import playbook_runner
from hummingbird.cmd.private_files import keep_private
from hummingbird.cmd.time_limits import patience, recovery_limits
from hummingbird.conductor.measure import Measures
from hummingbird.conductor.neighbours import Neighbours
from hummingbird.conductor.service import ConductorService
from hummingbird.conductor.settings import image_values, read_settings
from hummingbird.conductor.trace import TraceParts, TraceReconciler
from hummingbird.conf import Conf, load
from hummingbird.conf.conductor import down_seconds
from hummingbird.conf.share import controller_name, shared, state_directory
from hummingbird.conf.tunnel import hub_options
from hummingbird.conf.vxlan import vxlan_options
from hummingbird.db.session import Database
from hummingbird.errors import HummingbirdError, KubeconfigUnusable
from hummingbird.evaluation.fleet_view import FleetObserver
from hummingbird.evaluation.own_links import OwnLinks
from hummingbird.httpd.limits import raise_file_limit
from hummingbird.reconcilers import registry
from hummingbird.reconcilers.base import Reconciler
from hummingbird.reconcilers.fleet import fault_forward, retention
from hummingbird.reconcilers.fleet.agent import AgentReconciler
from hummingbird.reconcilers.fleet.plan import PlanReconciler
from hummingbird.reconcilers.machine import tunnel, vxlan
from hummingbird.reconcilers.machine.forwarding import ForwardingReconciler
from hummingbird.reconcilers.machine.own_address import OwnAddressReconciler
from hummingbird.rpc.endpoint import is_in_process
from hummingbird.secretbox import SecretBox

if TYPE_CHECKING:
    from hummingbird.adapters.prometheus.listener import MetricsListener
    from hummingbird.rpc.server import Server

LOG = logging.getLogger("hummingbird.cmd.conductor")


class Conductor:
    """A conductor with everything that it needs, not started."""

    def __init__(
        self, conf: Conf, database: Database, clock: Clock, box: SecretBox
    ) -> None:
        self._conf = conf
        links = NetlinkLinks()
        cluster = kubernetes(conf)
        state = state_directory(conf)
        agent = AgentReconciler(
            database,
            clock=clock,
            cluster=cluster,
            release=_release(conf),
            namespace=str(conf.agents.namespace),
            name=str(conf.agents.release),
            version=str(conf.agents.tag or __version__),
            values=lambda: _values(conf, links),
            period_seconds=registry.AGENT_PERIOD_SECONDS,
        )
        runner = playbook_runner(conf, state)
        self.neighbours = Neighbours(
            database=database,
            clock=clock,
            box=box,
            runner=runner,
            allow_playbooks=runner.allow,
            cluster=cluster,
            probe=probe,
            boards=_boards(conf),
            ensure_agents=agent.ensure,
            settings=lambda: read_settings(conf),
            agents_namespace=str(conf.agents.namespace),
            patience=patience(conf),
            links=links,
            vxlan_options=vxlan_options(conf),
            nudge=lambda name: self.service.hurry(name),
            look=lambda name: self.service.look(name),
            hub_options=hub_options(conf),
            controller=controller_name(conf),
        )
        self.service = ConductorService(
            self.neighbours,
            name=process_name(conf),
            workers=conf.conductor.workers,
            poll_seconds=conf.conductor.poll_seconds,
            lease_seconds=conf.conductor.lease_seconds,
            max_attempts=conf.conductor.max_attempts,
            pass_on=lambda name: self._peers.nudge(name),
        )
        self._driver = registry.build(self._parts(conf, agent, links))
        self._metrics = self._listener(conf, database, clock)
        self._rpc = None if is_in_process(conf) else _rpc_server(conf, self.service)
        self._peers = Peers(conf)

    def _parts(
        self, conf: Conf, agent: AgentReconciler, links: NetlinkLinks
    ) -> registry.Parts:
        """Return what the reconcilers are made of."""
        neighbours = self.neighbours
        database, clock, box = neighbours.database, neighbours.clock, neighbours.box
        return registry.Parts(
            observer=_observer(conf, database, clock, links),
            cluster=neighbours.cluster,
            agent=agent,
            box=box,
            probe=neighbours.probe,
            boards=neighbours.boards,
            board_check_seconds=conf.bmc.check_seconds,
            limits=recovery_limits(conf),
            recovery_enabled=conf.recovery.enabled,
            board_reset=conf.recovery.board_reset,
            probe_seconds=conf.recovery.probe_seconds,
            liveness_seconds=conf.liveness.period_seconds,
            lease_seconds=conf.conductor.lease_seconds,
            max_attempts=conf.conductor.max_attempts,
            in_hand=self.service.in_hand,
            nudge_runs=self.service.nudge,
            process=process_name(conf),
            service_down_seconds=down_seconds(conf),
            fleet_lease_seconds=conf.conductor.fleet_lease_seconds,
            fleet=lambda fenced: self._of_the_fleet(conf, fenced, clock, links),
            machine=self._of_the_machine(conf, database, clock, box, links),
        )

    def _listener(
        self, conf: Conf, database: Database, clock: Clock
    ) -> "MetricsListener | None":
        options = conf.metrics
        if not options.port:
            return None
        from hummingbird.adapters.prometheus.listener import MetricsListener

        measures = Measures(
            database,
            clock=clock,
            reports=self.service.reconcilers,
            per_host=options.per_host,
        )
        return MetricsListener(
            measures.families,
            bind=str(options.bind),
            port=int(options.port),
            clock=clock,
        )

    def _trace_parts(self, conf: Conf, links: NetlinkLinks) -> TraceParts:
        neighbours = self.neighbours
        return TraceParts(
            path=SystemPath(),
            links=links,
            runner=neighbours.runner,
            cluster=neighbours.cluster,
            gateways=lambda: gateway_endpoints(conf, links),
            hubs=tuple(conf.tunnel.hub_endpoint),
            period_seconds=conf.gateway.period_seconds,
        )

    def _of_the_fleet(
        self, conf: Conf, fenced: Database, clock: Clock, links: NetlinkLinks
    ) -> tuple[Reconciler, ...]:
        """Return the reconcilers of neighbours that not everybody has."""
        fault = fault_forward.from_options(conf, fenced, clock=clock)
        return (
            *((fault,) if fault is not None else ()),
            retention.from_options(conf, fenced, clock=clock),
            TraceReconciler(
                fenced,
                clock=clock,
                box=self.neighbours.box,
                parts=self._trace_parts(conf, links),
            ),
            PlanReconciler(
                fenced,
                cluster=self.neighbours.cluster,
                settings=self.neighbours.settings,
            ),
        )

    def _of_the_machine(
        self,
        conf: Conf,
        database: Database,
        clock: Clock,
        box: SecretBox,
        links: NetlinkLinks,
    ) -> tuple[Reconciler, ...]:
        """Return the reconcilers of this machine's network and work."""
        return (
            tunnel.from_options(
                conf, database, clock=clock, box=box, nudge_runs=self.service.nudge
            ),
            vxlan.from_options(conf, database, links=links),
            *((_forwarding(conf),) if conf.tunnel.check_forwarding else ()),
            OwnAddressReconciler(
                database,
                clock=clock,
                addresses=own_addresses,
                controller=controller_name(conf),
                period_seconds=registry.OWN_ADDRESS_PERIOD_SECONDS,
            ),
        )

    def start(self) -> None:
        """Begin; returns when runs are taken.

        :raises DatabaseUnavailable: the database does not answer.
        :raises OSError: the port of the metrics can't be bound.
        """
        warn_without_cluster(self._conf)
        if self._metrics is not None:
            self._metrics.start()
        self.service.start(self._driver)
        if self._rpc is not None:
            self._rpc.start()

    def stop(self) -> None:
        """Give back what is in hand, and end."""
        if self._metrics is not None:
            self._metrics.stop()
        if self._rpc is not None:
            self._rpc.stop()
        self._peers.close()
        self.service.stop()


def _forwarding(conf: Conf) -> ForwardingReconciler:
    hub, bridge = str(conf.tunnel.hub_interface), str(conf.vxlan.bridge)
    inside = {hub_options(conf).overlay, *hub_options(conf).networks}
    versions = frozenset(6 if ":" in network else 4 for network in inside)
    return ForwardingReconciler(
        SystemForwarding(bridge=bridge),
        interfaces={hub: versions, bridge: frozenset({4})},
        period_seconds=registry.FORWARDING_PERIOD_SECONDS,
    )


def _rpc_server(conf: Conf, service: ConductorService) -> "Server":
    # Half a second of imports and 30 MB: only who is called from elsewhere pays.
    from hummingbird.rpc.server import make_server
    from hummingbird.rpc.transport import open_transport

    return make_server(open_transport(conf), service, host=process_name(conf))


def process_name(conf: Conf) -> str:
    """Return this conductor's name among processes; a restart is known by it."""
    return f"{controller_name(conf)}.conductor"


def warn_without_cluster(conf: Conf) -> None:
    """Say so where no cluster can be reached: the inventory works without one."""
    try:
        kubeconfig.check(conf.kubernetes.kubeconfig)
    except KubeconfigUnusable as error:
        LOG.warning("%s Hosts can be added, not unlocked.", error)


def kubernetes(conf: Conf) -> KubernetesCluster:
    """Return the cluster; nothing is opened before it is first asked."""
    return KubernetesCluster(
        conf.kubernetes.kubeconfig,
        context=conf.kubernetes.context,
        timeout_seconds=conf.kubernetes.timeout_seconds,
        api_endpoints=conf.kubernetes.api_endpoint,
    )


def _observer(
    conf: Conf, database: Database, clock: Clock, links: NetlinkLinks
) -> FleetObserver:
    controller = controller_name(conf)
    return FleetObserver(
        database=database,
        clock=clock,
        own_links=OwnLinks(database, links=links, clock=clock, controller=controller),
        period_seconds=conf.gateway.period_seconds,
        gateway_flush_seconds=conf.gateway.flush_seconds,
        return_seconds=conf.liveness.return_seconds,
    )


def _release(conf: Conf) -> HelmRelease:
    return HelmRelease(
        str(conf.kubernetes.helm),
        conf.kubernetes.kubeconfig,
        conf.agents.chart or shared("charts/hummingbird-agents"),
        str(conf.agents.release),
        str(conf.agents.namespace),
        context=conf.kubernetes.context,
        state_directory=state_directory(conf) / "helm",
    )


def _boards(conf: Conf) -> BoardsByKind:
    redfish = RedfishBoards(
        port=conf.bmc.redfish_port,
        timeout_seconds=conf.bmc.timeout_seconds,
        ca_file=conf.bmc.ca_file,
    )
    ipmi = IpmiBoards(
        program=str(conf.bmc.ipmitool),
        port=conf.bmc.ipmi_port,
        cipher_suite=conf.bmc.ipmi_cipher_suite,
        timeout_seconds=conf.bmc.timeout_seconds,
    )
    return BoardsByKind({"redfish": redfish, "dynamic": redfish, "ipmi": ipmi})


def _values(conf: Conf, links: NetlinkLinks) -> dict[str, object]:
    """Return the values of the agents' chart."""
    certificate = gateway_certificate(conf, links)
    return {
        "image": image_values(conf),
        "gateway": {
            "address": ",".join(gateway_addresses(conf, links)),
            "port": int(conf.gateway.port),
            "caCertificate": certificate.ca_pem,
        },
        "token": {"audience": str(conf.agents.audience)},
        "sysinvAgent": {
            "lldp": bool(conf.agents.lldp),
            "lvmBackup": bool(conf.agents.lvm_backup),
        },
    }


def main() -> int:
    """Run the process; return its exit code."""
    core_dump.forbid()
    conf = load(sys.argv[1:], prog="hummingbird-conductor")
    setup_logging(conf)
    raise_file_limit()
    clock = SystemClock()
    try:
        keep_private(conf)
        database = open_database(conf, clock)
        conductor = Conductor(conf, database, clock, adopt(conf, database, clock))
        conductor.start()
    except (HummingbirdError, OSError) as error:
        LOG.error("Could not start: %s", error)
        return 1
    end_with(conductor)
    wait_for_signal()
    was_replaced = conductor.service.ended.is_set()
    conductor.stop()
    database.dispose()
    return 1 if was_replaced else 0


def end_with(conductor: Conductor) -> None:
    """Have this process end when another conductor has taken this one's name."""

    def watch() -> None:
        conductor.service.ended.wait()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="fence", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
