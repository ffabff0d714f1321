# SPDX-License-Identifier: Apache-2.0
"""The power of a locked host, on request: reboot, reset, on, off.

A reset and a power-off go through the host's board management controller where there is
one, else by SSH; a reboot always by SSH, a power-on always through the board. A host that
is switched off says nothing on purpose: it is neither lost nor recovered, and comes
online by itself when somebody presses its button.
"""

from typing import Final

from hummingbird.adapters.bmc.board import Order, Power
from hummingbird.conductor.board import OpenBoard, open_board
from hummingbird.conductor.provision import is_heard
from hummingbird.conductor.recover import variables
from hummingbird.conductor.task import HostTask
from hummingbird.conductor.way_in import answers, find_way, open_way
from hummingbird.db.repository import heartbeat as heartbeat_repository
from hummingbird.domain.board import board_of
from hummingbird.domain.recovery import Rung
from hummingbird.errors import BoardMissing, BoardRefused, RunFailed

RESET_TAG: Final = "reset"
POWER_OFF_TAG: Final = "power_off"
QUIET_LOOKS: Final = 3
"""So many looks without an answer, one after the other, are no lost packet."""


def reboot(task: HostTask) -> None:
    """Reboot the host; done when it answers by SSH with another boot id (the playbook's
    module compares them)."""
    _boot_again(task, step="reboot", tag=Rung.REBOOT.value)


def reset(task: HostTask) -> None:
    """Have the host boot again without asking what runs on it."""
    board = _connect_board(task)
    if board is None:
        _boot_again(task, step="reset", tag=RESET_TAG)
        return
    was_told = _was_told(task, "reset", "boot")
    before = _boot_id(task)
    if not was_told:
        with task.step("reset"):
            board.reset()
    _await_boot(task, board, before=None if was_told else before)


def power_on(task: HostTask) -> None:
    """Switch the host on; done when it has power and, once provisioned, is heard.

    :raises BoardMissing: there is no board any more.
    """
    board = _connect_board(task)
    if board is None:
        raise BoardMissing(action="Power-On", hostname=task.host.hostname)
    if board.power() is Power.ON:
        task.journal.skip("power_on", message="it has power already")
        task.conclude(powered_off=False)
        return
    before = _boot_id(task)
    with task.step("power_on"):
        board.order(Order.ON)
    _await_boot(task, board, before=before)


def power_off(task: HostTask) -> None:
    """Shut the host down, and cut its power where a board can."""
    board = _connect_board(task)
    if board is not None:
        _switch_off(task, board)
    else:
        _shut_down_by_ssh(task)
    task.conclude(powered_off=True, online=False)


def _connect_board(task: HostTask) -> OpenBoard | None:
    """Return the host's board, or None where it has none."""
    if board_of(task.host) is None:
        return None
    with task.step("connect"):
        return open_board(task)


def _switch_off(task: HostTask, board: OpenBoard) -> None:
    with task.step("shutdown"):
        if board.power() is not Power.OFF and task.patience.shutdown:
            try:
                board.order(Order.SHUTDOWN)
                board.await_power(Power.OFF, seconds=task.patience.shutdown)
            except (BoardRefused, RunFailed) as error:
                task.journal.info(f"its power is cut: {error}")
    with task.step("power_off"):
        if board.power() is not Power.OFF:
            board.order(Order.OFF)
            board.await_power(Power.OFF, seconds=task.patience.ready)


def _shut_down_by_ssh(task: HostTask) -> None:
    if _was_told(task, "shutdown", "power_off"):
        way = find_way(task)
    else:
        with task.step("connect"):
            way = open_way(task)
        with task.step("shutdown"):
            task.playbook("recover", access=way, variables={}, tags=(POWER_OFF_TAG,))
    with task.step("power_off"):
        quiet = 0

        def is_off() -> bool:
            nonlocal quiet
            quiet = 0 if answers(task, way) else quiet + 1
            return quiet >= QUIET_LOOKS

        task.wait_until(
            is_off, seconds=task.patience.ready, what="it still answers by SSH"
        )


def _boot_again(task: HostTask, *, step: str, tag: str) -> None:
    was_told = _was_told(task, step)
    with task.step("connect"):
        way = open_way(task)
    if was_told:
        task.journal.skip(step, message="done by the conductor that began this run")
    else:
        with task.step(step):
            task.playbook("recover", access=way, variables=variables(task), tags=(tag,))
    task.conclude(powered_off=False)


def _await_boot(task: HostTask, board: OpenBoard, *, before: str | None) -> None:
    """Return when the host has power and, where its agents are on it, is heard.

    :param before: the boot that it was heard of before; None: not known, so that only
        what it says from now on counts.
    """
    since = task.clock.now()

    def is_up() -> bool:
        if before is None:
            return is_heard(task, since=since)
        return _boot_id(task) not in (None, before)

    with task.step("boot"):
        board.await_power(Power.ON, seconds=task.patience.ready)
        if task.host.provisioned_plan is None:
            task.journal.info("it has power; nothing on it could be heard yet")
            task.conclude(powered_off=False)
            return
        task.wait_until(
            is_up,
            seconds=task.patience.boot,
            what="it has power, but no heartbeat came",
        )
    task.conclude(powered_off=False, online=True)


def _boot_id(task: HostTask) -> str | None:
    """Return the boot that the last heartbeat was of."""
    with task.neighbours.database.reader() as connection:
        heartbeat = heartbeat_repository.of_host(connection, task.host.id)
    return None if heartbeat is None else heartbeat.boot_id


def _was_told(task: HostTask, *steps: str) -> bool:
    """Return whether a conductor that died was this far: a host is not told twice."""
    return task.run.attempt > 1 and task.run.current_step in steps
