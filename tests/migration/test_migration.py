# SPDX-License-Identifier: Apache-2.0
"""The migrations, walked one by one, add up to the model."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from hummingbird.db import migration
from hummingbird.db.model import METADATA
from hummingbird.db.repository import alarm as alarms
from hummingbird.db.session import Database


def test_the_migrations_add_up_to_the_model(empty_database: Database) -> None:
    script = ScriptDirectory.from_config(migration.alembic_config())
    revisions = [step.revision for step in script.walk_revisions()][::-1]
    for revision in revisions:
        migration.upgrade(empty_database, revision=revision)
    with empty_database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == revisions[-1]
        assert compare_metadata(context, METADATA) == []
    names = set(inspect(empty_database.engine).get_table_names())
    assert names == set(METADATA.tables) | {"alembic_version"}


def test_a_second_start_changes_nothing(empty_database: Database) -> None:
    migration.upgrade(empty_database)
    migration.upgrade(empty_database)
    with empty_database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_alarms_of_the_first_schema_stay_ours(empty_database: Database) -> None:
    migration.upgrade(empty_database, revision="0001")
    with empty_database.writer() as connection:
        connection.exec_driver_sql(
            "INSERT INTO alarm (uuid, alarm_id, entity_type_id, entity_instance_id,"
            " severity, reason_text, alarm_type, probable_cause,"
            " proposed_repair_action, service_affecting, suppression, mgmt_affecting,"
            " degrade_affecting, raised_at) VALUES ('u', '200.001', 'system.host',"
            " 'host=edge-0', 'warning', 'r', 't', 'c', 'p', true, false, true, false,"
            " '2026-01-01 00:00:00+00:00')"
        )
    migration.upgrade(empty_database)
    with empty_database.reader() as connection:
        (only,) = alarms.list_all(connection)
    assert (only.uuid, only.posted) == ("u", False)
