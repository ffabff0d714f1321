# SPDX-License-Identifier: Apache-2.0
"""Asks a WSGI application from within, and holds its answer."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from hummingbird.api.http.encode import encode

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer, whole."""

    status_line: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def status(self) -> int:
        return int(self.status_line[:3])

    @property
    def is_not_found(self) -> bool:
        """Whether it says that there is no such thing, whatever its status (sysinv's is
        400 for a label)."""
        if self.status == 404:
            return True
        if self.status != 400:
            return False
        try:
            inner = json.loads(json.loads(self.body)["error_message"])
            return str(inner["code"]).endswith(".not_found")
        except (KeyError, TypeError, ValueError):
            return False


def ask(application: Application, environ: Environ) -> Answer:
    """Return the answer to a request."""
    seen: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        seen.append((status, headers))

    chunks = application(environ, start)
    try:
        body = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    status_line, headers = seen[-1]
    return Answer(status_line=status_line, headers=headers, body=body)


def deliver(
    answer: Answer,
    start_response: StartResponse,
    *,
    content: Any = None,
    further: Iterable[tuple[str, str]] = (),
) -> Iterable[bytes]:
    """Answer with what was held.

    :param content: JSON in place of the body.
    :param further: headers to be added.
    """
    if content is None:
        start_response(answer.status_line, [*answer.headers, *further])
        return [answer.body]
    body = encode(content)
    # A tag would be of the part and not of the whole.
    kept = [
        (name, value)
        for name, value in answer.headers
        if name.lower() not in ("content-length", "etag", "last-modified")
    ]
    start_response(
        answer.status_line, [*kept, ("Content-Length", str(len(body))), *further]
    )
    return [body]
