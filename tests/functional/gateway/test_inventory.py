# SPDX-License-Identifier: Apache-2.0
"""The sysinv-agent's own code against a real gateway: full, delta, cut, forgotten."""

import random
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents.link.datagram import UdpTransport
from agents.link.exchange import post
from agents.sysinv_agent.gateway import Delivery, NotDelivered, Refused, https_post
from agents.sysinv_agent.journal import Journal
from hummingbird.db.model import FACTS
from hummingbird.db.repository import facts, history
from hummingbird.db.session import Database
from hummingbird.domain.facts import Facts, FactsChange
from hummingbird.gateway.service import GatewayService
from hummingbird.wire import inventory, session
from tests.functional.gateway.conftest import Site

AGENT = "sysinv-agent"


def state(**system: str) -> dict[str, Any]:
    return {"system": {"hostname": "edge-0", **system}, "ports": []}


def delivery(site: Site, gateway: GatewayService) -> Delivery:
    return Delivery(
        opener=site.opener(gateway, node_name="edge-0", agent=AGENT),
        send=https_post(site.at(gateway)),
        transport=UdpTransport(),
        boot_id=uuid4(),
        uptime_seconds=lambda: 1,
        monotonic=site.clock.monotonic,
        wall_ms=lambda: 10**12,
        rng=random.Random(1),  # noqa: S311
    )


def known(database: Database, host_id: int) -> Facts | None:
    with database.reader() as connection:
        return facts.of_host(connection, host_id)


def stored(site: Site) -> dict[str, Any]:
    with site.database.reader() as connection:
        sections = facts.sections(connection, site.hosts["edge-0"])
    return {name: section.body for name, section in sections.items()}


def past(site: Site) -> list[FactsChange]:
    with site.database.reader() as connection:
        return history.list_latest(connection, site.hosts["edge-0"])


def test_what_changed_while_the_gateway_was_away_arrives_in_order(
    either_site: Site,
) -> None:
    site = either_site
    gateway = site.start_gateway()
    folder = site.folder / "agent"
    folder.mkdir()
    journal, agent = Journal(folder), delivery(site, gateway)
    journal.note(state(os_id="1"), seen_at=10**12)
    agent.deliver(journal)
    assert stored(site) == state(os_id="1")
    assert past(site) == []
    gateway.stop()
    site.gateways.remove(gateway)
    for number in (2, 3):
        journal.note(state(os_id=str(number)), seen_at=10**12 - 60_000 * (4 - number))
        with pytest.raises(NotDelivered):
            agent.deliver(journal)
    again = site.start_gateway(port=gateway.port)
    journal = Journal(folder)
    delivery(site, again).deliver(journal)
    assert journal.pending == 0
    assert stored(site) == state(os_id="3")
    latest, before = past(site)
    assert (before.before, before.after) == ("1", "2")
    assert (latest.before, latest.after) == ("2", "3")
    ages = [(row.received_at - row.seen_at).total_seconds() for row in (latest, before)]
    assert ages == [60, 120]


def test_a_gateway_whose_database_was_made_anew_gets_everything(
    either_site: Site,
) -> None:
    site = either_site
    gateway = site.start_gateway()
    journal, agent = Journal(site.folder / "missing"), delivery(site, gateway)
    journal.note(state(os_id="1"), seen_at=1)
    agent.deliver(journal)
    with site.database.writer() as connection:
        connection.execute(FACTS.delete())
    journal.note(state(os_id="2"), seen_at=2)
    agent.deliver(journal)
    assert stored(site) == state(os_id="2")
    found = known(site.database, site.hosts["edge-0"])
    assert found is not None
    assert (found.content_hash, found.sequence) == (journal.hash, 2)


def test_a_knock_learns_that_the_inventory_is_wanted(site: Site) -> None:
    gateway = site.start_gateway()
    journal, agent = Journal(site.folder / "missing"), delivery(site, gateway)
    journal.note(state(), seen_at=1)
    agent.deliver(journal)
    assert not agent.knock()
    with site.database.writer() as connection:
        connection.execute(FACTS.delete())
    again = delivery(site, gateway)
    assert again.knock()
    journal.say_all()
    again.deliver(journal)
    assert stored(site) == state()


def test_a_knock_says_that_the_facts_still_hold(site: Site) -> None:
    gateway = site.start_gateway()
    journal, agent = Journal(site.folder / "missing"), delivery(site, gateway)
    journal.note(state(), seen_at=1)
    agent.deliver(journal)
    first = known(site.database, site.hosts["edge-0"])
    assert first is not None
    agent.knock()
    until = time.monotonic() + 90
    while True:
        later = known(site.database, site.hosts["edge-0"])
        assert later is not None
        if later.reported_at > first.reported_at:
            break
        assert time.monotonic() < until, "the knock was not noted"
        time.sleep(0.05)
    assert later.changed_at == first.changed_at


def test_an_inventory_that_is_too_large_is_refused_and_a_smaller_one_taken(
    site: Site,
) -> None:
    gateway = site.start_gateway(report_max_bytes=2048)
    journal, agent = Journal(site.folder / "missing"), delivery(site, gateway)
    journal.note(state(os_pretty_name="x" * 2048), seen_at=1)
    with pytest.raises(Refused):
        agent.deliver(journal)
    journal.note(state(), seen_at=2)
    with pytest.raises(Refused):
        agent.deliver(journal)
    agent.deliver(journal)
    assert stored(site) == state()


def test_a_change_that_is_not_signed_or_not_whole_is_refused(
    site: Site, tmp_path: Path
) -> None:
    gateway = site.start_gateway()
    opened = (
        site.opener(gateway, node_name="edge-0", agent=AGENT).open(boot_id="b").session
    )
    beating = site.opener(gateway, node_name="edge-0").open(boot_id="b").session
    journal = Journal(tmp_path / "missing")
    journal.note(state(), seen_at=1)
    change = journal.next(now=1)
    assert change is not None
    body = inventory.encode(change)

    def status(content: bytes, header: str) -> int:
        headers = {"Authorization": header}
        return post(
            site.at(gateway), inventory.PATH, body=content, headers=headers
        ).status

    right = session.sign(body, session=opened.session, key=opened.key)
    assert status(body + b" ", right) == 401
    of_heart = session.sign(body, session=beating.session, key=beating.key)
    assert status(body, of_heart) == 401
    lying = inventory.encode({**change, "hash": "0" * 64})
    for wrong in (b"{}", lying):
        signed = session.sign(wrong, session=opened.session, key=opened.key)
        assert status(wrong, signed) == 400
    assert stored(site) == {}
    assert status(body, right) == 200
