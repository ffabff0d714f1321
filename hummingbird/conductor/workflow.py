# SPDX-License-Identifier: Apache-2.0
"""Which workflow does which kind of run."""

from collections.abc import Callable, Mapping
from typing import Final

from hummingbird.conductor.lock import force_lock, lock
from hummingbird.conductor.provision import unlock
from hummingbird.conductor.reboot import reboot
from hummingbird.conductor.recover import recover
from hummingbird.conductor.retire import retire
from hummingbird.conductor.task import HostTask
from hummingbird.domain.run import RunKind

WORKFLOWS: Final[Mapping[RunKind, Callable[[HostTask], None]]] = {
    RunKind.UNLOCK: unlock,
    RunKind.LOCK: lock,
    RunKind.FORCE_LOCK: force_lock,
    RunKind.REBOOT: reboot,
    RunKind.RECOVER: recover,
    RunKind.RETIRE: retire,
}
