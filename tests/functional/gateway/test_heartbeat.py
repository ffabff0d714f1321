# SPDX-License-Identifier: Apache-2.0
"""Beats over real sockets: heard, written, taken once; gateways that come and go."""

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from agents.link.datagram import UdpTransport
from agents.link.session import Opened
from hummingbird.db.repository import hearing, heartbeat, host, process
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.gateway.flush import GONE_MIN_SECONDS
from hummingbird.gateway.ledger import Ledger
from hummingbird.gateway.service import GatewayService
from hummingbird.wire import heartbeat as wire
from tests.functional.gateway.conftest import Site

ANSWER_SECONDS = 30.0
"""What an answer may take; one that is not to come is waited for much less."""


def last_word(site: Site, name: str) -> Heartbeat | None:
    with site.database.reader() as connection:
        return heartbeat.of_host(connection, site.hosts[name])


def eventually(true: Callable[[], object], *, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def ask(gateway: GatewayService, datagram: bytes, *, seconds: float) -> bytes | None:
    transport = UdpTransport()
    transport.aim(("127.0.0.1", gateway.port))
    transport.send(datagram)
    answer = transport.receive(seconds=seconds)
    transport.close()
    return answer


def beat(opened: Opened, *, sequence: int) -> bytes:
    given = opened.session
    return wire.seal_beat(
        wire.Beat(
            session=given.session,
            sequence=sequence,
            boot_id=uuid4().bytes,
            uptime_seconds=1,
        ),
        key=given.key,
    )


def test_a_beat_is_acknowledged_and_its_host_heard(site: Site) -> None:
    # Batches far enough apart that none is late: it would say so by another start.
    gateway = site.start_gateway(flush_seconds=2.0)
    agent = site.agent(gateway, "edge-0")
    agent.run(until=lambda: gateway.counts.taken)
    eventually(lambda: last_word(site, "edge-0"))
    word = last_word(site, "edge-0")
    assert word is not None
    assert (word.boot_id, word.period_seconds) == (str(agent.boot_id), 1)
    assert 1 <= word.beats <= gateway.counts.taken
    assert last_word(site, "edge-1") is None
    with site.database.reader() as connection:
        (listening,) = process.list_all(connection, kind="gateway")
    assert listening.started_at <= word.last_heard_at


def test_a_host_tells_how_its_path_is(site: Site) -> None:
    gateway = site.start_gateway()
    agent = site.agent(gateway, "edge-0")

    def told() -> bool:
        agent.run(seconds=0.2)
        word = last_word(site, "edge-0")
        return word is not None and word.sent is not None

    eventually(told, seconds=60)
    word = last_word(site, "edge-0")
    assert word is not None and word.rtt_seconds is not None
    assert 0 < word.rtt_seconds < 10
    assert word.sent is not None and word.sent >= 1
    assert word.loss is not None and 0 <= word.loss < 1
    assert word.path_mtu == 65535, "the loopback has more, the datagram not"


def test_what_a_repeated_beat_does_not_say_stands() -> None:
    ledger = Ledger()
    told = Heartbeat(
        host_id=1,
        last_heard_at=datetime(2026, 1, 1, tzinfo=UTC),
        period_seconds=10.0,
        boot_id="b",
        uptime_seconds=1,
        beats=1,
        rtt_seconds=0.1,
        sent=80,
        lost=4,
        path_mtu=1240,
        heard_seconds=1.0,
    )
    later = told.last_heard_at + timedelta(seconds=1)
    plain = replace(
        told,
        last_heard_at=later,
        beats=0,
        rtt_seconds=None,
        sent=None,
        lost=None,
        path_mtu=None,
        heard_seconds=2.0,
    )
    for order in ((told, plain), (plain, told)):
        for beat in order:
            ledger.hear(beat)
        said = replace(told, last_heard_at=later, heard_seconds=2.0)
        assert ledger.take().beats[1] == said


def test_a_datagram_is_taken_once(site: Site) -> None:
    gateway = site.start_gateway()
    opened = site.opener(gateway, "edge-0").open(boot_id="b")
    first = beat(opened, sequence=1)
    assert ask(gateway, first, seconds=ANSWER_SECONDS) is not None
    assert ask(gateway, first, seconds=0.3) is None
    eventually(lambda: gateway.counts.replayed == 1)
    assert gateway.counts.taken == 1


def test_a_datagram_that_another_gateway_took_is_not_taken_again(site: Site) -> None:
    one, other = site.start_gateway(), site.start_gateway()
    opened = site.opener(one, "edge-0").open(boot_id="b")
    first = beat(opened, sequence=1)
    assert ask(one, first, seconds=ANSWER_SECONDS) is not None
    eventually(lambda: last_word(site, "edge-0"))
    assert ask(other, first, seconds=0.5) is None
    eventually(lambda: other.counts.replayed == 1)
    assert other.counts.taken == 0
    assert ask(other, beat(opened, sequence=2), seconds=ANSWER_SECONDS) is not None


def test_who_has_no_key_gets_no_answer(site: Site) -> None:
    gateway = site.start_gateway()
    opened = site.opener(gateway, "edge-0").open(boot_id="b")
    datagram = bytearray(beat(opened, sequence=1))
    datagram[-1] ^= 1
    assert ask(gateway, bytes(datagram), seconds=0.3) is None
    for nonsense in (b"", b"HB", bytes(60), bytes(2000)):
        assert ask(gateway, nonsense, seconds=0.05) is None
    assert ask(gateway, beat(opened, sequence=1), seconds=ANSWER_SECONDS) is not None


def test_a_gateway_that_restarts_knows_the_sessions(site: Site) -> None:
    gateway = site.start_gateway()
    port = gateway.port
    opened = site.opener(gateway, "edge-0").open(boot_id="b")
    assert ask(gateway, beat(opened, sequence=7), seconds=ANSWER_SECONDS) is not None
    site.gateways.remove(gateway)
    gateway.stop()
    again = site.start_gateway(port=port)
    assert ask(again, beat(opened, sequence=7), seconds=0.5) is None
    answer = ask(again, beat(opened, sequence=8), seconds=ANSWER_SECONDS)
    assert answer is not None
    assert wire.open_ack(answer, key=opened.session.key).sequence == 8


def test_the_session_of_a_retired_host_is_answered_with_unknown(site: Site) -> None:
    gateway = site.start_gateway()
    opened = site.opener(gateway, "edge-0").open(boot_id="b")
    with site.database.writer() as connection:
        host.remove(connection, site.hosts["edge-0"])
    answer = ask(gateway, beat(opened, sequence=1), seconds=ANSWER_SECONDS)
    assert answer is not None
    assert wire.head(answer).kind is wire.Kind.UNKNOWN_SESSION


def test_without_the_database_beats_are_answered_and_kept(site: Site) -> None:
    gateway = site.start_gateway()
    opened = site.opener(gateway, "edge-0").open(boot_id="b")
    assert ask(gateway, beat(opened, sequence=1), seconds=ANSWER_SECONDS) is not None
    eventually(lambda: last_word(site, "edge-0"))
    with site.database.reader() as connection:
        (before,) = process.list_all(connection, kind="gateway")
    release = site.lock_database()
    outage_at = site.clock.now()
    # So long that it was given up.
    until = time.monotonic() + GONE_MIN_SECONDS + 1.0
    sequence = 2
    while time.monotonic() < until:
        assert (
            ask(gateway, beat(opened, sequence=sequence), seconds=ANSWER_SECONDS)
            is not None
        )
        sequence += 1
    release()

    def written() -> bool:
        word = last_word(site, "edge-0")
        return word is not None and word.beats == sequence - 1

    eventually(written)
    word = last_word(site, "edge-0")
    assert word is not None
    assert word.last_heard_at > outage_at
    with site.database.reader() as connection:
        (after,) = process.list_all(connection, kind="gateway")
        said = hearing.read(connection)
    assert after.started_at > before.started_at
    assert said.through is not None
    assert said.through - said.begins(word.gateway) < GONE_MIN_SECONDS


def test_a_gateway_says_goodbye(site: Site) -> None:
    gateway = site.start_gateway()
    site.gateways.remove(gateway)
    gateway.stop()
    with site.database.reader() as connection:
        assert process.list_all(connection, kind="gateway") == []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", gateway.port))


def test_an_agent_outlives_its_gateway(site: Site) -> None:
    gateway = site.start_gateway()
    port = gateway.port
    agent = site.agent(gateway, "edge-0")
    agent.run(until=lambda: gateway.counts.taken)
    site.gateways.remove(gateway)
    gateway.stop()
    agent.run(seconds=1.5)
    with site.database.writer() as connection:
        heartbeat.end_sessions(connection, host_id=site.hosts["edge-0"])
    again = site.start_gateway(port=port)
    agent.run(until=lambda: again.counts.taken >= 2)


def test_without_an_address_it_listens_on_all_of_them(site: Site) -> None:
    """One socket for both families: IPv4 comes in at it as well, and its answer leaves
    from where the question came to."""
    gateway = site.start_gateway(bind=None)
    opened = site.opener(gateway, "edge-0").open(boot_id="b")
    assert opened.address[0] == "127.0.0.1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(10)
        # Connected: an answer from any other address would not arrive.
        one.connect(("127.0.0.2", gateway.port))
        one.send(beat(opened, sequence=1))
        assert wire.open_ack(one.recv(wire.MAX_BYTES), key=opened.session.key)


def test_it_keeps_up_with_a_thousand_beats_a_second(site: Site) -> None:
    gateway = site.start_gateway()
    opened = site.opener(gateway, "edge-0").open(boot_id="b")
    assert ask(gateway, beat(opened, sequence=1), seconds=ANSWER_SECONDS) is not None
    key = opened.session.key
    made_at = time.process_time()
    heart = [beat(opened, sequence=number) for number in range(2, 3002)]
    for datagram in heart:
        wire.open_beat(datagram, key=key)
    # What no gateway can do without, on this machine and at this hour.
    least_seconds = time.process_time() - made_at
    transport = UdpTransport()
    transport.aim(("127.0.0.1", gateway.port))
    begun_at = time.process_time()
    for sent, datagram in enumerate(heart):
        transport.send(datagram)
        # A kernel keeps few for a process that gets no CPU.
        if sent % 100 == 0:
            eventually(lambda sent=sent: gateway.counts.taken > sent)
    eventually(lambda: gateway.counts.taken == 3001)
    transport.close()
    assert time.process_time() - begun_at < 20 * least_seconds
