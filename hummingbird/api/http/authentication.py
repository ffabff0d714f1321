# SPDX-License-Identifier: Apache-2.0
"""Who may come in: whoever has this deployment's token, or one of Keystone's; and to
some paths anybody.

A door turns what a request shows into who asks. Which door there is, `[api]auth_strategy`
says; what may be done behind it, api/policy.py.
"""

import hmac
from collections.abc import Mapping
from typing import Any, Protocol

from hummingbird.context import RequestContext
from hummingbird.errors import NotAuthenticated

PUBLIC = frozenset({"/", "/v1", "/v1/", "/v1/health"})
"""What is answered without a token, as sysinv does for its versions."""

ANONYMOUS = "anonymous"


class Door(Protocol):
    """One way to know who asks; used by many threads at once."""

    @property
    def challenge(self) -> str | None:
        """What WWW-Authenticate says to whom it does not know, if anything."""

    def let_in(self, environ: Mapping[str, Any]) -> RequestContext:
        """Return the caller of one request (a WSGI environment).

        :raises NotAuthenticated: nobody we know.
        :raises Unavailable: whoever knows does not answer.
        """


class TokenDoor:
    """Knows one token; who has it is the administrator."""

    challenge: str | None = None

    def __init__(self, token: str) -> None:
        self._expected = token.encode()

    def let_in(self, environ: Mapping[str, Any]) -> RequestContext:
        """Return the administrator."""
        # Bytes, since compare_digest takes no text outside ASCII.
        shown = str(environ.get("HTTP_X_AUTH_TOKEN") or "")
        given = shown.encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._expected):
            raise NotAuthenticated()
        return RequestContext(user="admin", roles=("admin",), project="admin")


def authenticate(environ: Mapping[str, Any], door: Door) -> RequestContext:
    """Return the caller of one request; on a public path nobody is asked who he is.

    :raises NotAuthenticated, Unavailable: as the door says.
    """
    if environ.get("PATH_INFO") in PUBLIC:
        return RequestContext(user=ANONYMOUS)
    return door.let_in(environ)
