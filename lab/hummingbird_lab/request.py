# SPDX-License-Identifier: Apache-2.0
"""HTTP requests, made where this process is: `python -m hummingbird_lab.request`.

Run inside the lab it reaches what listens on the controller's loopback.  What to ask
comes as JSON on stdin, a line each ({method, url, ca_file, headers, body, timeout_s}), so
that a token is in no argument list; each answer goes to stdout as a line of JSON ({status,
body}).  Status 0: nobody answered.  It ends with its input.
"""

import json
import ssl
import sys
import urllib.error
import urllib.request
from typing import Any


def ask(request: dict[str, Any]) -> dict[str, Any]:
    """Carry out one request; `body` is sent and returned as JSON where it is some."""
    body = request.get("body")
    call = urllib.request.Request(  # noqa: S310 -- the lab's own addresses
        request["url"],
        method=request["method"],
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **request.get("headers", {})},
    )
    try:
        with urllib.request.urlopen(  # noqa: S310
            call,
            timeout=request.get("timeout_s", 30.0),
            context=_trust(request.get("ca_file")),
        ) as answer:
            return {"status": answer.status, "body": _parsed(answer.read())}
    except urllib.error.HTTPError as error:
        with error:
            return {"status": error.code, "body": _parsed(error.read())}
    except OSError as error:
        return {"status": 0, "body": str(error)}


def _trust(ca_file: str | None) -> ssl.SSLContext | None:
    """Return what checks the server; a file that is not there yet is no authority."""
    return None if ca_file is None else ssl.create_default_context(cafile=ca_file)


def _parsed(data: bytes) -> Any:
    text = data.decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text or None


if __name__ == "__main__":
    for question in sys.stdin:
        print(json.dumps(ask(json.loads(question))), flush=True)
