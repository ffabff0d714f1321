# SPDX-License-Identifier: Apache-2.0
"""Reboot of a locked host, on request."""

from hummingbird.conductor.recover import variables
from hummingbird.conductor.task import HostTask
from hummingbird.conductor.way_in import open_way
from hummingbird.domain.recovery import Rung


def reboot(task: HostTask) -> None:
    """Reboot the host; done when it answers by SSH with another boot id (the playbook's
    module compares them)."""
    with task.step("connect"):
        access = open_way(task)
    with task.step("reboot"):
        task.playbook(
            "recover",
            access=access,
            variables=variables(task),
            tags=(Rung.REBOOT.value,),
        )
    task.conclude()
