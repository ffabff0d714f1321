# SPDX-License-Identifier: Apache-2.0
"""The migrations, walked one by one, add up to the model."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from hummingbird.db import migration
from hummingbird.db.model import METADATA
from hummingbird.db.repository import address as addresses
from hummingbird.db.repository import address_pool as address_pools
from hummingbird.db.repository import alarm as alarms
from hummingbird.db.repository import facts
from hummingbird.db.repository import host as hosts
from hummingbird.db.session import Database
from hummingbird.domain.board import BOUND, board_of
from hummingbird.errors import AddressTaken


def test_the_last_file_is_the_head() -> None:
    script = ScriptDirectory.from_config(migration.alembic_config())
    assert migration.head() == script.get_current_head()


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


def test_networks_and_hosts_of_before_have_pools_and_addresses(
    empty_database: Database,
) -> None:
    migration.upgrade(empty_database, revision="0006")
    hosts = [
        (1, "edge-0", "'10.20.0.5'", """{"bm_ip": "10.9.9.9"}"""),
        (2, "edge-1", "'fd00:20::5'", """{"bm_ip": "10.9.9.9"}"""),
        (3, "edge-2", "NULL", "{}"),
    ]
    with empty_database.writer() as connection:
        connection.exec_driver_sql(
            "INSERT INTO emn (id, uuid, name, cidr, attachment, site, created_at) VALUES"
            " (1, 'u', 'shops', '10.20.0.0/24,fd00:20::/64', 'routed', 'shops',"
            " '2026-01-01 00:00:00+00:00')"
        )
        for number, hostname, address, attributes in hosts:
            connection.exec_driver_sql(
                "INSERT INTO host (id, uuid, hostname, mgmt_mac, mgmt_ip, emn_id, state,"
                " state_since, generation, touched, online, location, capabilities,"
                f" attributes, created_at) VALUES ({number}, '{number}', '{hostname}',"
                f" '02:00:00:00:00:0{number}', {address}, 1, 'added',"
                " '2026-01-01 00:00:00+00:00', 1, false, false, '{}', '{}',"
                f" '{attributes}', '2026-01-01 00:00:00+00:00')"
            )
    migration.upgrade(empty_database)
    with empty_database.writer() as connection:
        four, six = address_pools.of_emn(connection, 1)
        assert (four.name, four.cidr) == ("shops-ipv4", "10.20.0.0/24")
        assert (six.name, six.cidr) == ("shops-ipv6", "fd00:20::/64")
        found = [
            (one.address, one.name, one.pool_id)
            for one in addresses.list_all(connection)
        ]
        assert found == [
            ("10.20.0.5", "edge-0-mgmt", four.id),
            ("fd00:20::5", "edge-1-mgmt", six.id),
            ("10.9.9.9", "edge-0-bm", None),
        ]
        # What is made from now on agrees with what was there.
        assert address_pools.of_address(connection, "10.20.0.77") == four
        with pytest.raises(AddressTaken, match="edge-0"):
            addresses.refuse_taken(connection, ["10.20.0.5"])


def test_a_boards_password_of_before_is_bound_to_the_board_that_there_is(
    empty_database: Database,
) -> None:
    migration.upgrade(empty_database, revision="0020")
    stored = (
        '{"bm_type": "dynamic", "bm_ip": "10.9.0.7", "bm_username": "root",'
        ' "bm_password_sealed": "s"}'
    )
    with empty_database.writer() as connection:
        connection.exec_driver_sql(
            "INSERT INTO host (uuid, hostname, mgmt_mac, state, state_since, generation,"
            " location, capabilities, attributes, created_at) VALUES ('87f6b5a1-78b8-"
            "4d90-a1ca-3aa0b796d57a', 'edge-0', '02:00:00:00:00:01', 'added',"
            f" '2026-01-01 00:00:00+00:00', 1, '{{}}', '{{}}', '{stored}',"
            " '2026-01-01 00:00:00+00:00')"
        )
    migration.upgrade(empty_database)
    with empty_database.writer() as connection:
        (host,) = hosts.list_all(connection)
        assert host.attributes[BOUND] == ["redfish", "10.9.0.7", "root"]
        moved = {**host.attributes, "bm_ip": "10.66.6.6"}
        hosts.change(connection, host, now=host.created_at, attributes=moved)
        (host,) = hosts.list_all(connection)
        board = board_of(host)
    assert board is not None
    assert not board.is_bound


def test_facts_of_the_first_schema_are_shown_and_asked_for_anew(
    empty_database: Database,
) -> None:
    migration.upgrade(empty_database, revision="0001")
    with empty_database.writer() as connection:
        connection.exec_driver_sql(
            "INSERT INTO host (uuid, hostname, mgmt_mac, state, state_since, generation,"
            " location, capabilities, attributes, created_at) VALUES ('87f6b5a1-78b8-"
            "4d90-a1ca-3aa0b796d57a', 'edge-0', '02:00:00:00:00:01', 'added',"
            " '2026-01-01 00:00:00+00:00', 1, '{}', '{}', '{}',"
            " '2026-01-01 00:00:00+00:00')"
        )
        connection.exec_driver_sql(
            "INSERT INTO facts (host_id, content_hash, body, reported_at, changed_at)"
            ' SELECT id, \'h\', \'{"schema": 1, "system": {"os_id": "debian"},'
            ' "icpus": [{"cpu": 0}]}\', \'2026-01-01 00:00:00+00:00\','
            " '2026-01-01 00:00:00+00:00' FROM host"
        )
    migration.upgrade(empty_database)
    with empty_database.reader() as connection:
        (host,) = hosts.list_all(connection)
        found = facts.sections(connection, host.id)
        assert {name: part.body for name, part in found.items()} == {
            "system": {"os_id": "debian"},
            "icpus": [{"cpu": 0}],
        }
        assert host.inventoried
        assert facts.hosts_known(connection, [host.id]) == set()
