# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of the tests' own: in a folder of its own, on a unix socket.

It never runs as root (PostgreSQL refuses that) and ends with the tests even when they are
killed. A test that wants tables gets the one migrated database, emptied: that is ten
times faster than a database of its own, and nothing of another test is left in it.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from hummingbird.db import migration
from hummingbird.db.model import METADATA
from hummingbird.db.session import Database

USER = "hummingbird"
MIGRATED = "migrated"
_START_SECONDS = 90.0

_EMPTY = """
CREATE FUNCTION empty_tables(names text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
    filled boolean;
BEGIN
    SET LOCAL session_replication_role = replica;  -- whatever refers to whatever
    FOREACH name IN ARRAY names LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO filled;
        IF filled THEN
            EXECUTE format('DELETE FROM %I', name);
        END IF;
    END LOOP;
    PERFORM setval(format('%I', sequencename)::regclass, start_value, false)
        FROM pg_sequences WHERE last_value IS NOT NULL;
END $$
"""
"""TRUNCATE makes new files for each table and index: three times the work."""

_ANEW_EVERY = 25
"""What is deleted stays in the files; so often they are made anew."""


def binary(name: str) -> str:
    """Return the path of one of PostgreSQL's programs.

    :raises FileNotFoundError: PostgreSQL's server is not installed.
    """
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise FileNotFoundError(
            f"{name} is missing: install the Debian package postgresql"
        )
    return found


class PostgresqlServer:
    """One server; `stop` leaves nothing of it."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="hb-pg-", dir="/tmp"))
        self._count = self._emptied = 0
        self._become: list[str] = []
        if os.geteuid() == 0:
            account = _account()
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            self._become = [
                "setpriv",
                f"--reuid={account.pw_uid}",
                f"--regid={account.pw_gid}",
                "--clear-groups",
                "--pdeathsig=QUIT",
            ]
        self._make()
        self._process = self._start()

    def url(self, name: str) -> str:
        """Return the SQLAlchemy URL of the database `name`."""
        return f"postgresql+psycopg://{USER}@/{name}?host={self._folder}"

    @property
    def socket(self) -> str:
        """The path of the socket that it listens on, e.g. for a proxy."""
        return f"{self._folder}/.s.PGSQL.5432"

    def url_by(self, port: int, name: str = MIGRATED) -> str:
        """Return the URL of the database `name` by a proxy's port of 127.0.0.1."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{port}/{name}"

    def create(self) -> str:
        """Make a new database without tables and return its name."""
        self._count += 1
        name = f"test_{self._count}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return name

    def create_named(self, name: str) -> None:
        """Make a new database of that name without tables."""
        self._execute(f"CREATE DATABASE {name} TEMPLATE template0")

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def make_migrated(self) -> None:
        """Make the database MIGRATED, its schema at the head of the migrations."""
        self._execute(f"CREATE DATABASE {MIGRATED} TEMPLATE template0")
        database = Database(self.url(MIGRATED))
        migration.upgrade(database)
        database.dispose()
        with self._connect(MIGRATED) as connection:
            connection.execute(_EMPTY)

    def empty(self) -> None:
        """Remove every row of MIGRATED; ids begin at 1 again.

        Connections that a test left open are closed first: one of them might hold a lock.
        """
        tables = list(METADATA.tables)
        self._emptied += 1
        with self._connect(MIGRATED) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if self._emptied % _ANEW_EVERY:
                connection.execute("SELECT empty_tables(%s)", [tables])
            else:
                names = ", ".join(tables)
                words = f"TRUNCATE {names} RESTART IDENTITY CASCADE"
                connection.execute(words.encode())

    def stop(self) -> None:
        """End the server and remove its folder."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=30)
        shutil.rmtree(self._folder)

    def end(self) -> None:
        """End the server as an upgrade of it does: who is connected is cut off. What is
        stored stays, for `begin`."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=60)

    def begin(self) -> None:
        """Start it again; returns when it takes connections."""
        self._process = self._start()

    def _make(self) -> None:
        data = self._folder / "data"
        initdb = [binary("initdb"), "-D", str(data), "-U", USER, "-A", "trust"]
        subprocess.run(
            [*self._become, *initdb, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            check=True,
            capture_output=True,
            cwd="/",
        )

    def _start(self) -> "subprocess.Popen[bytes]":
        data = self._folder / "data"
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [
                    *self._become,
                    binary("postgres"),
                    *("-D", str(data), "-k", str(self._folder)),
                    *("-c", "listen_addresses=", "-c", "fsync=off"),
                    *("-c", "shared_buffers=32MB", "-c", "max_connections=100"),
                    *("-c", "full_page_writes=off", "-c", "autovacuum=off"),
                ],
                stdout=log,
                stderr=log,
                cwd="/",
            )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self._connect().close()
                return process
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    text = (self._folder / "log").read_text()
                    raise RuntimeError(f"PostgreSQL did not start: {text}") from error
                time.sleep(0.05)

    def _connect(
        self, name: str = "postgres"
    ) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host=str(self._folder), user=USER, dbname=name, autocommit=True
        )

    def _execute(self, statement: str) -> None:
        with self._connect() as connection:
            connection.execute(statement.encode())


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")
