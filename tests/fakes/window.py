# SPDX-License-Identifier: Apache-2.0
"""What can be seen of a deployment: its database, read as a test wants it."""

from hummingbird.db.repository import alarm as alarms
from hummingbird.db.repository import event_log
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import run as runs
from hummingbird.db.session import Database
from hummingbird.domain.host import Host
from hummingbird.domain.run import Run, RunEvent, RunKind


class Window:
    """Looks into a database."""

    database: Database

    def host(self, name: str) -> Host:
        """Return a host as it is now."""
        with self.database.reader() as connection:
            return hosts.find(connection, name)

    def exists(self, name: str) -> bool:
        """Whether a host is in the inventory."""
        with self.database.reader() as connection:
            return any(h.hostname == name for h in hosts.list_all(connection))

    def run(self, name: str) -> Run:
        """Return a run by its uuid, or the last one of a host."""
        with self.database.reader() as connection:
            return runs.find(connection, name)

    def runs(self, name: str, kind: RunKind) -> list[Run]:
        """Return the runs of one kind of a host, the oldest first."""
        with self.database.reader() as connection:
            return runs.list_all(connection, hostname=name, kind=kind)[::-1]

    def events(self, run: Run) -> list[RunEvent]:
        """Return what happened in a run."""
        with self.database.reader() as connection:
            return runs.events(connection, run.id)

    def steps(self, run: Run) -> list[tuple[str, str]]:
        """Return (step, how it ended) of a run, in order."""
        ends = {"done", "failed", "skipped"}
        return [
            (event.step, event.state)
            for event in self.events(run)
            if event.state in ends and event.task is None
        ]

    def standing(self) -> dict[str, str]:
        """Return the standing alarms: "id entity" -> severity."""
        with self.database.reader() as connection:
            return {
                f"{s.alarm.alarm_id} {s.alarm.entity_instance_id}": str(
                    s.alarm.severity
                )
                for s in alarms.list_all(connection)
            }

    def log(self) -> list[str]:
        """Return the event log as sentences, the oldest first."""
        with self.database.reader() as connection:
            lines = event_log.list_latest(connection, limit=1000)
        return [
            f"{s.event.event_log_id} {s.event.state} {s.event.reason_text}"
            for s in reversed(lines)
        ]
