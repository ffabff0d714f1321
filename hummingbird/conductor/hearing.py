# SPDX-License-Identifier: Apache-2.0
"""Whether a run's host was heard, by the gateways' listening clock.

A run may be queued on one machine, begun on a second and ended on a third; the gateway that
hears the host may be on a fourth. None of their wall clocks is compared.
"""

from datetime import datetime

from hummingbird.conductor.task import HostTask
from hummingbird.db.repository import hearing as hearing_repository
from hummingbird.db.repository import heartbeat as heartbeat_repository
from hummingbird.domain.hearing import Moment
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.liveness import Allowance


def moment(task: HostTask) -> Moment:
    """Return the present moment, for a later `is_heard`."""
    with task.neighbours.database.reader() as connection:
        clock = hearing_repository.shared_clock(connection)
    return Moment(task.clock.now(), clock)


def last_beat(task: HostTask) -> Heartbeat | None:
    """Return the host's last heartbeat; None: it was never heard."""
    with task.neighbours.database.reader() as connection:
        return heartbeat_repository.of_host(connection, task.host.id)


def is_heard(task: HostTask, *, since: Moment) -> bool:
    """Return whether a heartbeat came after `since`."""
    beat = last_beat(task)
    return beat is not None and since.is_before(beat)


def is_heard_again(task: HostTask, *, lost_at: datetime) -> bool:
    """Return whether a host that was lost is heard: its last beat is no older than that of
    a host of which all is well.

    :param lost_at: when it was seen to be lost; counts where nobody can tell how old the
        beat is on the listening clock.
    """
    with task.neighbours.database.snapshot() as connection:
        beat = heartbeat_repository.of_host(connection, task.host.id)
        said = hearing_repository.read(connection)
    if beat is None:
        return False
    age = said.age_seconds(beat)
    if age is None:
        return Moment(lost_at, None).is_before(beat)
    return age < Allowance.of(beat.period_seconds).late_seconds
