# SPDX-License-Identifier: Apache-2.0
"""Beats over real sockets: heard, written, taken once; gateways that come and go."""

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.request import urlopen
from uuid import uuid4

import pytest

from agents.link.datagram import UdpTransport
from agents.link.session import Opened, SessionRefused, TokenOpener
from hummingbird.db.repository import hearing, heartbeat, host, process
from hummingbird.domain.hearing import Presence
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.gateway.flush import GIVEN_UP_SECONDS
from hummingbird.gateway.ledger import Heard, Ledger
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
    agent = site.agent(gateway, node_name="edge-0")
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
    agent = site.agent(gateway, node_name="edge-0")

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
        for sequence, beat in enumerate(order):
            ledger.hear(
                Heard(
                    number=9, row=3, nonce=None, host_id=1, sequence=sequence, beat=beat
                )
            )
        (heard,) = ledger.take()
        assert heard.beat == replace(told, last_heard_at=later, heard_seconds=2.0)
        assert heard.sequence == 1


def test_a_datagram_is_taken_once(site: Site) -> None:
    gateway = site.start_gateway()
    opened = site.opener(gateway, node_name="edge-0").open(boot_id="b")
    first = beat(opened, sequence=1)
    assert ask(gateway, first, seconds=ANSWER_SECONDS) is not None
    assert ask(gateway, first, seconds=0.3) is None
    eventually(lambda: gateway.counts.replayed == 1)
    assert gateway.counts.taken == 1


def test_a_datagram_that_another_gateway_took_is_not_taken_again(site: Site) -> None:
    one, other = site.start_gateway(), site.start_gateway()
    opened = site.opener(one, node_name="edge-0").open(boot_id="b")
    first = beat(opened, sequence=1)
    assert ask(one, first, seconds=ANSWER_SECONDS) is not None
    eventually(lambda: last_word(site, "edge-0"))
    assert ask(other, first, seconds=0.5) is None
    eventually(lambda: other.counts.replayed == 1)
    assert other.counts.taken == 0
    assert ask(other, beat(opened, sequence=2), seconds=ANSWER_SECONDS) is not None


def test_a_datagram_that_two_gateways_took_counts_once(either_site: Site) -> None:
    """Neither had written it when the other was asked; whoever comes second learns that
    it was a repetition, and the host's last word is the first one's."""
    site = either_site
    one = site.start_gateway(flush_seconds=0.1)
    other = site.start_gateway(flush_seconds=3.0)
    opened = site.opener(one, node_name="edge-0").open(boot_id="b")
    # Both know the session, and neither its sequences of later.
    for number, gateway in enumerate((one, other), 1):
        datagram = beat(opened, sequence=number)
        assert ask(gateway, datagram, seconds=ANSWER_SECONDS) is not None
    eventually(lambda: beats_of(site) == 2)
    captured = beat(opened, sequence=9)
    assert ask(one, captured, seconds=ANSWER_SECONDS) is not None
    assert ask(other, captured, seconds=ANSWER_SECONDS) is not None
    eventually(lambda: beats_of(site) == 3)
    word = last_word(site, "edge-0")
    assert word is not None
    eventually(lambda: through_of(site, other) > (word.heard_seconds or 0.0) + 3.0)
    assert last_word(site, "edge-0") == word


def beats_of(site: Site) -> int:
    word = last_word(site, "edge-0")
    return 0 if word is None else word.beats


def through_of(site: Site, gateway: GatewayService) -> float:
    """Return through when what this gateway heard is written."""
    with site.database.reader() as connection:
        known = hearing.read(connection)
    (found,) = [
        record.complete
        for name, record in known.gateways.items()
        if name.endswith(f".{gateway.port}")
    ]
    return found


def test_who_has_no_key_gets_no_answer(site: Site) -> None:
    gateway = site.start_gateway()
    opened = site.opener(gateway, node_name="edge-0").open(boot_id="b")
    datagram = bytearray(beat(opened, sequence=1))
    datagram[-1] ^= 1
    assert ask(gateway, bytes(datagram), seconds=0.3) is None
    for nonsense in (b"", b"HB", bytes(60), bytes(2000)):
        assert ask(gateway, nonsense, seconds=0.05) is None
    assert ask(gateway, beat(opened, sequence=1), seconds=ANSWER_SECONDS) is not None


def test_a_gateway_that_restarts_knows_the_sessions(site: Site) -> None:
    gateway = site.start_gateway()
    port = gateway.port
    opened = site.opener(gateway, node_name="edge-0").open(boot_id="b")
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
    opened = site.opener(gateway, node_name="edge-0").open(boot_id="b")
    with site.database.writer() as connection:
        host.remove(connection, site.hosts["edge-0"])
    answer = ask(gateway, beat(opened, sequence=1), seconds=ANSWER_SECONDS)
    assert answer is not None
    assert wire.head(answer).kind is wire.Kind.UNKNOWN_SESSION


def test_without_the_database_beats_are_kept_and_agents_sent_elsewhere(
    site: Site,
) -> None:
    gateway = site.start_gateway(unwritten_seconds=1.0)
    opened = site.opener(gateway, node_name="edge-0").open(boot_id="b")
    key = opened.session.key
    assert ask(gateway, beat(opened, sequence=1), seconds=ANSWER_SECONDS) is not None
    eventually(lambda: last_word(site, "edge-0"))
    with site.database.reader() as connection:
        before = hearing.read(connection)
    release = site.lock_database()
    outage_at = site.clock.now()
    # So long that it was given up.
    until = time.monotonic() + 1.0 + GIVEN_UP_SECONDS + 1.0
    sequence, kinds = 2, []
    while time.monotonic() < until:
        said = ask(gateway, beat(opened, sequence=sequence), seconds=ANSWER_SECONDS)
        assert said is not None
        kinds.append(wire.head(said).kind)
        sequence += 1
    assert wire.open_elsewhere(said, key=key).sequence == sequence - 1
    assert kinds == sorted(kinds), "acknowledged, and then no more"
    assert tell_health(site, gateway)[0] == 503
    assert "takes no heartbeats" in refusal(site.opener(gateway, node_name="edge-1"))
    release()

    def written() -> bool:
        word = last_word(site, "edge-0")
        return word is not None and word.beats == sequence - 1

    eventually(written)
    word = last_word(site, "edge-0")
    assert word is not None
    assert word.last_heard_at > outage_at
    with site.database.reader() as connection:
        after = hearing.read(connection)
    assert after.begins(word.gateway) > before.begins(word.gateway) + 1.0
    assert after.through is not None and word.heard_seconds is not None
    assert word.heard_seconds <= after.through
    eventually(lambda: tell_health(site, gateway)[0] == 200)
    answer = ask(gateway, beat(opened, sequence=sequence), seconds=ANSWER_SECONDS)
    assert answer is not None and wire.open_ack(answer, key=key)


def refusal(opener: TokenOpener) -> str:
    with pytest.raises(SessionRefused) as refused:
        opener.open(boot_id="b")
    return str(refused.value)


def tell_health(site: Site, gateway: GatewayService) -> tuple[int, dict[str, object]]:
    """Return what a probe is told."""
    context = ssl.create_default_context(cafile=str(site.certificate.ca_path))
    url = f"https://127.0.0.1:{gateway.port}/v1/health"
    try:
        with urlopen(url, context=context, timeout=30) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_probe_is_told_that_all_is_well(site: Site) -> None:
    gateway = site.start_gateway()
    status, body = tell_health(site, gateway)
    assert status == 200
    assert (body["ready"], body["failing_seconds"], body["dropped"]) == (True, 0, 0)


def test_a_gateway_that_ends_says_so_to_its_agents_and_to_its_peers(
    site: Site,
) -> None:
    gateway = site.start_gateway()
    opened = site.opener(gateway, node_name="edge-0").open(boot_id="b")
    knocking = site.opener(gateway, node_name="edge-0", agent="sysinv-agent")
    with transport(gateway) as host, transport(gateway) as other:
        host.send(beat(opened, sequence=5))
        assert host.receive(seconds=ANSWER_SECONDS) is not None
        other.send(beat(knocking.open(boot_id="b"), sequence=1))
        assert other.receive(seconds=ANSWER_SECONDS) is not None
        site.gateways.remove(gateway)
        gateway.stop()
        said = host.receive(seconds=ANSWER_SECONDS)
        assert said is not None
        assert wire.open_elsewhere(said, key=opened.session.key).sequence == 5
        assert other.receive(seconds=0.1) is None, "it beats at nobody"
    with site.database.reader() as connection:
        assert process.list_all(connection, kind="gateway") == []
        known = hearing.read(connection)
    assert list(known.presence.values()) == [Presence.ENDED]
    word = last_word(site, "edge-0")
    assert word is not None and word.heard_seconds is not None
    assert known.through is not None and word.heard_seconds <= known.through
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", gateway.port))


@contextmanager
def transport(gateway: GatewayService) -> Iterator[UdpTransport]:
    """Return a socket that sends to a gateway."""
    found = UdpTransport()
    found.aim(("127.0.0.1", gateway.port))
    yield found
    found.close()


def test_an_agent_outlives_its_gateway(site: Site) -> None:
    gateway = site.start_gateway()
    port = gateway.port
    agent = site.agent(gateway, node_name="edge-0")
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
    opened = site.opener(gateway, node_name="edge-0").open(boot_id="b")
    assert opened.address[0] == "127.0.0.1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(10)
        # Connected: an answer from any other address would not arrive.
        one.connect(("127.0.0.2", gateway.port))
        one.send(beat(opened, sequence=1))
        assert wire.open_ack(one.recv(wire.MAX_BYTES), key=opened.session.key)


def test_it_keeps_up_with_a_thousand_beats_a_second(site: Site) -> None:
    gateway = site.start_gateway()
    opened = site.opener(gateway, node_name="edge-0").open(boot_id="b")
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
