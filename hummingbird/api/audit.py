# SPDX-License-Identifier: Apache-2.0
"""Writes down who asked for which change, before the answer goes out.

One row, in a transaction of its own after the change's, and one line of JSON to the logger
`hummingbird.audit`. A request that is refused is written down as well, unless nobody knows
whose it is: a stranger can't fill the log. A row that can't be written is told in the log
and does not undo the change, which is made already.
"""

import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from logging.handlers import WatchedFileHandler
from typing import Any, Final

from hummingbird.api.authentication import ANONYMOUS
from hummingbird.api.call import Call
from hummingbird.api.parts import Parts
from hummingbird.conf import Conf
from hummingbird.db.repository import audit_log
from hummingbird.domain import audit
from hummingbird.domain.audit import PATH_MAX_CHARACTERS, AuditEntry
from hummingbird.errors import HummingbirdError

LOG = logging.getLogger(__name__)
LINES: Final = logging.getLogger("hummingbird.audit")

_CHANGES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_LOOPBACK: Final = ("127.", "::1")

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def open_file(conf: Conf) -> None:
    """Have the lines go to the file that the options name, and nowhere else.

    :raises OSError: it can't be written.
    """
    if not conf.api.audit_file:
        return
    for handler in list(LINES.handlers):
        LINES.removeHandler(handler)
        handler.close()
    # Names and addresses of people are in it.
    os.close(
        os.open(conf.api.audit_file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    )
    handler = WatchedFileHandler(conf.api.audit_file)
    handler.setFormatter(logging.Formatter("%(message)s"))
    LINES.addHandler(handler)
    LINES.setLevel(logging.INFO)
    LINES.propagate = False


class Audited:
    """An application, each change of which is written down."""

    def __init__(
        self, application: WsgiApplication, parts: Parts, *, call_key: str
    ) -> None:
        """
        :param call_key: where a request's environment has its Call.
        """
        self._application = application
        self._parts = parts
        self._call_key = call_key
        self._keeps_rows = bool(parts.conf.api.audit_days)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in _CHANGES:
            return self._application(environ, start_response)
        statuses: list[str] = []

        def start(status: str, *rest: Any) -> Any:
            statuses.append(status)
            return start_response(status, *rest)

        answer = self._application(environ, start)
        call: Call | None = environ.get(self._call_key)
        if call is not None and call.context.user != ANONYMOUS and statuses:
            self._record(_entry(self._parts, environ, call, int(statuses[-1][:3])))
        return answer

    def _record(self, entry: AuditEntry) -> None:
        LINES.info("%s", _line(entry))
        if not self._keeps_rows:
            return
        try:
            with self._parts.database.writer() as connection:
                audit_log.append(connection, entry)
        except HummingbirdError as error:
            LOG.error("%s is not in the audit log: %s", entry.request_id, error)


def _entry(
    parts: Parts, environ: Mapping[str, Any], call: Call, status: int
) -> AuditEntry:
    context = call.context
    return AuditEntry(
        at=parts.clock.now(),
        request_id=context.request_id,
        user=context.user[:255],
        user_id=context.user_id,
        project=context.project,
        roles=context.roles,
        source=_source(environ),
        method=environ["REQUEST_METHOD"],
        path=_path(environ),
        asked=_asked(call),
        status=status,
    )


def _asked(call: Call) -> str | None:
    # Only what a controller has read: a body that was refused unread stays unread.
    body = vars(call).get("body")
    if body is not None:
        return audit.asked(body)
    length = call.request.content_length
    return audit.size(length) if length else None


def _path(environ: Mapping[str, Any]) -> str:
    path = environ.get("PATH_INFO", "").encode("latin-1", "replace")
    text: str = path.decode(errors="replace").replace("\x00", "")
    if environ.get("QUERY_STRING"):
        text += "?" + environ["QUERY_STRING"]
    return text[:PATH_MAX_CHARACTERS]


def _source(environ: Mapping[str, Any]) -> str:
    address = str(environ.get("REMOTE_ADDR") or "")
    forwarded = str(environ.get("HTTP_X_FORWARDED_FOR") or "")
    # Only a proxy on this machine is believed; what it adds stands last.
    if forwarded and address.startswith(_LOOPBACK):
        address = forwarded.rpartition(",")[2].strip()
    return address[:64]


def _line(entry: AuditEntry) -> str:
    content = {**vars(entry), "at": entry.at.isoformat()}
    if LINES.propagate:
        # The log of everything has no words of requests in it.
        del content["asked"]
    elif entry.asked is not None:
        content["asked"] = json.loads(entry.asked)
    return json.dumps(content)
