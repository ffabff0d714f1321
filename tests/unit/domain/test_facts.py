# SPDX-License-Identifier: Apache-2.0
"""What changed of a host, and by what its items are known."""

from hummingbird.domain.facts import differences, item_uuid, key_of, uuids

HOST = "87f6b5a1-78b8-4d90-a1ca-3aa0b796d57a"


def changed(section: str, before: object, after: object) -> list[tuple[object, ...]]:
    return [(d.item, d.before, d.after) for d in differences(section, before, after)]


def test_an_item_that_stays_shows_only_the_fields_that_changed() -> None:
    before = [{"pname": "eth0", "mtu": 1500, "link": True, "speed": 1000}]
    after = [{"pname": "eth0", "mtu": 1500, "link": False}]
    assert changed("ports", before, after) == [
        ("eth0", {"link": True, "speed": 1000}, {"link": False})
    ]


def test_items_come_and_go_whole_and_their_order_means_nothing() -> None:
    one, two, three = ({"cpu": number} for number in range(3))
    assert changed("icpus", [one, two], [two, one]) == []
    assert changed("icpus", [one, two], [two, three]) == [
        ("0", one, None),
        ("2", None, three),
    ]


def test_a_field_of_the_system_is_an_item() -> None:
    before, after = {"a": 1, "b": 2}, {"b": 3, "c": 4}
    assert changed("system", before, after) == [
        ("a", 1, None),
        ("b", 2, 3),
        ("c", None, 4),
    ]


def test_what_was_never_told_has_no_past() -> None:
    assert changed("ports", None, [{"pname": "eth0"}]) == []
    assert changed("ports", [], [{"pname": "eth0"}]) != []


def test_what_is_odd_has_a_key_too() -> None:
    assert key_of("ports", {}) == "None"
    assert key_of("ports", {"pname": "a\x00\n" + "b" * 300}) == "a" + "b" * 254
    assert changed("ports", "many", [5, {"pname": "eth0"}]) == [
        ("eth0", None, {"pname": "eth0"})
    ]


def test_a_disk_is_known_by_its_place_and_not_by_its_name() -> None:
    before = [{"device_node": "/dev/sda", "device_path": "p1"}]
    after = [{"device_node": "/dev/sdb", "device_path": "p1"}]
    assert changed("idisks", before, after) == [
        ("p1", {"device_node": "/dev/sda"}, {"device_node": "/dev/sdb"})
    ]
    assert uuids(HOST, "idisks", before) == uuids(HOST, "idisks", after)


def test_a_uuid_is_the_same_each_time_and_no_other_hosts() -> None:
    other = "97f6b5a1-78b8-4d90-a1ca-3aa0b796d57a"
    assert item_uuid(HOST, "icpu", 0) == item_uuid(HOST, "icpu", "0")
    assert item_uuid(HOST, "icpu", 0) != item_uuid(other, "icpu", 0)
    assert uuids(HOST, "unheard_of", [{"name": "x"}]) == set()
