# SPDX-License-Identifier: Apache-2.0
"""A POST that may be sent again (IETF draft-ietf-httpapi-idempotency-key-header).

Who sends an Idempotency-Key and gets no answer sends the same request again, and gets the
answer that the first one got or would have got; what it creates is created once, also by
twins at the same moment. The answer is stored in the transaction that creates, so there is
no moment in which one is there without the other.

What is refused is not remembered: it has changed nothing, and may go through later.
"""

import hashlib
import json
import re
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from typing import Any, Final

from hummingbird.api.http.call import Call
from hummingbird.api.http.router import Handler
from hummingbird.db.repository import idempotency
from hummingbird.errors import BadRequest, IdempotencyKeyReused

KEY_MAX: Final = 255
_MARK = "is_once"
_KEY = re.compile(r"[\x21-\x7e]+")


def once(handler: Handler) -> Handler:
    """Return `handler` such that a request with an Idempotency-Key is carried out once."""

    @wraps(handler)
    def answer(call: Call) -> Any:
        key = call.request.headers.get("Idempotency-Key")
        return handler(call) if key is None else _once(call, handler, key)

    setattr(answer, _MARK, True)
    return answer


def is_once(handler: Handler) -> bool:
    """Whether `handler` is one that `once` returned."""
    return hasattr(handler, _MARK)


def _once(call: Call, handler: Handler, key: str) -> Any:
    if len(key) > KEY_MAX or not _KEY.fullmatch(key):
        raise BadRequest(
            message=f"An Idempotency-Key is 1 to {KEY_MAX} printable ASCII characters"
            " without blanks."
        )
    dependencies = call.dependencies
    now = dependencies.clock.now()
    until = now + timedelta(hours=dependencies.conf.api.idempotency_hours)
    context = call.context
    # By ids where there are any: names can be another's in another domain, or later.
    digest = _digest(
        context.user_id or "",
        context.user,
        context.project_id or "",
        context.project or "",
        key,
    )
    nudges: list[str] = []
    with dependencies.database.writer() as connection:
        claimed = idempotency.claim(connection, digest, until=until, now=now)
        if isinstance(claimed, str):
            return _replay(call, json.loads(dependencies.box.open(claimed)))
        call.dependencies = replace(
            dependencies,
            database=dependencies.database.joined(connection),
            # The conductor finds nothing before the transaction has ended.
            nudge=nudges.append,
        )
        try:
            content = handler(call)
        finally:
            call.dependencies = dependencies
        stored = {
            "request": _request_digest(call),
            "status": call.status,
            "headers": call.headers,
            "content": content,
        }
        # Sealed, since an answer may hold what is told once only.
        sealed = dependencies.box.seal(json.dumps(stored))
        idempotency.answer(connection, claimed, sealed=sealed)
    for name in nudges:
        dependencies.hurry(name)
    return content


def _replay(call: Call, stored: dict[str, Any]) -> Any:
    if stored["request"] != _request_digest(call):
        raise IdempotencyKeyReused()
    call.status = stored["status"]
    call.headers.update(stored["headers"])
    call.headers["Idempotency-Replayed"] = "true"
    return stored["content"]


def _request_digest(call: Call) -> str:
    request = call.request
    what = (request.method, request.path_info, request.query_string)
    return _digest(*what, call.body.decode("latin-1"))


def _digest(*words: str) -> str:
    """Return a digest of texts, none of which can pass for the end of another."""
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()
