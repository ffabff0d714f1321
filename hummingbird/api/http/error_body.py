# SPDX-License-Identifier: Apache-2.0
"""Turns errors into HTTP; the only reader of an error's status.

Two forms, because two unmodified clients read them: StarlingX's `system` parses
`error_message` as JSON text once more and prints its `faultstring`; FM's clients know
`error_message` as plain text. Both get our stable code beside it.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from webob import Response
from webob.exc import HTTPException

from hummingbird.errors import HummingbirdError

RETRY_SECONDS: Final = 5
"""When a client may ask again, where a neighbour is away."""

FAULT_PATHS = ("/v1/alarms", "/v1/event_log", "/v1/event_suppression")
"""What FM serves; their errors are FM's."""


def fault(
    path: str, error: HummingbirdError, *, challenge: str | None = None
) -> Response:
    """Return the answer that `error` is, to a request of `path`.

    :param challenge: what WWW-Authenticate says to whom nobody knows.
    """
    text = str(error)
    status = type(error).status
    headers = {}
    if status == 503 and error.worth_a_retry:
        headers["Retry-After"] = str(RETRY_SECONDS)
    if status == 401 and challenge is not None:
        headers["WWW-Authenticate"] = challenge
    if path.startswith(FAULT_PATHS):
        # `fm` prints what it finds in an object under the first key, and nothing of FM's
        # own error_message; others read that.
        first = {"message": text, "code": error.code}
        return _answer(status, {"error": first, "error_message": text}, headers)
    inner = {
        "faultcode": "Client" if status < 500 else "Server",
        "faultstring": text,
        "debuginfo": None,
        "code": error.code,
        "worth_a_retry": error.worth_a_retry,
    }
    return _answer(status, {"error_message": json.dumps(inner)}, headers)


def routing_fault(path: str, error: HTTPException) -> Response:
    """Return the answer to a request that no route takes (404, 405)."""
    if path.startswith(FAULT_PATHS):
        body = {"error_message": str(error.title)}
    else:
        # The first three are sysinv's; its clients print "None" where there is no
        # faultstring.
        inner = {
            "code": error.status_int,
            "title": error.title,
            "description": "",
            "faultstring": f"{error.title}: Hummingbird does not serve this at {path}",
        }
        body = {"error_message": json.dumps(inner)}
    response = _answer(error.status_int, body)
    if error.allow:
        response.allow = error.allow
    return response


def _answer(
    status: int, body: dict[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    response = Response(
        status=status,
        body=json.dumps(body).encode(),
        content_type="application/json",
        charset="UTF-8",
    )
    response.headers.update(headers or {})
    return response
