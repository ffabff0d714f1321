# SPDX-License-Identifier: Apache-2.0
"""A server that does nothing: GET /N answers N bytes that it has at hand.

It is made of the same HTTP server and the same TLS as the API, so that its times say
what a round trip costs on this machine at this moment, and what is above them is ours.
Prints its port, then serves until its standard input ends.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from hummingbird.clock import SystemClock
from hummingbird.httpd.server import Server
from hummingbird.tls import ServerTls


def answer(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    """Answer as many bytes as the path says."""
    body = b"x" * int(environ["PATH_INFO"][1:])
    start_response(
        "200 OK",
        [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
    )
    return [body]


def main(certificate: Path | None, key: Path | None) -> None:
    """Serve; with TLS if there is a certificate."""
    tls = None
    if certificate is not None and key is not None:
        tls = ServerTls(certificate, key)
    server = Server(
        answer,
        bind="127.0.0.1",
        port=0,
        name="plain",
        threads=10,
        clock=SystemClock(),
        tls=tls,
    )
    server.start()
    print(server.port, flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:]]
    main(*(given or (None, None)))
