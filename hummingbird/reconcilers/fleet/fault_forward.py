# SPDX-License-Identifier: Apache-2.0
"""A fault management elsewhere knows what we know.

Sees the queue of what it was not told yet; tells it in order, one by one, and takes each
out when it is there: at least once, and keyed, so that twice is once. While it is away
everything stays in the queue. What it refuses though it is well stops the others for a few
looks, and is then left out with an error in the log. Now and then its alarms are compared
with ours, and those that it lacks are queued again: it was restored, or is new. What it has
beyond ours is others' business.

The queue, not FM, is what our own lists and reconcilers never depend on.
"""

import logging
from pathlib import Path
from typing import Final

from hummingbird.adapters.fm.fault_manager import FaultManager
from hummingbird.adapters.keystone.service_user import service_user
from hummingbird.clock import Clock
from hummingbird.conf import Conf
from hummingbird.db.repository import alarm as alarm_repository
from hummingbird.db.repository import fault_outbox
from hummingbird.db.repository.fault_outbox import QueuedMessage
from hummingbird.db.session import Database
from hummingbird.domain.fault_message import alarm_set
from hummingbird.errors import FaultManagerRefused, FaultManagerUnavailable
from hummingbird.reconcilers.base import Outcome

LOG = logging.getLogger(__name__)

LOOK_SECONDS: Final = 10.0
"""How long one look goes on telling; shorter than what the driver waits at its end."""

REFUSALS: Final = 5
"""After so many a message is left out; a guess, with `[fm]retry_seconds` between them
long enough for an FM that only starts."""


class FaultForwardReconciler:
    """Empties the queue."""

    name = "fault_forward"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        fault_manager: FaultManager,
        period_seconds: float,
        audit_seconds: float,
        queue_limit: int,
    ) -> None:
        """
        :param audit_seconds: how often its alarms are compared with ours.
        :param queue_limit: how many messages wait at most.
        """
        self._database = database
        self._clock = clock
        self._fault_manager = fault_manager
        self.period_seconds = period_seconds
        self._audit_seconds = audit_seconds
        self._queue_limit = queue_limit
        self._audited_at: float | None = None

    def forget(self) -> None:
        """Compare the alarms at the next look."""
        self._audited_at = None

    def reconcile(self) -> Outcome:
        """Tell what is not told."""
        with self._database.writer() as connection:
            left_out = fault_outbox.shorten(connection, limit=self._queue_limit)
            waiting = fault_outbox.count(connection)
        said = [f"left {left_out} superseded or old messages out"] if left_out else []
        failed: list[str] = []
        try:
            said += self._audit()
            told = self._tell(failed)
        except FaultManagerUnavailable as error:
            with self._database.reader() as connection:
                rest = fault_outbox.count(connection)
            failed.append(f"{error} ({rest} messages wait)")
            told = max(0, waiting - rest)
        except FaultManagerRefused as error:
            failed.append(str(error))
            told = 0
        if told:
            said.append(f"told {told} of {max(told, waiting)} messages")
        return Outcome(looked_at=waiting, changed=tuple(said), failed=tuple(failed))

    def _tell(self, failed: list[str]) -> int:
        """Tell one after the other; return how many were told."""
        until = self._clock.monotonic() + LOOK_SECONDS
        told = 0
        while self._clock.monotonic() < until:
            with self._database.reader() as connection:
                queued = fault_outbox.first(connection)
            if queued is None:
                break
            try:
                self._fault_manager.deliver(queued.message)
            except FaultManagerRefused as error:
                failed.append(str(error))
                if not self._leave_out(queued, error):
                    break
            else:
                told += 1
            with self._database.writer() as connection:
                fault_outbox.remove(connection, queued.id)
        return told

    def _leave_out(self, queued: QueuedMessage, error: FaultManagerRefused) -> bool:
        """Note a refusal; return whether there have been enough of them."""
        if not self._fault_manager.is_well():
            return False
        if queued.refusals + 1 >= REFUSALS:
            message = queued.message
            LOG.error(
                "FM does not take %s of %s %s, which is left out: %s",
                message.kind,
                message.alarm_id,
                message.entity_instance_id,
                error,
            )
            return True
        with self._database.writer() as connection:
            fault_outbox.note_refusal(connection, queued.id)
        return False

    def _audit(self) -> list[str]:
        """Queue what FM lacks, if it is time to look; return what was done."""
        now = self._clock.monotonic()
        if (
            self._audited_at is not None
            and now - self._audited_at < self._audit_seconds
        ):
            return []
        known = self._fault_manager.standing()
        self._audited_at = now
        lacking = 0
        with self._database.writer() as connection:
            known |= fault_outbox.keys(connection)
            # Held, so that who clears one now says so after us.
            for one in alarm_repository.list_all(connection, hold=True):
                key = (one.alarm.alarm_id, one.alarm.entity_instance_id)
                if key not in known:
                    since = one.updated_at or one.raised_at
                    fault_outbox.add(connection, alarm_set(one.alarm, now=since))
                    lacking += 1
        return [f"queued {lacking} alarms that FM lacks"] if lacking else []


def from_options(
    conf: Conf, database: Database, *, clock: Clock
) -> FaultForwardReconciler | None:
    """Return the reconciler that the group [fm] describes; None without a URL.

    :raises KeystoneMisconfigured: it names a user of Keystone and not how to be it.
    """
    options = conf.fm
    if not options.url:
        return None
    ca_file = Path(options.ca_file) if options.ca_file else None
    return FaultForwardReconciler(
        database,
        clock=clock,
        fault_manager=FaultManager(
            str(options.url),
            user=service_user(
                conf, "fm", ca_file=ca_file, timeout_seconds=options.timeout_seconds
            ),
            token_file=Path(options.token_file) if options.token_file else None,
            ca_file=ca_file,
            timeout_seconds=options.timeout_seconds,
        ),
        period_seconds=options.retry_seconds,
        audit_seconds=options.audit_seconds,
        queue_limit=options.queue_limit,
    )
