# SPDX-License-Identifier: Apache-2.0
"""A server of canned answers on the loopback, and the program run against it."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hummingbird.cli.app import main

Answer = tuple[int, Any]


@dataclass
class Asked:
    """One request as the server got it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    raw: bytes = b""


@dataclass
class Server:
    """Answers by method and path; a callable may answer according to the request."""

    url: str = ""
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def on(self, method: str, path: str, body: Any, status: int = 200) -> None:
        """Answer a request with `body`, or with what `body(asked)` returns."""
        self.answers[method, path] = body if callable(body) else (status, body)

    def reply(self, asked: Asked) -> Answer:
        """Return status and body."""
        self.asked.append(asked)
        answer = self.answers.get((asked.method, asked.path))
        if answer is None:
            return 404, {"error_message": f"nothing at {asked.path}"}
        found: Answer = answer(asked) if callable(answer) else answer
        return found


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    knows: Server

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        where = urlsplit(self.path)
        # What goes wrong in an answer drops the connection.
        status, body = self.knows.reply(
            Asked(
                method=self.command,
                path=where.path,
                query={
                    name: values[-1] for name, values in parse_qs(where.query).items()
                },
                headers={name.lower(): value for name, value in self.headers.items()},
                body=_parsed(raw),
                raw=raw,
            )
        )
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def server(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that the program finds by its environment."""
    known = Server()
    handler = type("Handler", (_Handler,), {"knows": known})
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    httpd.daemon_threads = True
    known.url = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
    thread.start()
    monkeypatch.setenv("HUMMINGBIRD_URL", known.url)
    monkeypatch.setenv("HUMMINGBIRD_TOKEN", "sesame")
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    yield known
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@dataclass
class Outcome:
    """What one call of the program did."""

    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def hummingbird(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """The program, in this process; its log handlers are taken away afterwards."""
    root = logging.getLogger()
    before = list(root.handlers)

    def run(*argv: str) -> Outcome:
        capsys.readouterr()
        try:
            status = main(list(argv))
        except SystemExit as end:
            status = int(end.code or 0)
        finally:
            root.handlers[:] = before
        text = capsys.readouterr()
        return Outcome(status, text.out, text.err)

    yield run
    root.handlers[:] = before
