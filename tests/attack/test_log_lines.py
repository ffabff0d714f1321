# SPDX-License-Identifier: Apache-2.0
"""A request without a token, whatever it is made of, costs one line of the log at most, and
is no failure of ours: on the ports of the API, of FM, of the gateway and of the metrics."""

import contextlib
import logging
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hummingbird.adapters.prometheus.listener import MetricsListener
from hummingbird.api.http.server import ApiService
from hummingbird.clock import SystemClock
from tests.attack.test_peer import api as api
from tests.functional.gateway.conftest import Site
from tests.functional.gateway.conftest import site as site
from tests.functional.gateway.conftest import template as template

EXAMPLES = 150
LINE_CHARACTERS = 4096
OF_HTTP = (501, 505)
"""What the server itself says to a transfer coding or a version that it does not speak."""

METHODS = st.sampled_from(
    [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE"]
) | st.text("ABCxyz-!#$%&'*+.^_`|~09", min_size=1, max_size=3000).map(str.encode)
_ODD = st.sampled_from(
    [
        b"%ff",
        b"%c3(",
        b"%ed%a0%80",
        b"%00",
        b"%0a",
        b"%1b[2J",
        b"%",
        b"%zz",
        b"%2f",
        b"..",
    ]
)
_WORD = st.text("abv1/;=&?+-", max_size=8).map(str.encode)
_PIECES = st.lists(_ODD | _WORD, max_size=6).map(b"".join)
PATHS = st.sampled_from(
    [
        *(b"/", b"/v1", b"/v1/", b"/v1/health", b"/v1/ihosts", b"/v1/ihosts/edge-0"),
        *(
            b"/v1/alarms",
            b"/v1/sessions",
            b"/v1/reports",
            b"/v1/inventory",
            b"/metrics",
        ),
        *(b"*", b"http://a/v1", b"//", b"/" + b"a" * 9000),
    ]
) | _PIECES.map(lambda some: b"/" + some)
QUERIES = st.sampled_from([b"", b"?x=%ff", b"?%ff", b"?limit=%ff", b"?name[]=%ff"]) | (
    _PIECES.map(lambda some: b"?" + some)
)
_NAMES = st.sampled_from(
    [
        *(b"Cookie", b"Content-Type", b"Host", b"Accept", b"Accept-Encoding", b"Range"),
        *(b"Authorization", b"X-Forwarded-Proto", b"X-Forwarded-For", b"If-Match"),
        *(b"Content-Encoding", b"Content-Length", b"Transfer-Encoding", b"Expect"),
        *(b"Idempotency-Key", b"X-Request-Id", b"X-Content-Hash", b"Accept-Language"),
        *(b"If-Modified-Since", b"Date", b"Connection", b"Upgrade", b"X-Http-Method"),
    ]
)
_VALUES = st.sampled_from(
    [
        *(
            b"\xff",
            b"\xc3(",
            b"a=\xff",
            b"=",
            b";",
            b",",
            b"q=",
            b"*/*;q=x",
            b"\x1b[2J",
        ),
        *(b"text/plain; charset=\xff", b"text/plain; charset=nonsense", b"multipart/x"),
        *(b'multipart/form-data; boundary="', b"application/x-www-form-urlencoded"),
        *(b"application/json; charset=utf-16", b"gzip", b"chunked", b"identity", b"-1"),
        *(b"100-continue", b"99999999999999999999", b"5", b"bytes=0-", b"[::1", b":x"),
        *(b"application/openmetrics-text; version=nonsense", b"a" * 9000),
        *(b"Hummingbird session=1, signature=\xff", b"Basic \xff", b"Bearer"),
    ]
) | st.binary(max_size=12).map(lambda some: some.translate(None, b"\r\n\0"))
HEADERS = st.lists(st.tuples(_NAMES, _VALUES), max_size=4)
BODIES = st.sampled_from(
    [b"", b"\xff", b"{", b"[" * 5000, b"a=%ff&b", b"--\r\n", '{"a"'.encode("utf-16")]
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Make one request, as it goes over the wire."""
    body = draw(BODIES)
    headers = draw(HEADERS)
    given = {name for name, _ in headers}
    if b"Host" not in given:
        headers.append((b"Host", b"a"))
    if not given & {b"Content-Length", b"Transfer-Encoding"} and body:
        headers.append((b"Content-Length", str(len(body)).encode()))
    first = draw(METHODS) + b" " + draw(PATHS) + draw(QUERIES) + b" HTTP/1.1\r\n"
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return first + lines + b"\r\n" + body


class Lines(logging.Handler):
    """What is in the log, line by line, but for the one a minute that counts strangers."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "hummingbird.httpd.tally":
            self.lines += self.format(record).splitlines()


@pytest.fixture
def log() -> Iterator[Lines]:
    made, root = Lines(), logging.getLogger()
    before = root.level
    root.addHandler(made)
    root.setLevel(logging.INFO)
    yield made
    root.removeHandler(made)
    root.setLevel(before)


def ask(port: int, said: bytes, *, tls: ssl.SSLContext | None) -> int | None:
    """Say it, and nothing more; return the status of the answer, if there is one."""
    heard = b""
    with contextlib.ExitStack() as stack:
        plug = stack.enter_context(socket.create_connection(("127.0.0.1", port), 60))
        link = plug if tls is None else stack.enter_context(tls.wrap_socket(plug))
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            link.sendall(said)
            # The server is not left to wait for what never comes.
            socket.socket.shutdown(link, socket.SHUT_WR)
            while piece := link.recv(65536):
                heard += piece
    last = heard.rpartition(b"HTTP/1.1 100 \r\n\r\n")[2]
    return int(last.split(b" ", 2)[1]) if last.startswith(b"HTTP/1.1 ") else None


def trusting(authority: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority)
    context.check_hostname = False
    return context


def holds(port: int, log: Lines, *, tls: ssl.SSLContext | None) -> None:
    """See that no request costs more than a line, or is a failure."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests() | st.binary(max_size=200))
    @example(b"GET /?x=%ff HTTP/1.1\r\nHost: a\r\n\r\n")
    @example(b"GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n")
    @example(b"GET /v1?%ff HTTP/1.1\r\nHost: a\r\n\r\n")
    @example(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: \xff\r\n\r\n")
    @example(b"GET /%0aforged%1b[2J HTTP/1.1\r\nHost: a\r\n\r\n")
    def costs_a_line(said: bytes) -> None:
        log.lines.clear()
        status = ask(port, said, tls=tls)
        assert status is None or status < 500 or status in OF_HTTP, status
        assert len(log.lines) <= 1, log.lines
        for line in log.lines:
            assert len(line) <= LINE_CHARACTERS and line.isprintable(), line

    costs_a_line()


@pytest.mark.parametrize("door", ["api", "fm"])
def test_a_request_without_a_token_costs_a_line(
    api: ApiService, log: Lines, door: str
) -> None:
    assert api.certificate is not None
    url = api.url if door == "api" else api.fm_url
    tls = trusting(api.certificate.ca_path)
    holds(int(url.rpartition(":")[2]), log, tls=tls)


def test_a_request_without_a_session_costs_a_line(site: Site, log: Lines) -> None:
    gateway = site.start_gateway(session_seconds=600, period_seconds=600.0)
    holds(gateway.port, log, tls=trusting(site.certificate.ca_path))


def test_a_request_for_metrics_costs_no_line(log: Lines) -> None:
    listener = MetricsListener(list, bind="127.0.0.1", port=0, clock=SystemClock())
    listener.start()
    try:
        holds(listener.port, log, tls=None)
        assert log.lines == []
    finally:
        listener.stop()
