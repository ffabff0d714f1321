# SPDX-License-Identifier: Apache-2.0
"""What TLS lets a peer send that costs work and brings no data, and how much is taken."""

import contextlib
import http.client
import ssl
from collections.abc import Callable

import pytest

from hummingbird.httpd.server import Server
from hummingbird.tls import ServerTls
from tests.tls_records import Client
from tests.unit.httpd.conftest import World, eventually, get

LATER = 3600.0
OLD, NEW = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
BARREN = [
    pytest.param(NEW, Client.new_keys, id="new keys"),
    pytest.param(NEW, Client.nothing, id="no data in 1.3"),
    pytest.param(NEW, Client.warning, id="warnings in 1.3"),
    pytest.param(OLD, Client.nothing, id="no data in 1.2"),
    pytest.param(OLD, Client.warning, id="warnings in 1.2"),
    pytest.param(OLD, Client.handshake_again, id="a handshake again"),
]
COUNTED = {"sent records without data", "broke TLS"}
"""OpenSSL itself ends some of them, by an error."""


def patient(world: World, **limits: float) -> Server:
    """Return a server that ends nobody for being slow."""
    shown = world.certificate()
    long = dict.fromkeys(
        ("handshake_seconds", "head_seconds", "idle_seconds", "stall_seconds"), LATER
    )
    return world.serve(
        tls=ServerTls(shown.cert_path, shown.key_path), **{**long, **limits}
    )


def counted(server: Server) -> set[str]:
    assert server._loop is not None
    return set(server._loop._tally.total)


def pour(client: Client, make: Callable[[Client], bytes], times: int = 2000) -> None:
    with contextlib.suppress(ConnectionError):
        client.say(*(make(client) for _ in range(times)))


@pytest.mark.parametrize(("version", "make"), BARREN)
@pytest.mark.parametrize("before", ["", "GET / HTTP/1.1\r\nHost: a\r\n"])
def test_records_without_data_end_a_connection(
    world: World,
    version: ssl.TLSVersion,
    make: Callable[[Client], bytes],
    before: str,
) -> None:
    server = patient(world)
    client = Client(server.port, version=version)
    if before:
        client.say(client.record(before.encode()))
    pour(client, make)
    assert client.is_sent_away()
    eventually(lambda: not server.connections)
    assert counted(server) <= COUNTED and counted(server)
    assert world.application.seen == []
    client.close()


def test_new_keys_end_a_connection_by_their_own_reason(world: World) -> None:
    server = patient(world)
    client = Client(server.port)
    pour(client, Client.new_keys)
    assert client.is_sent_away()
    eventually(lambda: counted(server) == {"sent records without data"})
    client.close()


@pytest.mark.parametrize("version", [OLD, NEW])
def test_they_end_it_also_where_a_worker_reads_the_body(
    world: World, version: ssl.TLSVersion
) -> None:
    server = patient(world, threads=1, body_bytes=1000, streams=1)
    client = Client(server.port, version=version)
    head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    client.say(client.record(head.encode()), client.record(b"x" * 2000))
    eventually(lambda: world.application.seen)
    pour(client, Client.new_keys if version is NEW else Client.handshake_again)
    assert client.is_sent_away()
    eventually(lambda: not server.connections)
    assert counted(server) == {"sent records without data"}
    client.close()


def test_who_changes_keys_now_and_then_is_served(world: World) -> None:
    server = patient(world)
    client = Client(server.port)
    client.say(client.new_keys(), client.record(get("/size/5").encode()))
    eventually(lambda: len(world.application.seen) == 1)
    client.say(client.new_keys(), client.record(get("/size/5", close=True).encode()))
    eventually(lambda: len(world.application.seen) == 2)
    assert client.is_sent_away()
    client.close()


def test_data_earns_records_without_data(world: World) -> None:
    """As a client that sends gigabytes over one connection changes its keys."""
    server = patient(world, body_bytes=2**30, bodies_bytes=2**30)
    client = Client(server.port)
    pieces, size = 60, 128 * 1024
    head = (
        f"POST /size/1 HTTP/1.1\r\nHost: a\r\nContent-Length: {pieces * size}\r\n\r\n"
    )
    client.say(client.record(head.encode()))
    for _ in range(pieces):
        client.say(client.new_keys())
        client.say(*(client.record(b"x" * 16384) for _ in range(size // 16384)))
    eventually(lambda: world.application.seen)
    client.close()


def test_a_request_in_records_of_a_byte_is_served(world: World) -> None:
    server = patient(world)
    client = Client(server.port)
    client.say(
        *(
            client.record(bytes([byte]))
            for byte in (get("/size/5") + get("/size/6", close=True)).encode()
        )
    )
    assert client.is_sent_away()
    assert [seen["PATH_INFO"] for seen in world.application.seen] == [
        "/size/5",
        "/size/6",
    ]
    client.close()


def test_others_are_served_while_a_peer_sends_records_of_a_byte(world: World) -> None:
    server = patient(world, head_bytes=2**20)
    client = Client(server.port)
    client.say(client.record(b"GET / HTTP/1.1\r\nHost: a\r\nX: "))
    client.say(*(client.record(b"x") for _ in range(20_000)))
    context = ssl.create_default_context(cafile=world.certificate().ca_path)
    other = http.client.HTTPSConnection(
        "127.0.0.1", server.port, context=context, timeout=60
    )
    other.request("GET", "/size/5")
    assert other.getresponse().read() == b"xxxxx"
    other.close()
    client.close()


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_goodbye_of_tls_is_an_end(world: World, version: ssl.TLSVersion) -> None:
    server = patient(world)
    client = Client(server.port, version=version)
    client.say(client.record(b"\x01\x00", 21))
    assert client.is_sent_away()
    eventually(lambda: not server.connections)
    client.close()


@pytest.mark.parametrize(
    "said",
    [b"\x16\x03\x01\xff\xff", b"GET / HTTP/1.1\r\n\r\n", b"\x80\x2e\x01", b"\x17\x02"],
)
def test_what_is_no_record_ends_a_connection_at_once(world: World, said: bytes) -> None:
    server = patient(world)
    peer = world.peer(server)
    peer.say(said)
    assert peer.is_sent_away()


def test_a_handshake_in_records_of_a_byte_is_not_waited_for(world: World) -> None:
    server = patient(world)
    peer = world.peer(server)
    peer.say(
        b"".join(b"\x16\x03\x01\x00\x01" + bytes([b]) for b in b"\x01\x00\x40\x00")
    )
    with contextlib.suppress(ConnectionError):
        peer.say(b"\x16\x03\x01\x00\x01\x00" * 100)
    assert peer.is_sent_away()


@pytest.mark.parametrize("version", [OLD, NEW])
def test_large_answers_come_whole_to_slow_readers(
    world: World, version: ssl.TLSVersion
) -> None:
    server = patient(world)
    context = ssl.create_default_context(cafile=world.certificate().ca_path)
    context.minimum_version = context.maximum_version = version
    client = http.client.HTTPSConnection(
        "127.0.0.1", server.port, context=context, timeout=60
    )
    client.request("GET", "/size/20000000")
    answer = client.getresponse()
    size = 0
    while piece := answer.read(100_000):
        size += len(piece)
    assert size == 20_000_000
    client.request("POST", "/echo", body=b"y" * 900_000)
    assert client.getresponse().read() == b"y" * 900_000
    client.close()
