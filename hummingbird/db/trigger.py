# SPDX-License-Identifier: Apache-2.0
"""Triggers: whatever changes something that a verdict or an alarm hangs on leaves a row in
the table `attention`, in its own transaction.

In the database and not in the repositories, so that nobody forgets it: a process of the
release before, that works beside this one, and a person with a database client leave the
row as well. `put` makes them anew, after each change of the schema: SQLite drops the
triggers of a table that a migration makes anew.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, inspect, text


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """After what is noted what. Expressions are SQL that both databases read, of the rows
    OLD and NEW."""

    table: str
    event: str
    """INSERT, UPDATE or DELETE."""
    differs: tuple[str, ...] = ()
    """Columns of which one must have changed; none: any update counts."""
    when: str = ""
    host_id: str = "NULL"
    emn_id: str = "NULL"
    subject: str = "NULL"
    suffix: str = ""

    @property
    def name(self) -> str:
        """Its name in the database."""
        return f"attention_{self.table}_{self.event.lower()}{self.suffix}"

    def condition(self, *, differ: str) -> str:
        """Return its condition.

        :param differ: the operator that says that two values are not the same.
        """
        changed = " OR ".join(
            f'OLD."{name}" {differ} NEW."{name}"' for name in self.differs
        )
        parts = [f"({part})" for part in (changed, self.when) if part]
        return " AND ".join(parts)

    @property
    def action(self) -> str:
        """What it does."""
        values = f"{self.host_id}, {self.emn_id}, {self.subject}"
        return f"INSERT INTO attention (host_id, emn_id, subject) VALUES ({values});"  # noqa: S608


_OF_RUN: Final = "(SELECT id FROM host WHERE uuid = NEW.host_uuid)"
_LINK: Final = "'host=' || {row}.controller || '.interface=' || {row}.name"
_NEIGHBOUR: Final = "'neighbour=' || {row}.name"
_PROCESS: Final = "'process=' || {row}.name"
_MATTERS: Final = "{row}.type IN ('Ready', 'HostKeyKnown')"
"""The others say what other tables say too."""

TRIGGERS: Final = (
    Trigger(
        table="host",
        event="UPDATE",
        differs=(
            *("state", "online", "emn_id", "hostname", "provisioned_plan", "touched"),
            *("action", "powered_off", "reservation_owner"),
        ),
        host_id="NEW.id",
        emn_id="OLD.emn_id",
        subject="'host=' || OLD.hostname",
    ),
    Trigger(
        table="host",
        event="DELETE",
        host_id="OLD.id",
        emn_id="OLD.emn_id",
        subject="'host=' || OLD.hostname",
    ),
    # A first word; a boot that was too short to be a silence; another allowance.
    Trigger(table="heartbeat", event="INSERT", host_id="NEW.host_id"),
    Trigger(
        table="heartbeat",
        event="UPDATE",
        differs=("boot_id", "period_seconds"),
        host_id="NEW.host_id",
    ),
    Trigger(
        table="host_condition",
        event="INSERT",
        when=_MATTERS.format(row="NEW"),
        host_id="NEW.host_id",
    ),
    Trigger(
        table="host_condition",
        event="UPDATE",
        differs=("status",),
        when=_MATTERS.format(row="NEW"),
        host_id="NEW.host_id",
    ),
    Trigger(
        table="host_condition",
        event="DELETE",
        when=_MATTERS.format(row="OLD"),
        host_id="OLD.host_id",
    ),
    Trigger(
        table="neighbour_condition",
        event="INSERT",
        subject=_NEIGHBOUR.format(row="NEW"),
    ),
    Trigger(
        table="neighbour_condition",
        event="UPDATE",
        differs=("status",),
        subject=_NEIGHBOUR.format(row="NEW"),
    ),
    Trigger(
        table="neighbour_condition",
        event="DELETE",
        subject=_NEIGHBOUR.format(row="OLD"),
    ),
    Trigger(
        table="board",
        event="INSERT",
        when="NEW.away_since IS NOT NULL",
        host_id="NEW.host_id",
    ),
    Trigger(
        table="board",
        event="UPDATE",
        when="(OLD.away_since IS NULL) <> (NEW.away_since IS NULL)",
        host_id="NEW.host_id",
    ),
    Trigger(table="board", event="DELETE", host_id="OLD.host_id"),
    Trigger(
        table="address",
        event="INSERT",
        when="NEW.role = 'board'",
        host_id="NEW.host_id",
    ),
    Trigger(
        table="address",
        event="DELETE",
        when="OLD.role = 'board'",
        host_id="OLD.host_id",
    ),
    Trigger(
        table="address",
        event="UPDATE",
        differs=("role", "host_id"),
        host_id="OLD.host_id",
        suffix="_old",
    ),
    Trigger(
        table="address",
        event="UPDATE",
        differs=("role", "host_id"),
        host_id="NEW.host_id",
        suffix="_new",
    ),
    Trigger(table="host_trace", event="INSERT", host_id="NEW.host_id"),
    Trigger(table="host_trace", event="UPDATE", host_id="NEW.host_id"),
    Trigger(table="host_trace", event="DELETE", host_id="OLD.host_id"),
    Trigger(table="run", event="INSERT", when="NEW.kind = 'recover'", host_id=_OF_RUN),
    Trigger(
        table="run",
        event="UPDATE",
        differs=("state", "ended_at"),
        when="NEW.kind = 'recover'",
        host_id=_OF_RUN,
    ),
    Trigger(
        table="verdict",
        event="INSERT",
        when="NEW.liveness <> 'unknown'",
        host_id="NEW.host_id",
    ),
    Trigger(
        table="verdict",
        event="UPDATE",
        differs=("liveness",),
        host_id="NEW.host_id",
    ),
    Trigger(
        table="verdict",
        event="DELETE",
        when="OLD.liveness <> 'unknown'",
        host_id="OLD.host_id",
    ),
    Trigger(table="emn", event="UPDATE", differs=("site",)),
    Trigger(table="alarm", event="INSERT", subject="NEW.entity_instance_id"),
    Trigger(table="alarm", event="UPDATE", subject="NEW.entity_instance_id"),
    Trigger(table="alarm", event="DELETE", subject="OLD.entity_instance_id"),
    Trigger(table="link", event="INSERT", subject=_LINK.format(row="NEW")),
    Trigger(
        table="link",
        event="UPDATE",
        differs=("up_since",),
        subject=_LINK.format(row="NEW"),
    ),
    Trigger(table="link", event="DELETE", subject=_LINK.format(row="OLD")),
    # One that comes makes another of its kind not the last.
    Trigger(table="process", event="INSERT", subject=_PROCESS.format(row="NEW")),
    Trigger(
        table="process",
        event="UPDATE",
        differs=("down_since", "farewell"),
        subject=_PROCESS.format(row="NEW"),
    ),
    Trigger(table="process", event="DELETE", subject=_PROCESS.format(row="OLD")),
)


def put(connection: Connection) -> None:
    """Make the triggers as this version has them; on an older schema, those whose columns
    are there."""
    make = _sqlite if connection.dialect.name == "sqlite" else _postgresql
    schema = inspect(connection)
    columns = {
        table: {column["name"] for column in schema.get_columns(table)}
        for table in schema.get_table_names()
    }
    for trigger in TRIGGERS:
        if not set(trigger.differs) <= columns.get(trigger.table, set()):
            continue
        for statement in make(trigger):
            # Colons are SQLAlchemy's; there are none.
            connection.execute(text(statement))


def _sqlite(trigger: Trigger) -> tuple[str, ...]:
    condition = trigger.condition(differ="IS NOT")
    when = f" WHEN {condition}" if condition else ""
    return (
        f"DROP TRIGGER IF EXISTS {trigger.name}",
        f"CREATE TRIGGER {trigger.name} AFTER {trigger.event} ON {trigger.table}"
        f" FOR EACH ROW{when} BEGIN {trigger.action} END",
    )


def _postgresql(trigger: Trigger) -> tuple[str, ...]:
    condition = trigger.condition(differ="IS DISTINCT FROM")
    when = f" WHEN ({condition})" if condition else ""
    return (
        f"CREATE OR REPLACE FUNCTION {trigger.name}() RETURNS trigger LANGUAGE plpgsql"
        f" AS $$ BEGIN {trigger.action} RETURN NULL; END $$",
        f"DROP TRIGGER IF EXISTS {trigger.name} ON {trigger.table}",
        f"CREATE TRIGGER {trigger.name} AFTER {trigger.event} ON {trigger.table}"
        f" FOR EACH ROW{when} EXECUTE FUNCTION {trigger.name}()",
    )
