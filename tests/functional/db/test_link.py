# SPDX-License-Identifier: Apache-2.0
"""Links are each controller's own, on both databases."""

from datetime import UTC, datetime

from hummingbird.db.repository import emn as emns
from hummingbird.db.repository import link
from hummingbird.db.session import Database
from hummingbird.domain.emn import Attachment
from hummingbird.domain.observation import LinkSeen

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def seen(controller: str, name: str, *, up: bool = True) -> LinkSeen:
    return LinkSeen(
        controller=controller,
        name=name,
        up_since=NOW if up else None,
        changed_seconds=4.5,
    )


def test_what_one_controller_sees_leaves_what_another_has_seen(
    database: Database,
) -> None:
    down, up, other = seen("c0", "mn0", up=False), seen("c0", "wan0"), seen("c1", "mn0")
    with database.writer() as connection:
        link.put(connection, [up, down], controller="c0")
        link.put(connection, [other], controller="c1")
        assert link.list_all(connection) == [down, up, other]
        link.put(connection, [up], controller="c0")
        assert link.list_all(connection) == [up, other]
        assert link.of_controller(connection, "c1") == {"mn0": other}


def test_which_link_leads_to_a_network_is_forgotten_with_the_network(
    database: Database,
) -> None:
    with database.writer() as connection:
        plant = emns.create(
            connection,
            name="plant",
            cidr="10.20.0.0/24",
            attachment=Attachment.ROUTED,
            site=None,
            credential_id=None,
            now=NOW,
        )
        for controller, name in (("c0", "mn0"), ("c1", "mn1")):
            link.put_towards(connection, {plant.id: name}, controller=controller)
        link.put_towards(connection, {plant.id: "wan0"}, controller="c0")
        assert link.towards(connection) == {
            ("c0", plant.id): "wan0",
            ("c1", plant.id): "mn1",
        }
        emns.remove(connection, plant)
        assert link.towards(connection) == {}
