# SPDX-License-Identifier: Apache-2.0
"""Refusals become one sentence, whichever form the server gives them."""

import contextlib
import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from hummingbird.adapters.pki.authority import ensure_server_certificate
from hummingbird.cli.client import Client, path, refusal
from hummingbird.cli.endpoint import Endpoint
from hummingbird.cli.failure import Failure, Unreachable
from tests.free_port import free_port
from tests.unit.cli.conftest import Asked, Run, Server

FAULT = {"faultcode": "Client", "faultstring": "No such thing.", "debuginfo": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            json.dumps({"error_message": json.dumps({**FAULT, "code": "a.b"})}),
            ("No such thing.", "a.b"),
        ),
        (json.dumps({"error_message": FAULT}), ("No such thing.", None)),
        (json.dumps({"error_message": "Only text"}), ("Only text", None)),
        ("<html>gateway</html>", ("", None)),
        ("[]", ("", None)),
        ("", ("", None)),
    ],
)
def test_the_sentence_is_found(text: str, expected: tuple[str, str | None]) -> None:
    assert refusal(text) == expected


def test_a_name_cannot_leave_its_place_in_a_path() -> None:
    assert (
        path("ihosts", "../runs?x=1", "facts") == "/v1/ihosts/..%2Fruns%3Fx%3D1/facts"
    )


def test_the_token_goes_in_its_header_and_absent_arguments_are_not_sent(
    server: Server,
) -> None:
    server.on("GET", "/v1/runs", {"runs": []})
    client = Client(Endpoint(url=server.url, token="sesame", token_from="here"))
    assert client.get("/v1/runs", host="edge-0", state=None) == {"runs": []}
    assert server.asked[0].headers["x-auth-token"] == "sesame"
    assert server.asked[0].query == {"host": "edge-0"}


def test_a_refusal_has_the_servers_sentence_and_code(server: Server) -> None:
    body = {"error_message": json.dumps({**FAULT, "code": "hummingbird.not_found"})}
    server.on("GET", "/v1/ihosts/x", body, status=404)
    client = Client(Endpoint(url=server.url, token="t", token_from="here"))
    with pytest.raises(Failure, match=r"^No such thing\.$") as caught:
        client.get("/v1/ihosts/x")
    assert caught.value.code == "hummingbird.not_found"


def test_what_adds_is_sent_once_more_with_the_same_key(server: Server) -> None:
    def dropped(asked: Asked) -> Any:
        if len(server.asked) == 1:
            raise ConnectionAbortedError
        return 200, {"id": 1}

    server.on("POST", "/v1/ihosts", dropped)
    client = Client(Endpoint(url=server.url, token="t", token_from="here"))
    assert client.post("/v1/ihosts", {}) == {"id": 1}
    assert client.post("/v1/ihosts", {}) == {"id": 1}
    first, again, other = (asked.headers["idempotency-key"] for asked in server.asked)
    assert first == again != other


def test_what_changes_or_deletes_is_not_sent_again(server: Server) -> None:
    def dropped(asked: Asked) -> Any:
        raise ConnectionAbortedError

    client = Client(Endpoint(url=server.url, token="t", token_from="here"))
    for method, act in (
        ("PATCH", lambda: client.patch("/v1/x", {})),
        ("DELETE", lambda: client.delete("/v1/x")),
    ):
        server.asked.clear()
        server.on(method, "/v1/x", dropped)
        with pytest.raises(Unreachable):
            act()
        assert len(server.asked) == 1


def test_a_change_may_name_what_was_seen(hummingbird: Run, server: Server) -> None:
    server.on("PATCH", "/v1/emns/shops", {"name": "shops"})
    words = ("emn-update", "shops", "--site", "ulm")
    hummingbird(*words)
    hummingbird(*words, "--if-match", "5-7")
    hummingbird(*words, "--if-match", '"5-7"')
    seen = [asked.headers.get("if-match") for asked in server.asked]
    assert seen == [None, '"5-7"', '"5-7"']


def test_a_proxy_for_the_world_outside_is_not_asked_for_this_machine(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    server.on("GET", "/v1/runs", {"runs": []})
    client = Client(Endpoint(url=server.url, token="t", token_from="here"))
    assert client.get("/v1/runs") == {"runs": []}


def test_a_wrong_token_says_where_it_came_from(
    hummingbird: Run, server: Server
) -> None:
    server.on("GET", "/v1/ihosts", {"error_message": "no"}, status=401)
    done = hummingbird("host-list")
    assert done.status == 1
    assert "refuses the token from HUMMINGBIRD_TOKEN" in done.err
    assert "sesame" not in done.err


def test_nobody_there_says_how_to_start_one(hummingbird: Run, server: Server) -> None:
    port = free_port()
    plain = hummingbird("--url", f"http://127.0.0.1:{port}", "host-list")
    assert plain.status == 1
    assert "say https://" in plain.err
    url = f"https://127.0.0.1:{port}"
    done = hummingbird("--url", url, "host-list")
    assert done.status == 1
    assert f"Nobody answers at {url}" in done.err
    assert "hummingbird up" in done.err
    with pytest.raises(Unreachable):
        Client(Endpoint(url=url, token="t", token_from="here")).get("/v1/runs")


def test_a_certificate_that_can_t_be_checked_says_what_to_name(
    hummingbird: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUMMINGBIRD_TOKEN", "sesame")
    theirs = ensure_server_certificate(tmp_path / "theirs", ["127.0.0.1"])
    other = ensure_server_certificate(tmp_path / "other", ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(theirs.cert_path, theirs.key_path)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        heard: list[bytes] = []

        def serve() -> None:
            listening.settimeout(20)
            link, _ = listening.accept()
            link.settimeout(20)
            with link, contextlib.suppress(OSError):
                spoken = context.wrap_socket(link, server_side=True)
                heard.append(spoken.recv(1024))

        serving = threading.Thread(target=serve)
        serving.start()
        done = hummingbird("--url", url, "--ca-file", str(other.ca_path), "host-list")
        serving.join()
    assert done.status == 1
    assert "--ca-file FILE" in done.err
    assert b"sesame" not in b"".join(heard)
    missing = hummingbird("--url", url, "--ca-file", str(tmp_path / "no"), "host-list")
    assert (missing.status, "no" in missing.err) == (1, True)


def test_an_answer_that_is_no_json_is_somebody_elses_server(server: Server) -> None:
    server.on("GET", "/v1/runs", lambda asked: (200, None))
    client = Client(Endpoint(url=server.url, token="t", token_from="here"))
    assert client.get("/v1/runs") is None
