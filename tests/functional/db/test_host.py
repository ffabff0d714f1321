# SPDX-License-Identifier: Apache-2.0
"""The host repository on a real database: uniqueness, compare-and-set, reservations."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from hummingbird.db.repository import emn as emns
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import system
from hummingbird.db.session import Database
from hummingbird.domain.host import Host
from hummingbird.domain.host_machine import Event
from hummingbird.domain.host_state import HostState
from hummingbird.errors import (
    AddressOutsideEveryNetwork,
    AddressTaken,
    HostBusy,
    HostGenerationConflict,
    HostnameTaken,
    HostNotFound,
    HummingbirdError,
    MacTaken,
    TransitionRefused,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def add(database: Database, number: int, *, address: str | None = None) -> Host:
    with database.writer() as connection:
        return hosts.create(
            connection,
            hostname=f"edge-{number}",
            mgmt_mac=f"02:00:00:00:00:{number:02x}",
            mgmt_ip=address,
            emn_id=None,
            credential_id=None,
            serialid=None,
            location={"locn": "hall 3"},
            capabilities={},
            attributes={},
            now=NOW,
        )


def test_a_host_is_found_by_id_uuid_and_name_in_any_case(database: Database) -> None:
    made = add(database, 1)
    with database.reader() as connection:
        for name in (str(made.id), made.uuid, "edge-1", "EDGE-1"):
            assert hosts.find(connection, name) == made
        with pytest.raises(HostNotFound):
            hosts.find(connection, "edge-9")
    assert made.state is HostState.ADDED
    assert made.generation == 1
    assert made.created_at == NOW
    assert made.location == {"locn": "hall 3"}


def test_name_mac_and_address_belong_to_one_host(database: Database) -> None:
    add(database, 1, address="192.168.204.101")
    with database.writer() as connection:

        def another(**changes: str | None) -> None:
            values: dict[str, str | None] = {
                "hostname": "edge-2",
                "mgmt_mac": "02:00:00:00:00:02",
                "mgmt_ip": "192.168.204.102",
            }
            values.update(changes)
            hosts.create(
                connection,
                emn_id=None,
                credential_id=None,
                serialid=None,
                location={},
                capabilities={},
                attributes={},
                now=NOW,
                **values,  # type: ignore[arg-type]
            )

        with pytest.raises(HostnameTaken):
            another(hostname="edge-1")
        with pytest.raises(MacTaken):
            another(mgmt_mac="02:00:00:00:00:01")
        with pytest.raises(AddressTaken):
            another(mgmt_ip="192.168.204.101")
        another()
    with database.reader() as connection:
        assert [host.hostname for host in hosts.list_all(connection)] == [
            "edge-1",
            "edge-2",
        ]


def test_of_many_that_add_the_same_name_at_once_one_wins(database: Database) -> None:
    def attempt(_number: int) -> str:
        try:
            add(database, 7)
        except HummingbirdError as error:
            return type(error).__name__
        return "added"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(8)))
    assert outcomes.count("added") == 1
    assert set(outcomes) <= {"added", "HostnameTaken"}


def test_a_change_by_what_was_read_before_somebody_elses_is_refused(
    database: Database,
) -> None:
    stale = add(database, 1)
    with database.writer() as connection:
        fresh = hosts.change(connection, stale, now=NOW, serialid="A1")
    assert fresh.generation == 2
    with pytest.raises(HostGenerationConflict), database.writer() as connection:
        hosts.change(connection, stale, now=NOW, serialid="B2")
    with database.reader() as connection:
        assert hosts.get(connection, stale.id).serialid == "A1"


def test_only_the_table_moves_a_host(database: Database) -> None:
    host = add(database, 1)
    later = NOW + timedelta(seconds=5)
    with database.writer() as connection:
        moved = hosts.move(
            connection, host, Event.PROVISION, now=later, action="unlock"
        )
    assert moved.state is HostState.PROVISIONING
    assert moved.state_since == later
    assert moved.action == "unlock"
    with pytest.raises(TransitionRefused), database.writer() as connection:
        hosts.move(connection, moved, Event.LOCK, now=later)
    with database.reader() as connection:
        assert hosts.get(connection, host.id) == moved


def test_a_reservation_keeps_others_out_until_it_is_given_back(
    database: Database,
) -> None:
    host = add(database, 1)
    with database.writer() as connection:
        held = hosts.reserve(connection, host, owner="c1", purpose="unlock", now=NOW)
        assert held.reservation_purpose == "unlock"
        hosts.reserve(connection, host, owner="c1", purpose="unlock", now=NOW)
    with pytest.raises(HostBusy, match="unlock"), database.writer() as connection:
        hosts.reserve(connection, host, owner="c2", purpose="lock", now=NOW)
    with database.writer() as connection:
        hosts.release(connection, host.id, owner="c2")
        assert hosts.get(connection, host.id).reservation_owner == "c1"
        assert hosts.release_all(connection, owner="c1") == 1
        hosts.reserve(connection, host, owner="c2", purpose="lock", now=NOW)


def test_pages_follow_each_other_without_gap_or_repeat(database: Database) -> None:
    for number in range(1, 8):
        add(database, number)
    seen: list[str] = []
    after: Host | None = None
    while True:
        with database.reader() as connection:
            page = hosts.list_all(
                connection, sort_key="state", descending=True, limit=3, after=after
            )
        if not page:
            break
        seen += [host.hostname for host in page]
        after = page[-1]
    assert seen == [f"edge-{number}" for number in range(7, 0, -1)]


def test_a_new_database_knows_the_management_network_once(database: Database) -> None:
    for _start in range(2):
        with database.writer() as connection:
            system.seed(connection, name="s", mn_cidr="192.168.204.0/24", now=NOW)
    with database.reader() as connection:
        assert [emn.name for emn in emns.list_all(connection)] == ["mn"]
        assert emns.of_address(connection, "192.168.204.77").name == "mn"
        with pytest.raises(AddressOutsideEveryNetwork):
            emns.of_address(connection, "10.20.0.11")


def test_ids_begin_above_those_that_a_sysinv_would_ever_give(
    database: Database,
) -> None:
    first, second = add(database, 1), add(database, 2)
    assert (first.id, second.id) == (hosts.FIRST_ID + 1, hosts.FIRST_ID + 2)
