# SPDX-License-Identifier: Apache-2.0
"""Changes of hosts' inventories: each is taken once, in order, and leaves its history."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from hummingbird.clock import ManualClock
from hummingbird.db.model import FACTS_ITEM
from hummingbird.db.repository import facts, history, host
from hummingbird.db.session import Database
from hummingbird.domain.facts import FactsChange, item_uuid
from hummingbird.errors import FactsBaseUnknown, HostNotFound, ReportInvalid
from hummingbird.wire.inventory import Change, Taken, hash_of
from tests.fakes.inventory import delta, full

ETH0 = {"pname": "eth0", "mtu": 1500, "driver": "igb"}
BEFORE: dict[str, Any] = {
    "system": {"kernel_running": "6.1"},
    "ports": [ETH0],
    "icpus": [{"cpu": 0}, {"cpu": 1}],
}
PORTS = [{**ETH0, "mtu": 9000}, {"pname": "eth1", "mtu": 1500}]
AFTER = {**BEFORE, "ports": PORTS}


class Store:
    """Two hosts, and their changes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock()
        with database.writer() as connection:
            self.hosts = [
                host.create(
                    connection,
                    hostname=f"edge-{number}",
                    mgmt_mac=f"02:00:00:00:00:0{number}",
                    mgmt_ip=None,
                    emn_id=None,
                    credential_id=None,
                    serialid=None,
                    location={},
                    capabilities={},
                    attributes={},
                    now=self.clock.now(),
                )
                for number in range(2)
            ]

    def take(self, change: Change, *, of: int = 0, most: int = 1000) -> Taken:
        with self.database.writer() as connection:
            return facts.take(
                connection,
                host_id=self.hosts[of].id,
                change=change,
                now=self.clock.now(),
                history_most=most,
            )

    def history(self, of: int = 0) -> list[FactsChange]:
        with self.database.reader() as connection:
            return history.list_latest(connection, self.hosts[of].id)

    def bodies(self, of: int = 0) -> dict[str, Any]:
        with self.database.reader() as connection:
            found = facts.sections(connection, self.hosts[of].id)
        return {name: section.body for name, section in found.items()}

    def host_of(self, kind: str, key: object, *, section: str) -> int | None:
        uuid = item_uuid(self.hosts[0].uuid, kind, key)
        with self.database.reader() as connection:
            return facts.host_of_item(connection, uuid, section=section)


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


def test_the_first_change_says_everything_and_has_no_past(store: Store) -> None:
    assert store.take(full(BEFORE)) == Taken(
        stream="a", sequence=1, hash=hash_of(BEFORE)
    )
    assert store.bodies() == BEFORE
    assert store.bodies(1) == {}
    assert store.history() == []
    with store.database.reader() as connection:
        assert host.get(connection, store.hosts[0].id).inventoried
        assert not host.get(connection, store.hosts[1].id).inventoried


def test_a_delta_changes_its_sections_and_says_what_became_what(store: Store) -> None:
    store.take(full(BEFORE))
    store.clock.advance(600)
    store.take(delta(BEFORE, {"ports": PORTS}, seen_at=1000, sent_at=301_000))
    assert store.bodies() == AFTER
    came, grew = store.history()
    assert (came.section, came.item) == ("ports", "eth1")
    assert (came.before, came.after) == (None, {"pname": "eth1", "mtu": 1500})
    assert (grew.item, grew.before, grew.after) == (
        "eth0",
        {"mtu": 1500},
        {"mtu": 9000},
    )
    assert grew.received_at == store.clock.now()
    assert grew.seen_at == store.clock.now() - timedelta(seconds=300)


def test_a_change_that_comes_twice_counts_once(store: Store) -> None:
    store.take(full(BEFORE))
    change = delta(BEFORE, {"ports": PORTS})
    first = store.take(change)
    assert store.take(change) == first
    assert store.take(full(BEFORE)) == first
    assert store.bodies() == AFTER
    assert len(store.history()) == 2


def test_a_delta_on_something_else_is_refused_and_changes_nothing(
    store: Store,
) -> None:
    with pytest.raises(FactsBaseUnknown):
        store.take(delta(BEFORE, {"ports": PORTS}))
    assert store.bodies() == {}
    store.take(full(BEFORE))
    with pytest.raises(FactsBaseUnknown):
        store.take(delta(AFTER, {"ports": []}))
    wrong = delta(BEFORE, {"ports": PORTS})
    wrong["hash"] = hash_of(BEFORE)
    with pytest.raises(ReportInvalid):
        store.take(wrong)
    assert store.bodies() == BEFORE
    assert store.history() == []


def test_a_full_change_in_another_stream_has_the_history_of_what_differs(
    store: Store,
) -> None:
    store.take(full(BEFORE, sequence=7))
    after = {**AFTER, "system": {"kernel_running": "6.2"}, "icpus": [{"cpu": 0}]}
    store.take(full(after, stream="b"))
    assert store.bodies() == after
    rows = {(row.section, row.item): row for row in store.history()}
    assert rows.keys() == {
        ("system", "kernel_running"),
        ("ports", "eth0"),
        ("ports", "eth1"),
        ("icpus", "1"),
    }
    kernel = rows["system", "kernel_running"]
    assert (kernel.before, kernel.after) == ("6.1", "6.2")
    assert rows["icpus", "1"].after is None


def test_a_section_that_is_told_for_the_first_time_has_no_past(store: Store) -> None:
    store.take(full(BEFORE))
    store.take(delta(BEFORE, {"pci_devices": [{"pciaddr": "0000:00:1f.6"}]}))
    assert store.history() == []
    assert store.host_of("pci_device", "0000:00:1f.6", section="pci_devices")
    store.take(full(BEFORE, stream="b"))
    assert store.bodies() == BEFORE
    assert not store.host_of("pci_device", "0000:00:1f.6", section="pci_devices")


def test_items_are_found_by_their_uuids_as_long_as_they_are_there(
    store: Store,
) -> None:
    store.take(full(BEFORE))
    mine = store.hosts[0].id
    assert store.host_of("icpu", 1, section="icpus") == mine
    assert store.host_of("icpu", 1, section="ports") is None
    store.take(delta(BEFORE, {"icpus": [{"cpu": 0}, {"cpu": 2}]}))
    assert store.host_of("icpu", 0, section="icpus") == mine
    assert store.host_of("icpu", 1, section="icpus") is None
    assert store.host_of("icpu", 2, section="icpus") == mine


def test_history_keeps_the_latest_of_each_host(store: Store) -> None:
    state = BEFORE
    for of in range(2):
        store.take(full(BEFORE), of=of)
    for sequence in range(2, 9):
        changed = {"system": {"kernel_running": f"7.{sequence}"}}
        store.take(delta(state, changed, sequence=sequence), most=3)
        state = {**state, **changed}
    store.take(delta(BEFORE, {"ports": []}), of=1, most=3)
    assert [row.after for row in store.history()] == ["7.8", "7.7", "7.6"]
    assert len(store.history(1)) == 1
    store.take(delta(state, {"ports": []}, sequence=9), most=0)
    assert len(store.history()) == 3


def test_a_host_that_is_gone_takes_its_facts_along(store: Store) -> None:
    store.take(full(BEFORE))
    store.take(delta(BEFORE, {"ports": PORTS}))
    with store.database.writer() as connection:
        host.remove(connection, store.hosts[0].id)
    assert store.bodies() == {}
    assert store.history() == []
    with store.database.reader() as connection:
        count = connection.execute(select(func.count()).select_from(FACTS_ITEM))
        assert count.scalar() == 0
    with pytest.raises(HostNotFound):
        store.take(full(BEFORE))


def test_a_change_costs_what_it_changes(store: Store) -> None:
    large = {**BEFORE, "icpus": [{"cpu": number} for number in range(500)]}
    store.take(full(large))
    texts: list[str] = []
    event.listen(
        store.database.engine,
        "before_cursor_execute",
        lambda _c, _cursor, text, *_: texts.append(text),
    )
    store.take(delta(large, {"ports": PORTS}))
    assert len(texts) <= 16
    texts.clear()
    kernel = {"kernel_running": "6.2"}
    state = {**large, "ports": PORTS}
    store.take(delta(state, {"system": kernel}, sequence=3))
    assert len(texts) <= 14


def test_a_report_of_version_1_is_taken_and_can_be_followed_by_a_change(
    store: Store,
) -> None:
    report = {
        "system": {"kernel_running": "6.1"},
        "icpus": [{"cpu": 0, "numa_node": 1}],
        "imemories": [{"numa_node": 0}],
        "idisks": [],
        "ports": [ETH0],
    }

    def take() -> bool:
        with store.database.writer() as connection:
            return facts.take_report(
                connection,
                host_id=store.hosts[0].id,
                report_hash="f" * 64,
                sections=report,
                now=store.clock.now(),
                history_most=10,
            )

    assert take()
    assert not take()
    assert store.bodies()["inodes"] == [{"numa_node": 0}, {"numa_node": 1}]
    assert store.bodies()["interfaces"][0]["ifname"] == "eth0"
    more = {
        "system": {"kernel_running": "6.1", "firmware": "1.2"},
        "ports": [{**ETH0, "bus": "pci", "mtu": 9000}, {"pname": "eth1"}],
        "icpus": [{"cpu": 0, "numa_node": 1, "package": 0}],
        "sensors": [{"path": "x"}],
    }
    store.take(full(more))
    assert store.bodies() == more
    # What only the newer agent tells was there before; it did not come now.
    came, grew = store.history()
    assert (came.item, grew.item) == ("eth1", "eth0")
    assert (grew.before, grew.after) == (
        {"mtu": 1500},
        {"bus": "pci", "mtu": 9000},
    )


def test_what_is_said_to_be_unchanged_is_young_again(store: Store) -> None:
    store.take(full(BEFORE))
    begun = store.clock.now()
    store.clock.advance(60)
    host_id = store.hosts[0].id
    with store.database.writer() as connection:
        facts.confirm(connection, {host_id: store.clock.now(), 99: begun})
        facts.confirm(connection, {host_id: begun})
        found = facts.of_host(connection, host_id)
    assert found is not None
    assert found.reported_at == store.clock.now()
    assert found.changed_at == begun
