# SPDX-License-Identifier: Apache-2.0
"""What is a request, what is none, and what its sender gets."""

import http.client
import json
import random
import socket
import ssl

import pytest

from hummingbird.tls import ServerTls
from tests.unit.httpd.conftest import World, get


def test_requests_follow_each_other_on_one_connection(world: World) -> None:
    server = world.serve()
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for size in (1, 100_000, 0, 3_000_000, 5):
        client.request("POST", f"/size/{size}", body=b"y" * 50)
        answer = client.getresponse()
        assert (answer.status, len(answer.read())) == (200, size)
    client.close()
    assert len({seen["REMOTE_PORT"] for seen in world.application.seen}) == 1


def test_requests_that_come_at_once_are_answered_in_their_order(world: World) -> None:
    server = world.serve()
    body = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    heard = world.ask(server, get("/size/1") + body + get("/size/2", close=True))
    bodies = [part.rpartition(b"\r\n\r\n")[2] for part in heard.split(b"HTTP/1.1 200")]
    assert bodies == [b"", b"x", b"hello", b"xx"]


def test_it_matters_not_in_what_pieces_requests_come(world: World) -> None:
    server = world.serve()
    said = (
        get("/size/3")
        + "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"
        + get("/size/2", close=True)
    ).encode()
    dice = random.Random(3)  # noqa: S311
    heard = set()
    for count in (0, 1, 2, 3, 5, 8, 13, 40):
        cuts = sorted(dice.sample(range(1, len(said)), count))
        peer = world.peer(server)
        peer.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for begin, end in zip([0, *cuts], [*cuts, len(said)], strict=True):
            peer.say(said[begin:end])
        answers = peer.hear().split(b"HTTP/1.1 ")
        heard.add(tuple(part.rpartition(b"\r\n\r\n")[2] for part in answers))
    assert heard == {(b"", b"xxx", b"hello!", b"xx")}


def test_an_application_learns_what_was_asked(world: World) -> None:
    server = world.serve()
    world.ask(
        server,
        "PATCH /a%20b/c%2Fd/%C3%A9?x=%2F&y HTTP/1.1\r\nHost: me:1\r\nX-Auth-Token: t\r\n"
        "X_Auth_Token: forged\r\nAccept: a\r\nAccept: b\r\nConnection: close\r\n"
        "Content-Type: text/odd\r\nContent-Length: 3\r\n\r\nabc",
    )
    (seen,) = world.application.seen
    wanted = {
        "REQUEST_METHOD": "PATCH",
        "PATH_INFO": "/a b/c%2Fd/Ã©",
        "QUERY_STRING": "x=%2F&y",
        "REQUEST_URI": "/a%20b/c%2Fd/%C3%A9?x=%2F&y",
        "HTTP_HOST": "me:1",
        "HTTP_X_AUTH_TOKEN": "t",
        "HTTP_ACCEPT": "a, b",
        "CONTENT_TYPE": "text/odd",
        "CONTENT_LENGTH": "3",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_PORT": str(server.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
    }
    assert {name: seen.get(name) for name in wanted} == wanted


def test_a_body_in_chunks_is_whole_before_a_worker_sees_it(world: World) -> None:
    server = world.serve()
    heard = world.ask(
        server,
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        "Connection: close\r\n\r\n5\r\nhello\r\n3;a=b\r\n wo\r\n0\r\nTrailer: x\r\n\r\n",
    )
    assert heard.endswith(b"\r\n\r\nhello wo")
    (seen,) = world.application.seen
    assert seen["CONTENT_LENGTH"] == "8"
    assert "HTTP_TRANSFER_ENCODING" not in seen


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/9.1\r\nHost: a\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\nHost: a\r\n\r\nSM\r\n\r\n", 505),
        ("GET /\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
        ("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        # What one reader takes for one request and another for two.
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /echo HTTP/1.1\r\n\r\n",
            400,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n"
            "\r\nabcd",
            400,
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3, 4\r\n\r\nabc", 400),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            501,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
            "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
            501,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            "-1\r\nhello\r\n0\r\n\r\n",
            400,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5\r\nhelloX\r\n0\r\n\r\n",
            400,
        ),
    ],
)
def test_what_is_no_request_or_could_be_two_is_refused(
    world: World, said: str, status: int
) -> None:
    server = world.serve()
    heard = world.ask(server, said)
    assert heard.startswith(f"HTTP/1.1 {status} ".encode()), heard
    assert heard.count(b"HTTP/1.1") == 1
    assert world.application.seen == []


def test_a_header_has_an_end(world: World) -> None:
    server = world.serve(head_bytes=4096, head_lines=20)
    long = world.ask(server, "GET / HTTP/1.1\r\nHost: a\r\nX: " + "x" * 8192)
    assert long.startswith(b"HTTP/1.1 431 ")
    many = world.ask(server, "GET / HTTP/1.1\r\nHost: a\r\n" + "a:b\r\n" * 50)
    assert many.startswith(b"HTTP/1.1 431 ")
    lines = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\nConnection: close"
    assert world.ask(server, f"{lines}\r\n\r\n" + "\n" * 50).endswith(b"\n" * 50)


def test_chunks_of_a_byte_each_are_refused(world: World) -> None:
    server = world.serve()
    heard = world.ask(
        server,
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"1\r\nx\r\n" * 20_000
        + b"0\r\n\r\n",
    )
    assert heard.startswith(b"HTTP/1.1 400 ")
    assert b"Chunks" in heard


def test_a_client_that_asks_whether_to_send_its_body_is_told(world: World) -> None:
    server = world.serve(body_bytes=100)
    head = "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    peer = world.peer(server)
    peer.say(f"{head}Content-Length: 5\r\n\r\n")
    assert peer.hear_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
    peer.say("hello")
    assert peer.hear_until(b"hello").startswith(b"HTTP/1.1 200 ")
    peer.close()
    # One that would be refused is: the application says so, and nobody sends it.
    refused = world.ask(server, f"{head}Content-Length: 101\r\n\r\n")
    assert refused.startswith(b"HTTP/1.1 200 ")
    assert world.application.seen[-1]["CONTENT_LENGTH"] == "101"


def test_a_body_that_is_over_the_limit_is_not_held_and_its_sender_hears_so(
    world: World,
) -> None:
    server = world.serve(body_bytes=1000)
    head = "POST /reads/9999999 HTTP/1.1\r\nHost: a\r\n"
    peer = world.peer(server)
    peer.say(f"{head}Content-Length: 3000000\r\n\r\n")
    peer.say(b"x" * 3_000_000)
    heard = peer.hear()
    assert heard.startswith(b"HTTP/1.1 200 ")
    assert b"Connection: close" in heard
    heard = world.ask(
        server,
        f"{head}Transfer-Encoding: chunked\r\n\r\n".encode()
        + b"800\r\n"
        + b"x" * 2048
        + b"\r\n",
    )
    assert 1000 < json.loads(heard.rpartition(b"\r\n\r\n")[2]) <= 2048
    assert int(world.application.seen[-1]["CONTENT_LENGTH"]) > 1000


def test_an_answer_without_a_body_has_none(world: World) -> None:
    server = world.serve()
    heard = world.ask(
        server,
        "HEAD /size/7 HTTP/1.1\r\nHost: a\r\n\r\n"
        + get("/nothing")
        + get("/size/3", close=True),
    )
    first, second, third = heard.split(b"HTTP/1.1 ")[1:]
    assert b"Content-Length: 7" in first and first.endswith(b"\r\n\r\n")
    assert second.startswith(b"204 ") and b"Content-Length" not in second
    assert third.endswith(b"\r\n\r\nxxx")


def test_a_client_of_before_is_answered_and_let_go(world: World) -> None:
    server = world.serve()
    heard = world.ask(server, "GET /size/3 HTTP/1.0\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 200 ")
    assert heard.endswith(b"\r\n\r\nxxx")
    world.application.go_on.set()
    assert world.ask(server, "GET /pieces HTTP/1.0\r\n\r\n").endswith(
        b"\r\n\r\nfirstlast"
    )


def test_a_client_that_has_said_all_is_answered(world: World) -> None:
    server = world.serve()
    peer = world.peer(server)
    peer.say(get("/size/3"))
    peer.link.shutdown(socket.SHUT_WR)
    assert peer.hear().endswith(b"\r\n\r\nxxx")


def test_an_application_that_fails_is_answered_for(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    server = world.serve()
    assert world.ask(server, get("/fails")).startswith(b"HTTP/1.1 500 ")
    assert "on purpose" in caplog.text
    # Nor does a header of its become two.
    heard = world.ask(server, get("/bad-header"))
    assert heard.startswith(b"HTTP/1.1 500 ")
    assert b"Set-Cookie" not in heard
    assert world.ask(server, get("/size/1", close=True)).endswith(b"x")


def test_an_answer_is_sent_while_it_comes(world: World) -> None:
    server = world.serve()
    peer = world.peer(server)
    peer.say(get("/pieces", close=True))
    peer.hear_until(b"first\r\n")
    world.application.go_on.set()
    assert peer.hear() == b"4\r\nlast\r\n0\r\n\r\n"


def test_a_large_body_is_read_while_it_comes_where_that_is_allowed(
    world: World,
) -> None:
    server = world.serve(body_bytes=1000, streams=1, threads=2)
    size = 3_000_000
    for head, body in (
        (f"Content-Length: {size}", b"x" * size),
        ("Transfer-Encoding: chunked", (b"c350\r\n" + b"x" * 50_000 + b"\r\n") * 60),
    ):
        peer = world.peer(server)
        peer.say(
            f"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{head}\r\n\r\n"
        )
        # As much as no socket's buffer holds: somebody reads it.
        peer.say(body + (b"0\r\n\r\n" if "chunked" in head else b""))
        heard = peer.hear()
        assert len(heard.partition(b"\r\n\r\n")[2]) == size
        peer.close()


def test_after_a_large_body_the_connection_goes_on(world: World) -> None:
    server = world.serve(body_bytes=1000, streams=1)
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for _ in range(3):
        client.request("POST", "/echo", body=b"y" * 100_000)
        assert len(client.getresponse().read()) == 100_000
    client.close()
    assert len({seen["REMOTE_PORT"] for seen in world.application.seen}) == 1


def test_a_certificate_is_shown_and_a_replaced_one_from_the_next_connection_on(
    world: World,
) -> None:
    shown = world.certificate()
    tls = ServerTls(shown.cert_path, shown.key_path)
    server = world.serve(tls=tls)
    client = ssl.create_default_context(cafile=shown.ca_path)
    connection = http.client.HTTPSConnection(
        "127.0.0.1", server.port, context=client, timeout=60
    )
    for size in (10, 2_000_000):
        connection.request("GET", f"/size/{size}")
        assert len(connection.getresponse().read()) == size
    assert world.application.seen[-1]["HTTPS"] == "on"
    assert server.url == f"https://127.0.0.1:{server.port}"
    assert not tls.take_new_certificate()
    shown.cert_path.unlink()
    world.certificate()
    assert tls.take_new_certificate()
    # The one that is open stays as it was.
    connection.request("GET", "/size/3")
    assert len(connection.getresponse().read()) == 3
    connection.close()
    connection.request("GET", "/size/4")
    assert len(connection.getresponse().read()) == 4
    connection.close()


def test_all_addresses_of_the_machine_are_listened_on_where_so_told(
    world: World,
) -> None:
    server = world.serve(bind="::")
    for address in ("127.0.0.1", "::1"):
        client = http.client.HTTPConnection(address, server.port, timeout=60)
        client.request("GET", "/size/2")
        assert client.getresponse().read() == b"xx"
        client.close()
    assert server.url == f"http://[::1]:{server.port}"
