# SPDX-License-Identifier: Apache-2.0
"""How long a peer may take, what it costs meanwhile, and who has to go."""

import logging
import socket
import threading

import pytest

from hummingbird.httpd import tally
from hummingbird.tls import ServerTls
from tests.unit.httpd.conftest import World, eventually, get

SOON = 0.2
LATER = 3600.0


def is_served(world: World, server: object, **more: str) -> bool:
    heard = world.ask(server, get("/size/5", close=True), **more)  # type: ignore[arg-type]
    return heard.endswith(b"\r\n\r\nxxxxx")


def test_who_says_nothing_or_stops_in_the_handshake_is_sent_away(world: World) -> None:
    shown = world.certificate()
    tls = ServerTls(shown.cert_path, shown.key_path)
    server = world.serve(tls=tls, handshake_seconds=SOON)
    silent, stops = world.peer(server), world.peer(server)
    stops.say(b"\x16\x03\x01")
    assert silent.is_sent_away()
    assert stops.is_sent_away()


def test_who_speaks_no_tls_is_sent_away_at_once(world: World) -> None:
    shown = world.certificate()
    tls = ServerTls(shown.cert_path, shown.key_path)
    server = world.serve(tls=tls, handshake_seconds=LATER)
    peer = world.peer(server)
    peer.say(get("/size/1"))
    peer.hear()
    assert world.application.seen == []


def test_a_header_that_drips_ends_in_time(world: World) -> None:
    server = world.serve(head_seconds=SOON, stall_seconds=1.0)
    peer = world.peer(server)
    peer.say("GET / HTTP/1.1\r\nHost: a\r\nX-Padding: ")
    assert peer.hear().startswith(b"HTTP/1.1 408 ")
    # Each byte buys no further time.
    drip = world.peer(server)

    def pour() -> None:
        try:
            while True:
                drip.say("x")
        except OSError:
            return

    thread = threading.Thread(target=pour)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert world.application.seen == []


def test_a_body_that_drips_ends_in_time(world: World) -> None:
    server = world.serve(stall_seconds=SOON, bytes_per_second=10**6)
    peer = world.peer(server)
    peer.say("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
    assert peer.hear().startswith(b"HTTP/1.1 408 ")
    assert world.application.seen == []


def test_a_connection_without_requests_is_closed_in_time(world: World) -> None:
    server = world.serve(idle_seconds=SOON)
    peer = world.peer(server)
    peer.say(get("/size/1"))
    assert peer.hear().endswith(b"\r\n\r\nx")


def test_slow_peers_of_every_kind_take_no_worker(world: World) -> None:
    server = world.serve(threads=1)
    beginnings = (
        "",
        "GET / HT",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
        get("/size/30000000"),
    )
    for beginning in beginnings * 5:
        world.peer(server).say(beginning)
    assert is_served(world, server)


def test_who_takes_nothing_of_an_answer_loses_it(world: World) -> None:
    server = world.serve(threads=1, stall_seconds=SOON, linger_seconds=SOON)
    peer = world.peer(server)
    peer.say(get("/size/30000000"))
    assert is_served(world, server)
    eventually(lambda: not server.connections)
    assert len(peer.hear()) < 30_000_000


def test_who_takes_nothing_of_what_comes_in_pieces_frees_its_worker(
    world: World,
) -> None:
    server = world.serve(threads=1, stall_seconds=SOON, linger_seconds=SOON)
    peer = world.peer(server)
    peer.say(get("/endless"))
    assert world.application.given_up.wait(60)
    assert is_served(world, server)
    eventually(lambda: not server.connections)


def test_who_stops_in_a_body_that_a_worker_reads_frees_it(world: World) -> None:
    server = world.serve(threads=1, body_bytes=1000, streams=1, stall_seconds=SOON)
    peer = world.peer(server)
    peer.say("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
    peer.say(b"x" * 2000)
    assert is_served(world, server)
    assert peer.hear().startswith(b"HTTP/1.1 500 ")


def test_large_bodies_have_few_places(world: World) -> None:
    server = world.serve(threads=4, body_bytes=1000, streams=1)
    head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    first = world.peer(server)
    first.say(head)
    eventually(lambda: world.application.seen)
    assert world.ask(server, head).startswith(b"HTTP/1.1 503 ")
    first.say(b"x" * 100_000)
    first.hear_until(b"x" * 1000)


def test_where_there_is_no_room_the_source_with_the_most_gives_way(
    world: World,
) -> None:
    server = world.serve(connections=10)
    greedy = [world.peer(server, address="127.0.0.7") for _ in range(9)]
    modest = world.peer(server, address="127.0.0.8")
    eventually(lambda: server.connections == 10)
    for _ in range(5):
        world.peer(server, address="127.0.0.9").say("GET ")
    for peer in greedy[:5]:
        assert peer.is_sent_away()
    modest.say(get("/size/5", close=True))
    assert modest.hear().endswith(b"xxxxx")
    assert is_served(world, server, address="127.0.0.7")


def test_a_source_whose_requests_take_long_leaves_workers_to_others(
    world: World,
) -> None:
    server = world.serve(threads=4)
    for _ in range(12):
        world.peer(server, address="127.0.0.7").say(get("/wait", close=True))
    for _ in range(3):
        assert world.application.arrived.acquire(timeout=60)
    assert is_served(world, server, address="127.0.0.8")
    assert not world.application.arrived.acquire(timeout=0.05)
    world.application.go_on.set()
    for _ in range(9):
        assert world.application.arrived.acquire(timeout=60)


def test_waiting_requests_give_way_to_another_source(world: World) -> None:
    server = world.serve(threads=2, connections=6)
    waiting = []
    for _ in range(6):
        waiting.append(world.peer(server, address="127.0.0.7"))
        waiting[-1].say(get("/wait", close=True))
    for _ in range(2):
        assert world.application.arrived.acquire(timeout=60)
    eventually(lambda: server.queued == 4)
    other = world.peer(server, address="127.0.0.8")
    other.say(get("/size/5", close=True))
    assert waiting[-1].is_sent_away()
    world.application.go_on.set()
    assert other.hear().endswith(b"xxxxx")
    assert waiting[0].hear().endswith(b"waited")


def test_bodies_that_are_not_whole_take_bounded_memory(world: World) -> None:
    server = world.serve(body_bytes=100_000, bodies_bytes=500_000)
    head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    modest = world.peer(server, address="127.0.0.8")
    modest.say(head)
    modest.say(b"y" * 90_000)
    greedy = []
    for _ in range(10):
        greedy.append(world.peer(server, address="127.0.0.7"))
        greedy[-1].say(head)
        greedy[-1].say(b"x" * 90_000)
    eventually(lambda: server.connections <= 6)
    modest.say(b"y" * 10_000)
    assert modest.hear_until(b"y" * 100_000).startswith(b"HTTP/1.1 200 ")


def test_headers_that_are_not_whole_take_bounded_memory(world: World) -> None:
    server = world.serve(head_bytes=100_000, bodies_bytes=300_000)
    modest = world.peer(server, address="127.0.0.8")
    modest.say("GET /size/5 HTTP/1.1\r\nHost: a\r\n")
    for _ in range(10):
        greedy = world.peer(server, address="127.0.0.7")
        greedy.say("GET / HTTP/1.1\r\nHost: a\r\nX: " + "x" * 60_000)
    eventually(lambda: server.connections <= 6)
    modest.say("Connection: close\r\n\r\n")
    assert modest.hear().endswith(b"xxxxx")


def test_answers_that_nobody_takes_use_bounded_memory(world: World) -> None:
    size = 20_000_000
    server = world.serve(answers_bytes=2 * size)
    slow = []
    for _ in range(5):
        slow.append(world.peer(server, address="127.0.0.7"))
        slow[-1].say(get(f"/size/{size}", close=True))
    eventually(lambda: 0 < server.connections <= 3 and not server.queued)
    # One that is alone may be larger than all are meant to be.
    alone = world.serve(answers_bytes=100)
    assert len(world.ask(alone, get(f"/size/{size}", close=True))) > size


def test_where_no_file_is_left_somebody_is_let_go_and_nothing_spins(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = world.serve()
    silent = [world.peer(server) for _ in range(3)]
    eventually(lambda: server.connections == 3)
    calls: list[int] = []
    real = socket.socket.accept

    def accept(link: socket.socket) -> object:
        calls.append(1)
        if len(calls) < 3:
            raise OSError(24, "Too many open files")
        return real(link)

    monkeypatch.setattr(socket.socket, "accept", accept)
    assert is_served(world, server)
    assert all(peer.is_sent_away() for peer in silent)
    assert len(calls) < 20


def test_what_strangers_do_is_one_line(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, logger="hummingbird.httpd")
    monkeypatch.setattr(tally, "SECONDS", 1.0)
    server = world.serve(handshake_seconds=SOON)
    for peer in [world.peer(server) for _ in range(40)]:
        assert peer.is_sent_away()
    for _ in range(20):
        world.ask(server, "nonsense\r\n\r\n")
    server.stop()
    lines = [record.getMessage() for record in caplog.records]
    assert 1 <= len(lines) <= 20
    assert sum("said nothing" in line for line in lines) >= 1
    assert sum("sent what is refused" in line for line in lines) >= 1


def test_requests_that_are_answered_end_before_the_server_does(world: World) -> None:
    server = world.serve(stop_seconds=60.0)
    idle, busy = world.peer(server), world.peer(server)
    idle.say(get("/size/1"))
    idle.hear_until(b"x")
    busy.say(get("/wait"))
    assert world.application.arrived.acquire(timeout=60)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    assert idle.is_sent_away()
    with pytest.raises(OSError):
        eventually(lambda: socket.create_connection(("127.0.0.1", server.port)).close())
    world.application.go_on.set()
    heard = busy.hear()
    assert heard.endswith(b"waited") and b"Connection: close" in heard
    stopping.join(60)
    assert not stopping.is_alive()


def test_a_request_that_does_not_end_keeps_no_server_from_it(world: World) -> None:
    server = world.serve(stop_seconds=SOON)
    peer = world.peer(server)
    peer.say(get("/wait"))
    assert world.application.arrived.acquire(timeout=60)
    server.stop()
    assert peer.is_sent_away()
    world.application.go_on.set()
