# SPDX-License-Identifier: Apache-2.0
"""A session's key is its own: no other session, no copy of the database gives it again."""

import hmac
from datetime import timedelta
from itertools import count

from sqlalchemy import Connection, select

from agents.link.datagram import UdpTransport
from agents.link.exchange import post
from agents.link.session import Opened
from hummingbird.db.model import AGENT_SESSION
from hummingbird.db.repository import heartbeat
from hummingbird.domain.heartbeat import AgentSession
from hummingbird.gateway.keys import SessionKeys
from hummingbird.gateway.listener import Fate
from hummingbird.gateway.service import GatewayService
from hummingbird.gateway.session import ENDED_SECONDS
from hummingbird.wire import inventory
from hummingbird.wire import session as words
from hummingbird.wire.heartbeat import Beat, Kind, seal_beat
from hummingbird.wire.session import Session
from tests.fakes.gateway_field import Field
from tests.fakes.inventory import full
from tests.functional.gateway.conftest import Site


def test_any_gateway_derives_the_same_key(site: Site) -> None:
    given = site.opener(site.start_gateway(), node_name="edge-0").open(boot_id="b")
    secret = site.folder / "gateway.key"
    assert secret.stat().st_mode & 0o777 == 0o600
    (stored,) = sessions_of(site, "edge-0")
    assert stored.nonce is not None and len(stored.nonce) == 32
    keys = SessionKeys.from_file(secret)
    assert keys.number(stored) == given.session.session
    assert keys.key(stored) == given.session.key
    assert SessionKeys(bytes(32)).key(stored) != given.session.key


def sessions_of(site: Site, name: str) -> list[AgentSession]:
    with site.database.reader() as connection:
        rows = connection.execute(
            select(AGENT_SESSION.c.id).where(
                AGENT_SESSION.c.host_id == site.hosts[name]
            )
        ).scalars()
        return heartbeat.find_sessions(connection, list(rows))


def test_a_restored_backup_lets_no_host_speak_for_another(either_site: Site) -> None:
    """The database forgets sessions that were given out, and gives their ids out again,
    under the same secret and by a gateway that never stopped."""
    site = either_site
    gateway = site.start_gateway()
    kept = site.opener(gateway, node_name="edge-0").open(boot_id="b")
    assert exchange(gateway, kept, key=kept.session.key) is not None
    with site.database.writer() as connection:
        connection.execute(AGENT_SESSION.delete())
        forget_ids(connection)
    again = site.opener(gateway, node_name="edge-1").open(boot_id="b")
    assert again.session.session == kept.session.session, "it is the same row"
    assert again.session.key != kept.session.key
    # The key of before neither beats nor reports, at either gateway.
    for one in (gateway, site.start_gateway()):
        assert exchange(one, again, key=kept.session.key, seconds=0.5) is None
        assert exchange(one, again, key=again.session.key) is not None
        body = inventory.encode(full({"system": {}}))
        header = words.sign(body, session=again.session.session, key=kept.session.key)
        answer = post(
            site.at(one),
            inventory.PATH,
            body=body,
            headers={"Authorization": header},
        )
        assert answer.status == 401


def forget_ids(connection: Connection) -> None:
    """Have the table's ids begin anew, as in a copy from before."""
    if connection.dialect.name == "sqlite":
        sequence = "DELETE FROM sqlite_sequence WHERE name = 'agent_session'"
    else:
        sequence = "ALTER SEQUENCE agent_session_id_seq RESTART"
    connection.exec_driver_sql(sequence)


_SEQUENCES = count(1)


def exchange(
    gateway: GatewayService, opened: Opened, *, key: bytes, seconds: float = 30.0
) -> bytes | None:
    """Beat under this key; return the answer."""
    datagram = seal_beat(
        Beat(
            session=opened.session.session,
            sequence=next(_SEQUENCES),
            boot_id=bytes(16),
            uptime_seconds=1,
        ),
        key=key,
    )
    transport = UdpTransport()
    transport.aim(("127.0.0.1", gateway.port))
    transport.send(datagram)
    answer = transport.receive(seconds=seconds)
    transport.close()
    if answer is not None and answer[3] == Kind.UNKNOWN_SESSION:
        return None
    return answer


def test_a_session_of_the_release_before_goes_on(either_site: Site) -> None:
    """Its number is its row's id and its key has no nonce in it."""
    site = either_site
    gateway = site.start_gateway()
    with site.database.writer() as connection:
        row = heartbeat.open_session(
            connection,
            host_id=site.hosts["edge-0"],
            agent="mtc-client",
            node_uid="n",
            pod_uid="p",
            expires_at=site.clock.now() + timedelta(hours=1),
        )
    secret = (site.folder / "gateway.key").read_bytes()
    key = hmac.digest(secret, b"session" + row.to_bytes(8, "big"), "sha256")
    given = Session(
        session=row,
        key=key,
        period_seconds=1.0,
        retransmit_seconds=1.0,
        expires_in_seconds=3600,
        udp_port=gateway.port,
    )
    opened = Opened(given, ("127.0.0.1", gateway.port))
    assert exchange(gateway, opened, key=bytes(32), seconds=0.3) is None
    assert exchange(gateway, opened, key=key) is not None


def test_a_number_that_was_never_given_out_costs_no_look_up(site: Site) -> None:
    host_id = site.hosts["edge-0"]
    field = Field(site.database, [host_id], names=("one",))
    listener = field.places[0].listener
    given = field.places[0].open(host_id)

    def fate(number: int) -> object:
        datagram = seal_beat(
            Beat(session=number, sequence=1, boot_id=bytes(16), uptime_seconds=1),
            key=bytes(32),
        )
        return listener.answer(datagram)

    number = given.session
    for wrong in (1, 2**31, number - 1, number + 1, number ^ 2**40, 2**63 - 1):
        assert fate(wrong) is Fate.DROPPED
    assert fate(number) is Fate.LOOK_UP


def test_an_ended_session_is_looked_up_once_in_a_while(site: Site) -> None:
    host_id = site.hosts["edge-0"]
    field = Field(site.database, [host_id], names=("one",))
    one = field.places[0]
    given = one.open(host_id)
    with site.database.writer() as connection:
        heartbeat.end_sessions(connection, host_id=host_id)
    datagram = seal_beat(
        Beat(session=given.session, sequence=1, boot_id=bytes(16), uptime_seconds=1),
        key=given.key,
    )
    said = one.answer(datagram, origin=None)
    assert said is not None and said[3] == Kind.UNKNOWN_SESSION
    assert one.listener.answer(datagram) == said, "not asked again"
    field.clock.advance(ENDED_SECONDS + 1)
    assert one.listener.answer(datagram) is Fate.LOOK_UP
