# SPDX-License-Identifier: Apache-2.0
"""Recover: one rung of the ladder is tried on a lost host, and only a heartbeat says that it
helped; or the services of a host that is heard are restarted, and only its node says so."""

from hummingbird.adapters.ansible.playbook import HostAccess
from hummingbird.conductor import vxlan
from hummingbird.conductor.board import open_board
from hummingbird.conductor.boot import boot_once
from hummingbird.conductor.hearing import is_heard, is_heard_again, moment
from hummingbird.conductor.task import HostTask
from hummingbird.conductor.way_in import PROBE_SECONDS, open_way
from hummingbird.domain.alarm import host_log
from hummingbird.domain.hearing import Moment
from hummingbird.domain.host_machine import Event
from hummingbird.domain.recovery import Rung
from hummingbird.domain.run import HELPED_IN_SERVICE
from hummingbird.errors import BoardMissing


def recover(task: HostTask) -> None:
    """Try the run's rung, then wait for a heartbeat."""
    rung = Rung(task.run.rung or Rung.RESTART_SERVICES)
    if task.host.state in HELPED_IN_SERVICE:
        _mend_node(task)
        return
    given = task.journal.instruction
    is_well = (
        is_heard_again(task, lost_at=task.run.queued_at)
        if given is None
        else is_heard(task, since=given.moment)
    )
    if is_well:
        task.journal.skip(rung, message="heard again by itself")
        return _conclude(task)
    match rung:
        case Rung.RESTART_SERVICES:
            since = _restart_services(task)
        case Rung.REBOOT:
            boot_once(
                task,
                step=rung.value,
                tag=rung.value,
                prepare=lambda way: _mend_vxlan(task, way),
            )
            since = _told_at(task)
        case Rung.BOARD_RESET:
            _reset_once(task)
            since = _told_at(task)
    with task.step("heartbeat"):
        task.wait_until(
            lambda: is_heard(task, since=since),
            # A playbook waits until the host is up again; a board does not.
            seconds=(
                task.patience.boot if rung is Rung.BOARD_RESET else task.patience.settle
            ),
            what="no heartbeat came",
        )
    return _conclude(task)


def _mend_node(task: HostTask) -> None:
    """Restart the services of a host that is heard, and wait until its node is Ready."""

    def is_ready() -> bool:
        node = task.neighbours.cluster.node(task.host.hostname)
        return node is not None and node.ready

    if task.patiently(is_ready, seconds=task.patience.connect):
        task.journal.skip(
            Rung.RESTART_SERVICES.value, message="its node is Ready again by itself"
        )
        task.conclude()
        return
    _restart_services(task)
    with task.step("node_ready"):
        task.wait_until(
            is_ready,
            seconds=task.patience.ready,
            what=f"node {task.host.hostname} is not Ready",
        )
    task.conclude()


def _restart_services(task: HostTask) -> Moment:
    """Do it, which may be done twice; return when it began."""
    with task.step("connect"):
        access = open_way(task)
        _mend_vxlan(task, access)
    since = moment(task)
    rung = Rung.RESTART_SERVICES.value
    with task.step(rung):
        task.playbook("recover", access=access, variables={}, tags=(rung,))
    return since


def _told_at(task: HostTask) -> Moment:
    """Return when the host was told to boot, by this conductor or the one before."""
    given = task.journal.instruction
    assert given is not None, "it was told to"
    return given.moment


def _reset_once(task: HostTask) -> None:
    """Have the host's board switch it off and on, unless this run was about to before:
    nothing is heard of a lost host that would say whether it was done, and the ladder
    sees to what comes after."""
    step = Rung.BOARD_RESET.value
    if task.journal.instruction is not None:
        task.journal.skip(
            step,
            message=(
                "the conductor that began this run ended while it told the board;"
                " it is not told twice"
            ),
        )
        return
    with task.step("connect"):
        board = open_board(task)
        if board is None:
            raise BoardMissing(action="Reset", hostname=task.host.hostname)
    with task.step(step):
        task.journal.instruct(step, boot_id=None)
        board.reset()


def _mend_vxlan(task: HostTask, access: HostAccess) -> None:
    """Put the host's end of its VXLAN right where it is reached below it alone."""
    end = vxlan.of_host(task)
    if end is None or access.address != end.local or task.host.mgmt_ip is None:
        return
    if not task.neighbours.probe(
        task.host.mgmt_ip, port=access.port, timeout_seconds=PROBE_SECONDS
    ):
        task.journal.info("does not answer in its VXLAN: putting its end right")
        settings = {"vxlan_settings": vxlan.settings(task, end)}
        task.playbook("vxlan", access=access, variables=settings)


def _conclude(task: HostTask) -> None:
    line = host_log(
        "200.022",
        task.host.hostname,
        instance="state=enabled",
        text="is now 'enabled'",
    )
    task.conclude(Event.RECOVER_END, Event.HEARD, lines=[line])
