# SPDX-License-Identifier: Apache-2.0
"""The power of a locked host, on request: reboot, reset, on, off.

A reset and a power-off go through the host's board management controller where there is
one, else by SSH; a reboot always by SSH, a power-on always through the board. A host that
is switched off says nothing on purpose: it is neither lost nor recovered, and comes
online by itself when somebody presses its button. What a run says is what happened: what
can't be repeated is written down before it is done, and asked about before it is done
again (`conductor/boot.py`).
"""

from typing import Final

from hummingbird.adapters.ansible.playbook import HostAccess
from hummingbird.adapters.bmc.board import Order, Power
from hummingbird.conductor.board import OpenBoard, open_board
from hummingbird.conductor.boot import boot_once, has_booted, see_boot
from hummingbird.conductor.hearing import is_heard, last_beat, moment
from hummingbird.conductor.task import HostTask
from hummingbird.conductor.way_in import answers, find_way, open_way
from hummingbird.domain.board import board_of
from hummingbird.domain.recovery import Rung
from hummingbird.domain.run import Instruction
from hummingbird.errors import BoardMissing, BoardRefused, RunFailed

RESET_TAG: Final = "reset"
POWER_OFF_TAG: Final = "power_off"
QUIET_LOOKS: Final = 3
"""So many looks without an answer, one after the other, are no lost packet."""
BEATS_OF_THE_SAME_BOOT: Final = 2
"""So many beats that come in after a conductor took a run over, all of the boot of before:
the first may have been on its way while the board was told."""


def reboot(task: HostTask) -> None:
    """Reboot the host; done when it answers by SSH in another boot."""
    boot_once(task, step="reboot", tag=Rung.REBOOT.value)
    task.conclude(powered_off=False)


def reset(task: HostTask) -> None:
    """Have the host boot again without asking what runs on it."""
    board = _connect_board(task)
    if board is None:
        boot_once(task, step="reset", tag=RESET_TAG)
        task.conclude(powered_off=False)
        return
    given = task.journal.instruction
    before = _boot_id(task) if given is None else given.boot_id
    if given is None or not _was_reset(task, given):
        with task.step("reset"):
            task.journal.instruct("reset", boot_id=before)
            board.reset()
    _await_boot(task, board, before=before)


def power_on(task: HostTask) -> None:
    """Switch the host on; done when it has power and, once provisioned, is heard.

    :raises BoardMissing: there is no board any more.
    """
    board = _connect_board(task)
    if board is None:
        raise BoardMissing(action="Power-On", hostname=task.host.hostname)
    given = task.journal.instruction
    is_on = board.power() is Power.ON
    if is_on and given is None:
        task.journal.skip("power_on", message="it has power already")
        task.conclude(powered_off=False)
        return
    before = _boot_id(task) if given is None else given.boot_id
    if not is_on:
        with task.step("power_on"):
            task.journal.instruct("power_on", boot_id=before)
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
    given = task.journal.instruction
    if given is None:
        with task.step("connect"):
            way = open_way(task)
            boot_id = see_boot(task, way).boot_id
        _tell_to_shut_down(task, way, boot_id=boot_id)
    else:
        way = find_way(task)
        if answers(task, way) and not has_booted(task, way, since=given):
            task.journal.info("it was not told yet: the host is in the boot of before")
            _tell_to_shut_down(task, way, boot_id=given.boot_id)
    with task.step("power_off"):
        quiet = 0

        def is_off() -> bool:
            nonlocal quiet
            quiet = 0 if answers(task, way) else quiet + 1
            return quiet >= QUIET_LOOKS

        task.wait_until(
            is_off, seconds=task.patience.ready, what="it still answers by SSH"
        )


def _tell_to_shut_down(task: HostTask, way: HostAccess, *, boot_id: str | None) -> None:
    with task.step("shutdown"):
        task.journal.instruct("shutdown", boot_id=boot_id)
        task.playbook("recover", access=way, variables={}, tags=(POWER_OFF_TAG,))


def _was_reset(task: HostTask, given: Instruction) -> bool:
    """Return whether a host that its board was, perhaps, told to reset has booted anew,
    by what is heard of it from now on.

    :raises RunFailed: nothing is heard that would tell.
    """
    seen = last_beat(task)
    beats_before = seen.beats if seen is not None else 0

    def is_told() -> bool:
        now = last_beat(task)
        if now is None or given.boot_id is None:
            return False
        heard = now.beats - beats_before
        return now.boot_id != given.boot_id or heard >= BEATS_OF_THE_SAME_BOOT

    with task.step("reset"):
        task.wait_until(
            is_told,
            seconds=task.patience.boot,
            what=(
                "the conductor that began this ended meanwhile, and whether the host was"
                " reset can't be told: nothing is heard of it; see it yourself, and reset"
                " it again if it was not,"
            ),
        )
    return _boot_id(task) != given.boot_id


def _await_boot(task: HostTask, board: OpenBoard, *, before: str | None) -> None:
    """Return when the host has power and, where its agents are on it, is heard.

    :param before: the boot that it was heard of before; None: it never was, so that
        whatever it says from now on counts.
    """
    since = moment(task)

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
    heartbeat = last_beat(task)
    return None if heartbeat is None else heartbeat.boot_id
