# SPDX-License-Identifier: Apache-2.0
"""Delete: what we put on a host is taken back, and it is forgotten here.

A host that does not answer keeps what it has; its node and its sessions end here all
the same, and the run says so. A node of its name that is not its own is left alone: the
host's own is gone then, and what is on the host is undone as ever.
"""

from hummingbird.adapters.ansible.playbook import HostAccess
from hummingbird.conductor.host_lock import drain
from hummingbird.conductor.node import own_uid
from hummingbird.conductor.task import HostTask
from hummingbird.conductor.way_in import open_way
from hummingbird.domain.alarm import host_log
from hummingbird.errors import AddressMissing, HostUnreachable, NodeForeign

KEPT = "does not answer and keeps what was put on it"


def retire(task: HostTask) -> None:
    """Undo, and forget."""
    host = task.host
    lines = []
    if host.touched:
        _leave_cluster(task)
        access = _connect(task)
        if access is None:
            text = f"was deleted, {KEPT}"
            lines.append(
                host_log("200.022", host.hostname, instance="status=offline", text=text)
            )
            task.journal.skip("undo", message=f"{host.hostname} {KEPT}")
        else:
            _undo(task, access)
    else:
        task.journal.skip("undo", message="nothing was put on it")
    with task.step("forget"):
        # A node object that a kubelet made again meanwhile must not stay.
        if host.touched:
            _delete_node(task)
    lines.append(
        host_log(
            "200.021",
            host.hostname,
            instance="command=delete",
            text="manual 'delete' request",
        )
    )
    task.conclude_removal(lines=lines)


def _leave_cluster(task: HostTask) -> None:
    with task.step("drain"):
        try:
            drain(task)
        except NodeForeign as error:
            task.journal.info(str(error))
    task.check()
    # From here on it is no longer what the plan says: an unlock provisions it again.
    task.change(provisioned_plan=None)
    with task.step("node_object"):
        if not _delete_node(task):
            task.journal.info("there is no node object")


def _delete_node(task: HostTask) -> bool:
    """Return whether the host had a node, which is deleted now."""
    cluster, hostname = task.neighbours.cluster, task.host.hostname
    try:
        uid = own_uid(task, seconds=task.patience.ready)
    except NodeForeign as error:
        task.journal.info(str(error))
        return False
    if uid is None:
        return False
    return task.patiently(
        lambda: cluster.delete_node(hostname, uid=uid), seconds=task.patience.ready
    )


def _connect(task: HostTask) -> HostAccess | None:
    """Return the way in, or None where the host does not answer."""
    with task.step("connect"):
        try:
            return open_way(task)
        except (AddressMissing, HostUnreachable) as error:
            task.journal.info(str(error))
    return None


def _undo(task: HostTask, access: HostAccess) -> None:
    task.playbook("retire", access=access, variables={})
    task.journal.finish()
