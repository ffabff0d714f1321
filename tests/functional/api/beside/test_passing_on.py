# SPDX-License-Identifier: Apache-2.0
"""What is passed on to sysinv and back stays as it is, and is not kept waiting."""

import hashlib
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.fakes.sysinv import TOKEN
from tests.functional.api.beside.conftest import PASSAGES, PATIENCE, World


def test_what_is_not_ours_goes_through_as_it_is(world: World) -> None:
    answer = world.ask(
        "PATCH",
        "/v1//ihosts/controller-0/?a=%2F&b=",
        data=b'[ {"op":"replace"} ]',
        headers={
            "Accept": "text/plain",
            "Connection": "X-Secret, keep-alive",
            "X-Secret": "of this connection",
            "TE": "trailers",
            "User-Agent": "mtce/1",
            "X-Forwarded-For": "10.0.0.9",
            "Content-Type": "application/x-odd",
        },
    )
    assert answer.status_code == 400
    expected = b'{"error_message":  "{\\"faultstring\\": \\"Avoiding lock\\"}"}\n'
    assert answer.content == expected
    assert answer.headers["X-Odd"] == "a;b"
    assert answer.headers["Set-Cookie"] == "a=1"
    assert "Keep-Alive" not in answer.headers
    (seen,) = world.sysinv.seen
    assert seen.target == "/v1//ihosts/controller-0/?a=%2F&b="
    assert seen.body == b'[ {"op":"replace"} ]'
    host = world.url.removeprefix("http://")
    expected_headers = {
        "X-Auth-Token": TOKEN,
        "Host": host,
        "User-Agent": "mtce/1",
        "Accept": "text/plain",
        "Content-Type": "application/x-odd",
        "Content-Length": "20",
        "X-Forwarded-For": "10.0.0.9, 127.0.0.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": host,
        "Via": "1.1 hummingbird",
    }
    for name, value in expected_headers.items():
        assert seen.headers[name] == value, name
    assert not {"X-Secret", "Te"} & set(seen.headers)


def test_a_large_body_is_passed_on_while_it_comes(world: World) -> None:
    piece = b"x" * 65536
    sent = 160  # pieces: 10 MiB, ten times what a body of ours may be
    held = 17  # pieces: more than that

    def body() -> Iterator[bytes]:
        for _ in range(held):
            yield piece
        assert world.sysinv.has_received.wait(20), "it was held back"
        for _ in range(sent - held):
            yield piece

    answer = world.ask("PUT", "/v1/echo", data=body())
    whole = hashlib.sha256(piece * sent).hexdigest()
    assert answer.json() == {"size": sent * len(piece), "sha256": whole}
    again = world.ask("POST", "/v1/echo", data=piece * sent)
    assert again.json() == answer.json()
    assert world.sysinv.seen[-1].headers["Content-Length"] == str(sent * len(piece))


def test_a_large_host_to_be_added_is_not_judged_here(world: World) -> None:
    big = {"hostname": "h", "personality": "worker", "mgmt_mac": "m", "x": "y" * 2**21}
    body = json.dumps(big).encode()

    def pieces() -> Iterator[bytes]:
        yield body[: 2**20 + 7]
        yield body[2**20 + 7 :]

    for data in (body, pieces()):
        answer = world.ask("POST", "/v1/ihosts", data=data)
        assert (answer.status_code, "Too large" in answer.text) == (413, True)
        begun = world.sysinv.seen[-1].body
        assert len(begun) > 2**19 and body.startswith(begun)


def test_a_body_that_is_too_large_for_us_is_refused_unread(world: World) -> None:
    for path in ("/v1/runs", "/v1/emns"):
        answer = world.ask("POST", path, data=b" " * (3 * 2**20))
        assert answer.status_code == 413, path


def test_an_answer_is_passed_on_while_it_comes(world: World) -> None:
    answer = world.ask("GET", "/v1/stream", stream=True)
    pieces = answer.iter_content(None)
    assert next(pieces) == b"first"
    world.sysinv.may_go_on.set()
    assert b"".join(pieces) == b"last"


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(world: World) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _ = world.ask("GET", "/v1/broken").content
    assert world.get("/v1/ihosts/compute-0")["hostname"] == "compute-0"


def test_a_client_that_goes_away_in_the_middle_frees_its_passage(world: World) -> None:
    host, port = world.url.removeprefix("http://").split(":")
    for _ in range(PASSAGES + 1):
        world.sysinv.has_received.clear()
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as gone:
            gone.sendall(
                b"POST /v1/echo HTTP/1.1\r\nHost: a\r\nX-Auth-Token: x\r\n"
                b"Content-Length: 10000000\r\n\r\n" + b"x" * 2_000_000
            )
            assert world.sysinv.has_received.wait(20)
    world.until(
        lambda: world.ask("GET", "/v1/ihosts/compute-0").status_code == 200,
    )


def test_many_at_once_get_their_own_answers(world: World) -> None:
    world.conf.set_override("passages", 64, group="sysinv")
    for number in range(8):
        world.add(f"edge-{number}")

    def one(number: int) -> bool:
        name = f"edge-{number % 8}" if number % 3 else "compute-0"
        if number % 5 == 0:
            return {"compute-0", "edge-7"} <= set(world.names())
        answer = world.ask("GET", f"/v1/ihosts/{name}")
        # Too many with sysinv at one time is a word that is foreseen.
        return answer.status_code == 503 or answer.json()["hostname"] == name

    with ThreadPoolExecutor(PASSAGES) as pool:
        assert all(pool.map(one, range(60)))


def test_connections_to_sysinv_are_used_again(world: World) -> None:
    for _ in range(5):
        world.get("/v1/ihosts/compute-0")
        world.get("/v1/ihosts")
    assert world.sysinv.connections == 1
