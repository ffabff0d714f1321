# SPDX-License-Identifier: Apache-2.0
"""Every alarm id of the catalogue has its row, once, whoever starts beside us."""

import pytest

from hummingbird.db.repository import event_suppression
from hummingbird.db.session import Database
from hummingbird.domain.alarm_catalogue import CATALOGUE

KINDS = tuple(CATALOGUE.values())


def test_each_start_gives_new_ids_a_row_and_keeps_what_was_chosen(
    database: Database,
) -> None:
    with database.writer() as connection:
        event_suppression.sync(connection, KINDS[1:])
        (first, *_) = event_suppression.list_all(connection)
        event_suppression.change(connection, first.uuid, suppressed=True)
        event_suppression.sync(connection, KINDS)
        rows = event_suppression.list_all(connection)
        assert event_suppression.suppressed(connection) == {first.alarm_id}
    assert sorted(row.alarm_id for row in rows) == sorted(CATALOGUE)


def test_what_another_process_adds_at_the_same_instant_is_no_failure(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.writer() as connection:
        event_suppression.sync(connection, KINDS[:3])
        before = event_suppression.list_all(connection)
        # They came after we had looked.
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(event_suppression, "list_all", lambda _: [])
            event_suppression.sync(connection, KINDS)
        rows = event_suppression.list_all(connection)
    assert sorted(row.alarm_id for row in rows) == sorted(CATALOGUE)
    assert set(before) <= set(rows)
