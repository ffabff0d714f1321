# SPDX-License-Identifier: Apache-2.0
"""Who may ask: whoever has the token of this deployment, and for some paths anybody."""

import hmac

from hummingbird.context import RequestContext
from hummingbird.errors import NotAuthenticated

PUBLIC = frozenset({"/", "/v1", "/v1/", "/v1/health"})
"""What is answered without a token, as sysinv does for its versions."""


def authenticate(path: str, token: str | None, *, expected: str) -> RequestContext:
    """Return the caller of one request.

    :param token: the X-Auth-Token header.
    :raises NotAuthenticated: it is missing or wrong, and `path` is not public.
    """
    # Bytes, since compare_digest takes no text outside ASCII.
    given = (token or "").encode("utf-8", "surrogateescape")
    if hmac.compare_digest(given, expected.encode()):
        return RequestContext(user="admin", roles=("admin",), project="admin")
    if path in PUBLIC:
        return RequestContext(user="anonymous")
    raise NotAuthenticated()
