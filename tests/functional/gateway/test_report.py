# SPDX-License-Identifier: Apache-2.0
"""Reports of agents of version 1: signed, whole, stored once."""

import json
from typing import Any

from agents.link.exchange import post
from agents.link.session import Opened
from hummingbird.db.repository import facts, host
from hummingbird.domain.facts import Facts
from hummingbird.gateway.service import GatewayService
from hummingbird.wire import inventory, session
from tests.functional.gateway.conftest import Site

AGENT = "sysinv-agent"


def report(**system: str) -> bytes:
    document: dict[str, Any] = {
        "schema": inventory.REPORT_SCHEMA,
        "system": {"hostname": "edge-0", **system},
        "icpus": [{"cpu": 0}],
        "imemories": [],
        "idisks": [],
        "ports": [],
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def stored(site: Site, name: str = "edge-0") -> Facts | None:
    with site.database.reader() as connection:
        return facts.of_host(connection, site.hosts[name])


def status(
    site: Site,
    gateway: GatewayService,
    body: bytes,
    *,
    opened: Opened,
    authorization: str | None = None,
    content_hash: str | None = None,
) -> int:
    given = opened.session
    signed = session.sign(body, session=given.session, key=given.key)
    headers = {
        "Authorization": authorization or signed,
        inventory.HASH_HEADER: content_hash or inventory.report_hash(body),
    }
    return post(
        site.at(gateway), inventory.REPORT_PATH, body=body, headers=headers
    ).status


def test_a_report_is_stored_for_the_host_of_its_session(site: Site) -> None:
    gateway = site.start_gateway()
    body = report(os_id="debian")
    opened = site.opener(gateway, node_name="edge-0", agent=AGENT).open(boot_id="b")
    assert status(site, gateway, body, opened=opened) == 204
    known = stored(site)
    assert known is not None
    assert known.content_hash == inventory.report_hash(body)
    with site.database.reader() as connection:
        sections = facts.sections(connection, site.hosts["edge-0"])
    assert sections["system"].body == {"hostname": "edge-0", "os_id": "debian"}
    assert stored(site, "edge-1") is None
    again = site.opener(gateway, node_name="edge-0", agent=AGENT).open(boot_id="b")
    assert again.session.report_hash == known.content_hash


def test_a_report_that_is_not_signed_or_not_whole_is_refused(site: Site) -> None:
    gateway = site.start_gateway()
    opened = site.opener(gateway, node_name="edge-0", agent=AGENT).open(boot_id="b")
    beating = site.opener(gateway, node_name="edge-0").open(boot_id="b")
    body = report()
    other = session.sign(b"x", session=opened.session.session, key=opened.session.key)
    nobody = session.sign(body, session=999, key=opened.session.key)
    for wrong in (other, nobody, "Session", "Session 1:", "Session -1:ab", "Bearer x"):
        assert status(site, gateway, body, opened=opened, authorization=wrong) == 401
    assert status(site, gateway, body, opened=beating) == 401
    assert status(site, gateway, body, opened=opened, content_hash="0" * 64) == 400
    for nonsense in (b"[]", b"{}", b'{"schema":1,"system":{},"icpus":[NaN]}'):
        assert status(site, gateway, nonsense, opened=opened) == 400
    assert stored(site) is None


def test_a_report_that_is_too_large_is_refused(site: Site) -> None:
    gateway = site.start_gateway(report_max_bytes=1024)
    opened = site.opener(gateway, node_name="edge-0", agent=AGENT).open(boot_id="b")
    body = report(os_pretty_name="x" * 1024)
    assert status(site, gateway, body, opened=opened) == 413


def test_the_report_of_a_retired_host_is_refused(site: Site) -> None:
    gateway = site.start_gateway()
    opened = site.opener(gateway, node_name="edge-0", agent=AGENT).open(boot_id="b")
    body = report()
    assert status(site, gateway, body, opened=opened) == 204
    with site.database.writer() as connection:
        host.remove(connection, site.hosts["edge-0"])
    assert status(site, gateway, body, opened=opened) in (401, 404)
