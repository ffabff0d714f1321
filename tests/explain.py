# SPDX-License-Identifier: Apache-2.0
"""What a database does for each statement that it is sent, in its own words."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from hummingbird.db.session import Connection, Database

GROWING = {
    "address",
    "agent_session",
    "board",
    "event_log",
    "facts",
    "facts_item",
    "facts_section",
    "heartbeat",
    "host",
    "label",
    "run",
    "run_event",
    "tunnel",
}
"""Tables that have rows for each host, or for what was done to it."""


class Watched:
    """The statements of a database, and what of each walks through a whole table."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.statements: list[str] = []
        self.walks: list[str] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        self.statements, self.walks = [], []
        engine = self._database.engine
        event.listen(engine, "after_cursor_execute", self._note)
        try:
            yield
        finally:
            event.remove(engine, "after_cursor_execute", self._note)

    def _note(
        self,
        connection: Connection,
        _cursor: Any,
        statement: str,
        parameters: Any,
        _context: Any,
        executemany: bool,
    ) -> None:
        self.statements.append(statement)
        if not statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE")):
            return
        given = parameters[0] if executemany else parameters
        cursor = connection.connection.cursor()
        explain = _sqlite if connection.dialect.name == "sqlite" else _postgresql
        for table in explain(cursor, statement, given) & GROWING:
            self.walks.append(f"{table}: {statement}")
        cursor.close()


def _sqlite(cursor: Any, statement: str, parameters: Any) -> set[str]:
    cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
    words = [row[3].split() for row in cursor.fetchall()]
    return {line[1] for line in words if line[0] == "SCAN"}


def _postgresql(cursor: Any, statement: str, parameters: Any) -> set[str]:
    # A table of a test fits on one page, where no index pays: what is asked is whether
    # there is one that could serve.
    # Not SET LOCAL: who only reads is in no transaction.
    cursor.execute("SET enable_seqscan = off")
    cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    found = cursor.fetchone()[0]
    cursor.execute("RESET enable_seqscan")
    plan = json.loads(found) if isinstance(found, str) else found
    return set(_scanned(plan[0]["Plan"]))


def _scanned(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for inner in node.get("Plans", ()):
        yield from _scanned(inner)
