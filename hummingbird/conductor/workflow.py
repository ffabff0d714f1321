# SPDX-License-Identifier: Apache-2.0
"""Which workflow does which kind of run."""

from collections.abc import Callable, Mapping
from typing import Final

from hummingbird.conductor.host_lock import force_lock, lock
from hummingbird.conductor.power import power_off, power_on, reboot, reset
from hummingbird.conductor.provision import reinstall, unlock
from hummingbird.conductor.recover import recover
from hummingbird.conductor.retire import retire
from hummingbird.conductor.rotate import rotate
from hummingbird.conductor.task import HostTask
from hummingbird.domain.run import RunKind

WORKFLOWS: Final[Mapping[RunKind, Callable[[HostTask], None]]] = {
    RunKind.UNLOCK: unlock,
    RunKind.LOCK: lock,
    RunKind.FORCE_LOCK: force_lock,
    RunKind.REINSTALL: reinstall,
    RunKind.REBOOT: reboot,
    RunKind.RESET: reset,
    RunKind.POWER_ON: power_on,
    RunKind.POWER_OFF: power_off,
    RunKind.RECOVER: recover,
    RunKind.RETIRE: retire,
    RunKind.ROTATE: rotate,
}
