# SPDX-License-Identifier: Apache-2.0
"""One request as the controllers see it: who asks, with what words, from where."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from webob import Request

from hummingbird.api.http.dependencies import Dependencies
from hummingbird.context import RequestContext
from hummingbird.errors import BadRequest, BodyTooLarge
from hummingbird.wire import json_text

MAX_BODY_BYTES = 1024 * 1024
_HOST = re.compile(r"([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?")
"""What a Host header may be to stand in links (RFC 3986, section 3.2)."""


@dataclass
class Call:
    """One request, and the status its answer will have."""

    dependencies: Dependencies
    request: Request
    context: RequestContext
    names: tuple[str, ...] = ()
    """What the path says in the places of the route's {…}."""
    status: int = 200
    success: int = 200
    """The status that its answer will have, if nothing goes wrong."""
    allows: Callable[[str], bool] = field(default=lambda _rule: False, repr=False)
    """Whether a rule of api/http/policy.py, named, lets the caller do more than his route's
    own rule says."""
    headers: dict[str, str] = field(default_factory=dict)
    """What the answer has beside the usual headers."""
    _read: bytes | None = None

    @property
    def name(self) -> str:
        """The first (mostly the only) name in the path."""
        return self.names[0]

    @cached_property
    def base(self) -> str:
        """Start of every link: scheme and host as the client knows them."""
        scheme = self.request.headers.get("X-Forwarded-Proto", self.request.scheme)
        if scheme not in ("http", "https"):
            scheme = self.request.scheme
        environ = self.request.environ
        host = self.request.host
        if not _HOST.fullmatch(host):
            host = f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
        return f"{scheme}://{host}"

    def arguments(self, *allowed: str) -> dict[str, str]:
        """Return the query's arguments; of a repeated one the last.

        :raises BadRequest: one is not in `allowed`.
        """
        given = dict(self.request.GET.items())
        for name, value in given.items():
            if name not in allowed:
                raise BadRequest(message=f'Unknown argument: "{name}"')
            if "\x00" in value:
                raise BadRequest(message=f"Invalid value of {name}.")
        return given

    def json(self) -> Any:
        """Return the body.

        :raises BodyTooLarge: it is.
        :raises BadRequest: it is not JSON, or holds what no text should hold.
        """
        try:
            return json_text.read(self.body)
        except ValueError as error:
            raise BadRequest(message="Request is not in valid JSON format") from error

    @cached_property
    def body(self) -> bytes:
        """The body as it was sent; read once.

        :raises BodyTooLarge: it is.
        :raises BadRequest: it could not be read.
        """
        return self.read(MAX_BODY_BYTES)

    def read(self, limit: int) -> bytes:
        """Return the body as it was sent, where that may be large.

        :param limit: most bytes that it may have.
        :raises BodyTooLarge: it has more.
        :raises BadRequest: it could not be read.
        """
        # It can be read once, and a request be carried out twice.
        if self._read is None:
            self._read = self._receive(limit)
        return self._read

    def _receive(self, limit: int) -> bytes:
        environ = self.request.environ
        length = self.request.content_length
        if length is None:
            # Sent in chunks: the server says where they end.
            length = limit + 1 if environ.get("wsgi.input_terminated") else 0
        elif length > limit:
            raise BodyTooLarge(limit=limit)
        try:
            body: bytes = environ["wsgi.input"].read(min(length, limit + 1))
        except OSError as error:
            raise BadRequest(message="The request's body could not be read") from error
        if len(body) > limit:
            raise BodyTooLarge(limit=limit)
        return body

    def json_object(self) -> dict[str, Any]:
        """Return the body, which must be an object.

        :raises BadRequest: it is not.
        """
        content = self.json()
        if not isinstance(content, dict):
            raise BadRequest(message="The request's body must be a JSON object.")
        return content
