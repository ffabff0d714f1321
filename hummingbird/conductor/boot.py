# SPDX-License-Identifier: Apache-2.0
"""A host boots anew once, whoever ends while it does.

What boots a host can't be taken back, and must not be done twice. So a run first writes
down that it is about to do it, and the boot that the host is in (`Journal.instruct`);
whoever goes on with the run, after a conductor's end of any kind, asks the host which
boot it is in now before it does anything: another boot means that it was done, the same
boot that it was not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from hummingbird.adapters.ansible.playbook import HostAccess
from hummingbird.conductor.task import HostTask
from hummingbird.conductor.way_in import open_way
from hummingbird.domain.run import Instruction
from hummingbird.errors import HostUnreachable, RunFailed

TIMEOUT_VARIABLE: Final = "recover_reboot_timeout_seconds"
LOOK_TAG: Final = "boot_look"
SAME_LOOKS: Final = 3
BETWEEN_LOOKS_SECONDS: Final = 2.0
"""A host that was told to go down says so within a second or two (systemd's state
"stopping") or answers no more; one that says three times, two seconds apart, that it runs
in the boot of before was not told."""
BOOT_ID_FACT: Final = "boot_id"
STOPPING_FACT: Final = "boot_stopping"


@dataclass(frozen=True)
class Boot:
    """Which boot a host is in."""

    boot_id: str
    is_stopping: bool
    """It is on its way down."""


def see_boot(task: HostTask, way: HostAccess) -> Boot:
    """Ask the host, over SSH, which boot it is in.

    :raises HostUnreachable: it does not answer.
    :raises RunFailed: it does not say; what is no boot id (a UUID, random(4)) is nothing.
    """
    told = task.playbook("recover", access=way, variables={}, tags=(LOOK_TAG,))
    try:
        boot_id = str(UUID(told.facts.get(BOOT_ID_FACT, "")))
    except ValueError as error:
        raise RunFailed(
            step=task.journal.step or LOOK_TAG,
            message="the host does not say which boot it is in",
        ) from error
    return Boot(boot_id, told.facts.get(STOPPING_FACT) == "yes")


def boot_once(
    task: HostTask,
    *,
    step: str,
    tag: str,
    prepare: Callable[[HostAccess], None] = lambda way: None,
) -> None:
    """Boot the host anew by SSH, by the play `tag`, unless this run has done so already.

    Returns when the host answers in another boot (the play waits for it).

    :param prepare: what is done first, once there is a way in.
    """
    given = task.journal.instruction
    with task.step("connect"):
        # It may be on its way up.
        way = open_way(task, seconds=None if given is None else task.patience.boot)
        prepare(way)
        if given is None:
            boot_id = see_boot(task, way).boot_id
        elif has_booted(task, way, since=given):
            boot_id = None
        else:
            boot_id = given.boot_id
            task.journal.info(
                "it was not booted yet: the host is in the boot of before"
            )
    if boot_id is None:
        task.journal.skip(step, message="done before: the host is in another boot")
        return
    with task.step(step):
        task.journal.instruct(step, boot_id=boot_id)
        timeout = {TIMEOUT_VARIABLE: int(task.patience.playbook)}
        task.playbook("recover", access=way, variables=timeout, tags=(tag,))


def has_booted(task: HostTask, way: HostAccess, *, since: Instruction) -> bool:
    """Return whether the host has booted anew since it was, perhaps, told to; wait for a
    host that is on its way down or up.

    :raises HostUnreachable: it does not come back in time.
    """
    deadline = task.clock.monotonic() + task.patience.boot
    same = 0
    while True:
        task.check()
        try:
            seen: Boot | None = see_boot(task, way)
        except HostUnreachable:
            seen = None
        if seen is not None and seen.boot_id != since.boot_id:
            return True
        is_up = seen is not None and not seen.is_stopping
        same = same + 1 if is_up else 0
        if same >= SAME_LOOKS:
            return False
        if task.clock.monotonic() >= deadline:
            raise HostUnreachable(
                hostname=task.host.hostname,
                address=way.address,
                message="it was told to boot anew and does not come back",
            )
        task.pause(BETWEEN_LOOKS_SECONDS)
