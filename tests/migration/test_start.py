# SPDX-License-Identifier: Apache-2.0
"""Processes that start: several at once, before the schema, and beside a newer one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from hummingbird.clock import SystemClock
from hummingbird.cmd.bootstrap import open_database
from hummingbird.conf import Conf, new
from hummingbird.db import migration
from hummingbird.db.repository import emn, system
from hummingbird.db.session import Database
from hummingbird.errors import SchemaTooNew, SchemaTooOld

AT_ONCE = 3
PATIENCE_SECONDS = 240.0


@pytest.fixture
def conf(empty_database: Database, tmp_path: Path) -> Conf:
    made = new()
    made([], project="hummingbird", default_config_files=[])
    made.set_override("state_directory", str(tmp_path / "state"))
    url = empty_database.engine.url.render_as_string(hide_password=False)
    made.set_override("url", url, group="database")
    return made


@pytest.fixture
def at_head(empty_database: Database) -> Iterator[Database]:
    migration.upgrade(empty_database)
    yield empty_database


def _settings(conf: Conf, folder: Path) -> Path:
    path = folder / "hummingbird.conf"
    path.write_text(
        f"[DEFAULT]\nstate_directory = {conf.state_directory}\n"
        f"[database]\nurl = {conf.database.url.replace('$', '$$')}\n"
    )
    return path


def test_processes_that_start_at_once_all_come_up(
    conf: Conf, empty_database: Database, tmp_path: Path
) -> None:
    argv = [sys.executable, "-m", "hummingbird.cmd.db_sync"]
    argv += ["--config-file", str(_settings(conf, tmp_path))]
    processes = [
        subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
        for _ in range(AT_ONCE)
    ]
    said = [process.communicate(timeout=PATIENCE_SECONDS)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * AT_ONCE, said
    assert migration.at(empty_database) == migration.head()
    with empty_database.reader() as connection:
        assert system.get(connection).name == "hummingbird"
        assert [one.name for one in emn.list_all(connection)] == ["mn"]


def test_who_is_in_the_middle_is_waited_for(
    empty_database: Database, conf: Conf, tmp_path: Path
) -> None:
    argv = [sys.executable, "-m", "hummingbird.cmd.db_sync"]
    argv += ["--config-file", str(_settings(conf, tmp_path))]
    with migration.alone(empty_database):
        process = subprocess.Popen(argv)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3.0)
        assert migration.at(empty_database) is None
    assert process.wait(PATIENCE_SECONDS) == 0
    assert migration.at(empty_database) == migration.head()


def test_a_process_goes_on_beside_the_schema_of_the_next_release(
    at_head: Database, conf: Conf
) -> None:
    with at_head.writer() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database = open_database(conf, SystemClock())
    with database.reader() as connection:
        assert system.get(connection).name == "hummingbird"
    database.dispose()
    assert migration.at(at_head) == "9999", "it is left as it is"


def test_a_process_refuses_a_schema_that_left_its_release_behind(
    at_head: Database, conf: Conf
) -> None:
    with at_head.writer() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("UPDATE schema_floor SET revision = '9998'"))
    with pytest.raises(SchemaTooNew, match=f"9998.*{migration.head()}"):
        open_database(conf, SystemClock())


def test_a_process_may_be_told_to_leave_the_schema_alone(
    empty_database: Database, conf: Conf
) -> None:
    conf.set_override("upgrade_at_start", False, group="database")
    with pytest.raises(SchemaTooOld, match="db-sync"):
        open_database(conf, SystemClock())
    assert migration.at(empty_database) is None
    migration.upgrade(empty_database)
    open_database(conf, SystemClock()).dispose()


def test_what_a_migration_says_of_older_releases_is_found(tmp_path: Path) -> None:
    file = tmp_path / "0031_x.py"
    file.write_text('revision = "0031"\nFLOOR = "0029"\n')
    assert migration._floor_of(file) == "0029"
    assert migration.floor() <= migration.head()
