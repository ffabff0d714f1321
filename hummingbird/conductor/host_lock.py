# SPDX-License-Identifier: Apache-2.0
"""Lock: a host's node is closed to new pods and drained. The host itself is not touched,
and need not be there."""

from hummingbird.conductor.node import own_uid
from hummingbird.conductor.task import HostTask
from hummingbird.domain import node as node_rule
from hummingbird.domain.alarm import host_log
from hummingbird.domain.host_machine import Event
from hummingbird.errors import NodeForeign, Unavailable


def lock(task: HostTask) -> None:
    """Cordon, drain as long as that may take, and be locked."""
    cluster, hostname = task.neighbours.cluster, task.host.hostname
    with task.step("cordon"):
        _cordon(task)
    with task.step("drain"):
        drain(task)
    task.check()
    labels = {node_rule.ADMINISTRATIVE_LABEL: "locked"}
    uid = own_uid(task, seconds=task.patience.ready)
    if uid is not None:
        task.patiently(
            lambda: cluster.label_node(hostname, labels, uid=uid),
            seconds=task.patience.ready,
        )
    _conclude(task)


def force_lock(task: HostTask) -> None:
    """Cordon and be locked, whatever runs there, and whether or not Kubernetes answers:
    the node reconciler cordons what could not be cordoned now. A node of its name that is
    not its own is left alone."""
    with task.step("cordon"):
        try:
            _cordon(task, seconds=0.0)
        except Unavailable as error:
            task.journal.info(f"will be cordoned later: {error}")
        except NodeForeign as error:
            task.journal.info(str(error))
    _conclude(task)


def _cordon(task: HostTask, *, seconds: float | None = None) -> None:
    cluster, hostname = task.neighbours.cluster, task.host.hostname
    patience = task.patience.ready if seconds is None else seconds
    uid = own_uid(task, seconds=patience)
    if uid is None or not task.patiently(
        lambda: cluster.cordon(hostname, uid=uid), seconds=patience
    ):
        task.journal.info("there is no node object to cordon")


def drain(task: HostTask) -> None:
    """Have the node's pods leave, as far as they do in time.

    :raises NodeForeign: the node of the host's name is not the host's.
    :raises KubernetesUnavailable: it was away for all the time it may be.
    """
    cluster, hostname = task.neighbours.cluster, task.host.hostname
    uid = own_uid(task, seconds=task.patience.ready)
    if uid is None:
        return
    deadline = task.clock.monotonic() + task.patience.drain

    def is_over() -> bool:
        return task.clock.monotonic() >= deadline or task.should_cancel()

    result = task.patiently(
        lambda: cluster.drain(
            hostname, uid=uid, deadline=is_over, on_event=task.journal.info
        ),
        seconds=task.patience.ready,
    )
    task.journal.info(f"{result.evicted} pods evicted")
    if result.left:
        task.journal.info(f"went on without: {', '.join(result.left)}")


def _conclude(task: HostTask) -> None:
    line = host_log(
        "200.022",
        task.host.hostname,
        instance="state=disabled",
        text="is now 'disabled'",
    )
    task.conclude(Event.LOCK_DONE, lines=[line])
