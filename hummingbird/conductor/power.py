# SPDX-License-Identifier: Apache-2.0
"""The power of a locked host, on request: reboot, reset, off.

All of it goes by SSH. A host that is switched off says nothing on purpose: it is neither
lost nor recovered, and comes online by itself when somebody presses its button.
"""

from typing import Final

from hummingbird.conductor.recover import variables
from hummingbird.conductor.task import HostTask
from hummingbird.conductor.way_in import answers, find_way, open_way
from hummingbird.domain.recovery import Rung

RESET_TAG: Final = "reset"
POWER_OFF_TAG: Final = "power_off"
QUIET_LOOKS: Final = 3
"""So many looks without an answer, one after the other, are no lost packet."""


def reboot(task: HostTask) -> None:
    """Reboot the host; done when it answers by SSH with another boot id (the playbook's
    module compares them)."""
    _boot_again(task, step="reboot", tag=Rung.REBOOT.value)


def reset(task: HostTask) -> None:
    """Reboot the host without waiting for what runs on it to end."""
    _boot_again(task, step="reset", tag=RESET_TAG)


def power_off(task: HostTask) -> None:
    """Shut the host down; done when it answers no more."""
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
    task.conclude(powered_off=True, online=False)


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


def _was_told(task: HostTask, *steps: str) -> bool:
    """Return whether a conductor that died was this far: a host is not told twice."""
    return task.run.attempt > 1 and task.run.current_step in steps
