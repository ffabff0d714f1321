# SPDX-License-Identifier: Apache-2.0
"""Recover: one rung of the ladder is tried on a lost host. Only a heartbeat says that it
helped."""

from datetime import datetime

from hummingbird.adapters.ansible.playbook import HostAccess
from hummingbird.conductor import vxlan
from hummingbird.conductor.board import open_board
from hummingbird.conductor.provision import is_heard
from hummingbird.conductor.task import HostTask
from hummingbird.conductor.way_in import PROBE_SECONDS, open_way
from hummingbird.domain.alarm import host_log
from hummingbird.domain.host_machine import Event
from hummingbird.domain.recovery import Rung
from hummingbird.errors import BoardMissing

REBOOT_TIMEOUT_VARIABLE = "recover_reboot_timeout_seconds"


def recover(task: HostTask) -> None:
    """Try the run's rung, then wait for a heartbeat."""
    rung = Rung(task.run.rung or Rung.RESTART_SERVICES)
    since = task.run.queued_at
    if is_heard(task, since=since):
        task.journal.skip(rung, message="heard again by itself")
        return _conclude(task)
    by_board = rung is Rung.BOARD_RESET
    if not _was_tried(task, rung):
        since = _reset(task) if by_board else _try(task, rung)
    with task.step("heartbeat"):
        task.wait_until(
            lambda: is_heard(task, since=since),
            # A playbook waits until the host is up again; a board does not.
            seconds=task.patience.boot if by_board else task.patience.settle,
            what="no heartbeat came",
        )
    return _conclude(task)


def _try(task: HostTask, rung: Rung) -> datetime:
    """Do it; return when it began."""
    with task.step("connect"):
        access = open_way(task)
        _mend_vxlan(task, access)
    since = task.clock.now()
    with task.step(rung.value):
        task.playbook(
            "recover",
            access=access,
            variables=variables(task),
            tags=(rung.value,),
        )
    return since


def _reset(task: HostTask) -> datetime:
    """Have the host's board switch it off and on; return when that began."""
    with task.step("connect"):
        board = open_board(task)
        if board is None:
            raise BoardMissing(action="Reset", hostname=task.host.hostname)
    since = task.clock.now()
    with task.step(Rung.BOARD_RESET.value):
        board.reset()
    return since


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


def variables(task: HostTask) -> dict[str, object]:
    """Return what recover.yml gets."""
    return {REBOOT_TIMEOUT_VARIABLE: int(task.patience.playbook)}


def _was_tried(task: HostTask, rung: Rung) -> bool:
    """Whether a conductor that died was this far: a host is not rebooted twice."""
    return task.run.attempt > 1 and task.run.current_step in (rung.value, "heartbeat")


def _conclude(task: HostTask) -> None:
    line = host_log(
        "200.022",
        task.host.hostname,
        instance="state=enabled",
        text="is now 'enabled'",
    )
    task.conclude(Event.RECOVER_END, Event.HEARD, lines=[line])
