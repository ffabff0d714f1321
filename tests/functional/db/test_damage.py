# SPDX-License-Identifier: Apache-2.0
"""A damaged SQLite file: a start refuses it, a process that meets it says so once."""

import logging
import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from hummingbird.api.controllers import health
from hummingbird.api.http.authentication import ANONYMOUS
from hummingbird.clock import SystemClock
from hummingbird.cmd.bootstrap import open_database
from hummingbird.conf import new
from hummingbird.db.session import Database
from hummingbird.errors import DatabaseDamaged

ROWS = 2000


def fill(file: Path, *, word: str) -> Database:
    database = Database(f"sqlite:///{file}")
    with database.writer() as connection:
        connection.execute(
            text("CREATE TABLE word (id INTEGER PRIMARY KEY, word TEXT)")
        )
        connection.execute(text("CREATE INDEX by_word ON word (word)"))
        for number in range(ROWS):
            connection.execute(
                text("INSERT INTO word (word) VALUES (:word)"),
                {"word": f"{word} {number} " * 20},
            )
    return database


def overwrite(file: Path) -> None:
    """Put other bytes where the table's pages are, not in the header."""
    with file.open("r+b") as stream:
        stream.seek(8 * 4096)
        stream.write(b"\xff" * 40 * 4096)


def conf_of(folder: Path) -> object:
    conf = new()
    conf([], project="hummingbird", default_config_files=[])
    conf.set_override("state_directory", str(folder))
    return conf


def damaged(folder: Path) -> Path:
    file = folder / "hummingbird.sqlite"
    database = fill(file, word="a")
    with database.bare() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    overwrite(file)
    return file


def test_a_start_refuses_a_damaged_file_and_says_how_to_restore_it(
    tmp_path: Path,
) -> None:
    file = damaged(tmp_path)
    with pytest.raises(DatabaseDamaged) as caught:
        open_database(conf_of(tmp_path), SystemClock())
    said = str(caught.value)
    assert "\n" not in said
    assert all(f"{file}{end}" in said for end in ("", "-wal", "-shm"))
    assert caught.value.code == "hummingbird.database.damaged"


def test_a_start_refuses_a_copy_beside_the_wal_of_another_file(tmp_path: Path) -> None:
    file, other = tmp_path / "hummingbird.sqlite", tmp_path / "backup.sqlite"
    fill(other, word="a longer one, of before").dispose()
    old = fill(file, word="a")
    with old.bare() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        # A later change, of some pages only, is what the -wal has.
        connection.execute(text("DELETE FROM word WHERE id % 50 = 0"))
        connection.commit()
        wal = Path(f"{file}-wal").read_bytes()
    old.dispose()
    assert wal
    shutil.copy(other, file)
    Path(f"{file}-wal").write_bytes(wal)
    with pytest.raises(DatabaseDamaged, match="-wal"):
        open_database(conf_of(tmp_path), SystemClock())


def test_what_is_no_database_is_damaged(tmp_path: Path) -> None:
    file = tmp_path / "hummingbird.sqlite"
    file.write_bytes(b"not SQLite at all" * 1000)
    with pytest.raises(DatabaseDamaged):
        open_database(conf_of(tmp_path), SystemClock())


def test_a_whole_file_starts(tmp_path: Path) -> None:
    open_database(conf_of(tmp_path), SystemClock()).dispose()
    open_database(conf_of(tmp_path), SystemClock()).dispose()


def test_damage_met_at_run_time_is_told_once_and_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(f"sqlite:///{damaged(tmp_path)}")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(DatabaseDamaged), database.reader() as connection:
                connection.execute(text("SELECT sum(length(word)) FROM word")).all()
    assert [one.message.split(":")[0] for one in caplog.records] == [
        "hummingbird.database.damaged"
    ]
    assert database.damage is not None
    assert not database.damage.worth_a_retry
    database.dispose()


def test_health_is_not_ready_once_damage_was_met(tmp_path: Path) -> None:
    database = open_database(conf_of(tmp_path), SystemClock())
    database.damage = DatabaseDamaged(message="malformed", remedy="restore it")

    class Context:
        user = ANONYMOUS

    class Has:
        pass

    class Call:
        context = Context
        dependencies = Has

    Has.database = database  # type: ignore[attr-defined]
    with pytest.raises(DatabaseDamaged):
        health.get(Call)  # type: ignore[arg-type]
    database.dispose()
