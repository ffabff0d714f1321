# SPDX-License-Identifier: Apache-2.0
"""Writes down who asked for which change, before the answer goes out.

A change of the database and the row that tells of it are one transaction: neither is ever
there without the other. A request that changed nothing, as it was refused, has a row in a
transaction of its own, unless nobody knows whose it is: a stranger can't fill the log. Each
is also a line of JSON to the logger `hummingbird.audit`, once its answer is known.
"""

import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from logging.handlers import WatchedFileHandler
from typing import Any, Final

from hummingbird.api.contract.attribute_names import attribute_names
from hummingbird.api.http.authentication import ANONYMOUS
from hummingbird.api.http.call import Call
from hummingbird.api.http.dependencies import Dependencies
from hummingbird.conf import Conf
from hummingbird.db.repository import audit_log
from hummingbird.db.session import Connection, Database
from hummingbird.domain import audit
from hummingbird.domain.audit import PATH_MAX_CHARACTERS, AuditEntry
from hummingbird.errors import HummingbirdError

LOG = logging.getLogger(__name__)
LINES: Final = logging.getLogger("hummingbird.audit")

_CHANGES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_NOTE: Final = "hummingbird.audit"
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


class Note:
    """The row of one request."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._id: int | None = None
        self._status = 0

    def write(self, connection: Connection) -> Callable[[], None]:
        """Write the row with the first change that the request makes, as if it will
        succeed; return what is to be called once that is kept."""
        if self._id is not None:
            return _nothing
        status = self._call.success
        written = audit_log.append(connection, entry(self._call, status))

        def keep() -> None:
            self._id, self._status = written, status

        return keep

    def close(self, database: Database, found: AuditEntry) -> None:
        """See to it that there is a row, with the status of the answer.

        :raises DatabaseUnavailable: the database does not answer.
        """
        if self._id is not None and self._status == found.status:
            return
        known = self._id
        if known is None:
            database.write(lambda connection: audit_log.append(connection, found))
        else:
            database.write(
                lambda connection: audit_log.correct(
                    connection, known, status=found.status
                )
            )


def _nothing() -> None:
    """Have nothing to do."""


def follow(call: Call) -> None:
    """Have a row of the audit log in the transaction of whatever `call` changes, if it is
    one that changes something and somebody's."""
    if call.request.method not in _CHANGES or call.context.user == ANONYMOUS:
        return
    if not call.dependencies.conf.api.audit_days:
        return
    note = Note(call)
    call.request.environ[_NOTE] = note
    call.dependencies = replace(
        call.dependencies, database=call.dependencies.database.followed(note.write)
    )


class Audited:
    """An application, each change of which is written down."""

    def __init__(
        self, application: WsgiApplication, dependencies: Dependencies, *, call_key: str
    ) -> None:
        """
        :param call_key: where a request's environment has its Call.
        """
        self._application = application
        self._dependencies = dependencies
        self._call_key = call_key

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
        note: Note | None = environ.pop(_NOTE, None)
        if call is not None and call.context.user != ANONYMOUS and statuses:
            self._record(note, entry(call, int(statuses[-1][:3])))
        if call is not None:
            # The call names its database, that the note, and that the call: all of the
            # request would stay until the garbage collector comes by.
            call.dependencies = self._dependencies
        return answer

    def _record(self, note: Note | None, found: AuditEntry) -> None:
        LINES.info("%s", _line(found))
        if note is None:
            return
        try:
            note.close(self._dependencies.database, found)
        except HummingbirdError as error:
            LOG.error("%s is not in the audit log: %s", found.request_id, error)


def entry(call: Call, status: int) -> AuditEntry:
    """Return what is written down of a request."""
    context, environ = call.context, call.request.environ
    return AuditEntry(
        at=call.dependencies.clock.now(),
        request_id=context.request_id,
        user=context.user[:255],
        user_id=context.user_id,
        project=context.project,
        roles=context.roles,
        source=_source(environ),
        method=environ["REQUEST_METHOD"],
        path=_path(environ),
        asked=_asked(call, is_refused=status >= 400),
        status=status,
    )


def _asked(call: Call, *, is_refused: bool) -> str | None:
    # Only what a controller has read: a body that was refused unread stays unread.
    body = vars(call).get("body")
    if body is not None:
        return audit.asked(body, known=attribute_names() if is_refused else None)
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
