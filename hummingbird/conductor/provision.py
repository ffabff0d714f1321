# SPDX-License-Identifier: Apache-2.0
"""Unlock: a host is provisioned where it needs that, and brought into service. Reinstall:
it is provisioned whatever is on it, and stays locked.

Every step may be cut; the next run of the same kind goes through all of them again, and
those that find their work done change nothing.
"""

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from hummingbird.adapters.ansible.bundle import check as check_bundle
from hummingbird.adapters.ansible.playbook import HostAccess
from hummingbird.conductor import tunnel as tunnels
from hummingbird.conductor import vxlan
from hummingbird.conductor.hearing import is_heard, moment
from hummingbird.conductor.node import keep, own_node, own_uid
from hummingbird.conductor.task import HostTask
from hummingbird.conductor.way_in import await_answer, open_way
from hummingbird.db.repository import condition
from hummingbird.db.repository import emn as emn_repository
from hummingbird.db.repository import label as label_repository
from hummingbird.domain import node as node_rule
from hummingbird.domain import provisioning
from hummingbird.domain.alarm import LogEvent, host_log
from hummingbird.domain.host_machine import Event
from hummingbird.domain.host_state import HostState
from hummingbird.domain.node import UUID_LABEL
from hummingbird.domain.provisioning import AGENT_IMAGES, Join, Plan
from hummingbird.domain.run import PROVISION_STEPS, RunKind
from hummingbird.keypair import make_node_key

CERTIFICATE_MINUTES_MORE: Final = 5
"""The certificate for a join outlives its playbook's time-out by this."""
SIGNED_POLL_SECONDS: Final = 0.1
"""The controller manager signs within some 50 ms of the approval."""
NODE_APPEARS_SECONDS: Final = 20.0
"""A kubelet registers within a second of its start; where somebody deleted its node
object it does not register again before it is restarted."""


def unlock(task: HostTask) -> None:
    """Provision if needed, then bring into service."""
    plan = _plan(task)
    access: HostAccess | None = None
    if _is_provisioned(task, plan):
        task.journal.skip(
            PROVISION_STEPS[0], message="provisioned already with the same plan"
        )
    else:
        access = _provision(task, plan)
        if task.host.state is HostState.PROVISIONING:
            task.move(Event.PROVISIONED, **_as_planned(plan))
        else:
            task.change(**_as_planned(plan))
    _see_it_work(task, access)
    task.conclude(Event.IN_SERVICE, lines=[_enabled(task)], online=True)


def reinstall(task: HostTask) -> None:
    """Provision, see that the host is heard, and stay locked: its node takes no pods."""
    plan = _plan(task)
    access = _provision(task, plan)
    _see_it_work(task, access)
    task.conclude(Event.REINSTALLED, **_as_planned(plan), online=True)


def _as_planned(plan: Plan) -> dict[str, Any]:
    """Return what is kept with a host that is as the plan says."""
    return {
        "provisioned_plan": plan.digest,
        "plan_basis": plan.basis,
        "target_plan": plan.digest,
    }


def _plan(task: HostTask) -> Plan:
    cluster = task.neighbours.cluster
    info = task.patiently(cluster.join_info, seconds=task.patience.connect)
    join = Join(
        api_endpoints=info.api_endpoints,
        ca_certificate=info.ca_certificate,
        version=info.version,
    )
    tunnel = tunnels.of_host(task)
    end = vxlan.of_host(task)
    return provisioning.plan(
        task.host,
        join=join,
        settings=task.neighbours.settings(),
        # In a VXLAN the host is a node by its address there, tunnel or not.
        address=tunnel.address if tunnel and end is None else None,
        tunnel_settings=tunnels.settings(task, tunnel),
        vxlan_settings=vxlan.settings(task, end),
    )


def _is_provisioned(task: HostTask, plan: Plan) -> bool:
    return (
        task.host.state is HostState.ENABLING
        and task.host.provisioned_plan == plan.digest
    )


def _provision(task: HostTask, plan: Plan) -> HostAccess:
    with task.step("connect"):
        # Nothing is signed for, or put on a host for, the name of another's node.
        own_uid(task, seconds=task.patience.connect)
        access = open_way(task)
        _forget_stale_node(task)
    if not task.host.touched:
        task.change(touched=True)
    access = _inside_vxlan(task, _inside_tunnel(task, access, plan), plan)
    task.playbook(
        "provision",
        access=access,
        variables={**plan.variables, **_identity(task)},
    )
    task.journal.finish()
    return access


def _inside_tunnel(task: HostTask, access: HostAccess, plan: Plan) -> HostAccess:
    """Return the way in through the host's tunnel, opened if it is not; the way that is
    given where it has none."""
    tunnel = tunnels.of_host(task)
    if tunnel is None:
        return access
    if access.address == tunnel.address:
        if tunnel.public_key is None:
            with task.step("tunnel"):
                tunnels.exchange(task, tunnel, access)
        return replace(access, known_hosts=task.host.known_hosts)
    bundle = task.neighbours.hub_options.bundle
    check_bundle(bundle)
    # Alone (what was there before us is recorded all the same): where packages come from
    # may be reached through it only.
    told = task.playbook(
        "provision",
        access=access,
        variables={
            **plan.variables,
            "tunnel_bundle": bundle,
            "tunnel_may_install": False,
        },
        tags=("tunnel",),
    )
    if not told.facts.get(tunnels.PUBLIC_FACT):
        task.journal.info(
            "the host has no WireGuard and none was brought along ([tunnel]bundle):"
            " installing it from where the host gets its packages"
        )
        told = task.playbook(
            "provision",
            access=access,
            variables=plan.variables,
            tags=("node_config", "tunnel"),
        )
    tunnels.keep_key(task, tunnel, told.facts.get(tunnels.PUBLIC_FACT, ""))
    with task.step("tunnel"):
        await_answer(task, tunnel.address, port=access.port)
    return replace(access, address=tunnel.address, known_hosts=task.host.known_hosts)


def _inside_vxlan(task: HostTask, access: HostAccess, plan: Plan) -> HostAccess:
    """Return the way in through the host's VXLAN, made if it is not there; the way that is
    given where it has none, and where that is a tunnel, which carries the VXLAN."""
    address = task.host.mgmt_ip
    if not plan.variables["vxlan_settings"] or address in (None, access.address):
        return access
    assert address is not None
    task.playbook(
        "provision",
        access=access,
        variables=plan.variables,
        # Alone (what was there before us is recorded all the same): where packages come
        # from may be reached through it only.
        tags=("vxlan",),
    )
    task.neighbours.look("vxlan")
    await_answer(task, address, port=access.port)
    task.journal.finish()
    if plan.variables["tunnel_settings"]:
        return access
    return replace(access, address=address, known_hosts=task.host.known_hosts)


def _forget_stale_node(task: HostTask) -> None:
    """Delete the node object that a host of this name had before it was installed anew:
    at first contact with the host, a node that is not Ready has no kubelet on it.

    :raises NodeForeign: the node of that name is another's.
    """
    if task.host.known_hosts is not None:
        return
    cluster, hostname = task.neighbours.cluster, task.host.hostname
    node = task.patiently(lambda: own_node(task), seconds=task.patience.connect)
    if node is None or node.ready:
        return
    if cluster.delete_node(hostname, uid=node.uid):
        task.journal.info("deleted the node object of a former host of this name")


def _identity(task: HostTask) -> dict[str, str]:
    """Return a new key and its certificate, by which this host joins under its own name
    and no other, in base64, as a kubeconfig has them; and what its kubelet says to have
    its node known for this host's.

    :raises NodeForeign: a node of that name is another's.
    """
    cluster, hostname = task.neighbours.cluster, task.host.hostname
    private_key, request = make_node_key(hostname)
    lifetime = timedelta(
        seconds=task.patience.playbook, minutes=CERTIFICATE_MINUTES_MORE
    )
    signed: list[str] = []

    def is_signed() -> bool:
        own_node(task)
        certificate = cluster.sign_node_certificate(
            hostname=hostname, request=request, lifetime=lifetime
        )
        signed.extend([certificate] if certificate else [])
        return bool(signed)

    task.wait_until(
        is_signed,
        seconds=task.patience.connect,
        poll_seconds=SIGNED_POLL_SECONDS,
        what="Kubernetes has not signed the certificate for the join",
    )
    return {
        provisioning.CERTIFICATE_VARIABLE: base64.b64encode(
            signed[0].encode()
        ).decode(),
        provisioning.KEY_VARIABLE: base64.b64encode(private_key.encode()).decode(),
        provisioning.UUID_VARIABLE: task.host.uuid,
    }


def _see_it_work(task: HostTask, access: HostAccess | None) -> None:
    """Return when the node is Ready, open to pods unless the host is to stay locked, and
    the host is heard."""
    cluster, hostname = task.neighbours.cluster, task.host.hostname
    ready_seconds = task.patience.ready
    locked = task.run.kind is RunKind.REINSTALL
    admit = cluster.cordon if locked else cluster.uncordon
    with task.step("node_ready"):
        _await_node(task, access)
        # Before pods may come: what they ask for by label must be there.
        task.patiently(lambda: _label(task, locked=locked), seconds=ready_seconds)
        uid = own_uid(task, seconds=ready_seconds) or ""
        task.patiently(lambda: admit(hostname, uid=uid), seconds=ready_seconds)
        task.wait_until(
            lambda: _is_ready(task),
            seconds=ready_seconds,
            what=f"node {hostname} is not Ready",
        )
    with task.step("agents_ready"):
        task.patiently(task.neighbours.ensure_agents, seconds=ready_seconds)
        task.wait_until(
            lambda: _agents_run(task),
            seconds=ready_seconds,
            what="its agents are not ready",
        )
    with task.step("heartbeat"):
        since = moment(task)
        task.wait_until(
            lambda: is_heard(task, since=since),
            seconds=ready_seconds,
            what="no heartbeat came",
        )


def _await_node(task: HostTask, access: HostAccess | None) -> None:
    """Return when there is a node object; have the kubelet make one if need be."""
    cluster, hostname = task.neighbours.cluster, task.host.hostname
    deadline = task.clock.monotonic() + NODE_APPEARS_SECONDS

    def appeared() -> bool:
        return own_node(task) is not None

    def registered() -> bool:
        # There was none, and this host was told to make one. A kubelet that joined before
        # hosts had their uuid in a label says none.
        node = cluster.node(hostname)
        if node is not None and UUID_LABEL not in node.labels:
            keep(task, node)
        return appeared()

    task.wait_until(
        lambda: appeared() or task.clock.monotonic() >= deadline,
        seconds=task.patience.ready,
        what="Kubernetes does not say whether there is a node",
    )
    if not task.patiently(appeared, seconds=task.patience.ready):
        task.journal.info("there is no node object: restarting the kubelet")
        task.playbook(
            "recover",
            access=access or open_way(task),
            variables={},
            tags=("restart_services",),
        )
        task.wait_until(
            registered,
            seconds=task.patience.ready,
            what=f"there is no node {hostname} in Kubernetes",
        )


def _is_ready(task: HostTask) -> bool:
    node = own_node(task)
    is_ready = node is not None and node.ready
    # What the run sees last is what stands when it ends: a host that is heard and whose
    # node never was Ready is not in service.
    task.journal.write(
        lambda connection: condition.put_ready(
            connection,
            task.host.id,
            is_ready=is_ready,
            reason="NoNode" if node is None else node.ready_reason,
            now=task.clock.now(),
        )
    )
    return is_ready


def _agents_run(task: HostTask) -> bool:
    pods = task.neighbours.cluster.agent_pods(
        task.host.hostname, namespace=task.neighbours.agents_namespace
    )
    return all(pods.get(name, False) for name in AGENT_IMAGES)


def _label(task: HostTask, *, locked: bool) -> None:
    """Give the node its labels; one that is gone by now gets them from the reconciler."""
    cluster, host = task.neighbours.cluster, task.host
    node = own_node(task)
    if node is None:
        return
    with task.neighbours.database.snapshot() as connection:
        networks = emn_repository.list_all(connection)
        labels = label_repository.of_host(connection, host.id)
    change = node_rule.dress(
        host_uuid=host.uuid,
        site=next((n.site for n in networks if n.id == host.emn_id), None),
        locked=locked,
        own={label.label_key: label.label_value for label in labels},
        labels=node.labels,
        annotations=node.annotations,
    )
    cluster.label_node(
        host.hostname, change.labels, uid=node.uid, annotations=change.annotations
    )


def _enabled(task: HostTask) -> LogEvent:
    return host_log(
        "200.022",
        task.host.hostname,
        instance="state=enabled",
        text="is now 'enabled'",
    )
