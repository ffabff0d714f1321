# SPDX-License-Identifier: Apache-2.0
"""A server that does nothing: GET /N answers N bytes that it has at hand.

It is made of the same HTTP server and the same TLS as the API, so that its times say
what a round trip costs on this machine at this moment, and what is above them is ours.
Prints its port, then serves until its standard input ends.
"""

import ssl
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server


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
    server = Server(("127.0.0.1", 0), answer, numthreads=10)
    if certificate is not None:
        server.ssl_adapter = BuiltinSSLAdapter(str(certificate), str(key))
        server.ssl_adapter.context.minimum_version = ssl.TLSVersion.TLSv1_2
    server.prepare()
    print(server.bind_addr[1], flush=True)
    threading.Thread(target=server.serve, daemon=True).start()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:]]
    main(*(given or (None, None)))
