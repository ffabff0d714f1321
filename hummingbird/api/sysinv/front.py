# SPDX-License-Identifier: Apache-2.0
"""Stands before a real sysinv, so that one address serves its hosts and ours.

Whose a request is decides the path, and where that names a host or a thing on one, whether
it is ours. What is sysinv's goes through as it is, in pieces, the errors too: it has its
own check of tokens, so ours is not asked. What is ours is answered by our application and
never waits for sysinv. Lists of what both have are answered by both; while sysinv is away
they hold ours, and a warning. decisions/0006 says why it is done around the application
and not in it.
"""

import io
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import parse_qsl

from webob.exc import HTTPException

from hummingbird.api.controllers.unused_resource import FURTHER
from hummingbird.api.http.call import MAX_BODY_BYTES
from hummingbird.api.http.dependencies import Dependencies
from hummingbird.api.http.error_body import fault
from hummingbird.api.http.router import Route, Router
from hummingbird.api.sysinv.local_call import (
    Application,
    Environ,
    StartResponse,
    ask,
    deliver,
)
from hummingbird.api.sysinv.merged_list import MergedLists
from hummingbird.api.sysinv.passage import (
    Sysinv,
    answer_headers,
    request_headers,
    target,
)
from hummingbird.api.sysinv.request_body import pieces
from hummingbird.db.repository import host, host_taken
from hummingbird.domain.host import PERSONALITY
from hummingbird.errors import (
    BodyTooLarge,
    HostNotFound,
    HummingbirdError,
    SysinvBusy,
    SysinvUnavailable,
)
from hummingbird.wire import json_text

OURS: Final = frozenset(
    {
        "alarms",
        "audit_log",
        "credentials",
        "emns",
        "event_log",
        "event_suppression",
        "firewall",
        "heartbeats",
        "openapi.json",
        "processes",
        "reconcilers",
        "runs",
        "tunnels",
    }
)
"""Resources (/v1/<resource>) that sysinv lacks. What is not named here may be both's: a
thing that we don't know is asked for there."""

LISTS: Final = {
    "addresses": "addresses",
    "addrpools": "addrpools",
    "apps": "apps",
    "ihosts": "ihosts",
    "kube_host_upgrades": "kube_host_upgrades",
    "labels": "labels",
    "network_addresspools": "network_addresspools",
    "networks": "networks",
    "pci_devices": "pci_devices",
}
"""Resources whose lists show what both have, and under which key."""

MARKS: Final = {"addrpools": "emn", "addresses": "host"}
"""Attributes of a body by which a new one is ours: sysinv does not know them."""


class SysinvFront:
    """The WSGI application of an API that stands before a sysinv."""

    def __init__(
        self,
        ours: Application,
        dependencies: Dependencies,
        sysinv: Sysinv,
        *,
        routes: Iterable[Route],
    ) -> None:
        self._ours = ours
        self._dependencies = dependencies
        self._sysinv = sysinv
        self._router = Router(routes)
        self._both = MergedLists(ours, dependencies, sysinv)

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        try:
            return self._serve(environ, start_response)
        except HummingbirdError as error:
            answer: Iterable[bytes] = fault(environ["PATH_INFO"], error)(
                environ, start_response
            )
            return answer

    def _serve(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        path = environ["PATH_INFO"]
        elements = [element for element in path.split("/") if element]
        serve: Callable[[Environ, StartResponse], Iterable[bytes]]
        match (method, *elements):
            case ("GET",) | ("GET", "v1", "isystems", *_):
                serve = self._theirs_or_ours
            case ("GET", "v1"):
                serve = self._both.root
            case ("GET", "v1", "health") if "HTTP_X_AUTH_TOKEN" not in environ:
                serve = self._by_us  # ours is for who has no token, sysinv's is not
            case ("GET", "v1", name) | ("GET", "v1", name, "detail") if name in LISTS:
                return self._both.listed(environ, start_response, key=LISTS[name])
            case ("POST", "v1", "ihosts"):
                serve = self._add
            case ("GET", "v1", "ihosts", "bulk_export") if _names_ours(environ):
                serve = self._by_us  # sysinv's leaves out what an edgeworker needs
            case ("POST", "v1", "ihosts", "bulk_add"):
                serve = self._add_in_bulk
            case (_, "v1", "ihosts", name, *_) | ("POST", "v1", "labels", name):
                serve = self._by_us if self._is_ours(name) else self._by_them
            case (_, "v1", name, *_) if name in OURS:
                serve = self._by_us
            case ("POST", "v1", name) if name in MARKS:
                serve = self._by_mark
            case ("POST", "v1", _):
                serve = self._by_them
            case (_, "v1", "networks" | "addresses", name, *_) if name.isdigit():
                serve = self._by_them  # these of ours are known by uuid or name
            case ("GET", "v1", "health" | "license", _, *_):
                serve = self._by_them  # of their own system
            case ("GET", "v1", _, *_) if path in FURTHER:
                serve = self._theirs_or_ours
            case ("GET", "v1", _) if self._has_route(method, path):
                serve = self._theirs_or_ours
            case _ if self._has_route(method, path):
                serve = self._ours_or_theirs
            case _:
                serve = self._by_them
        return serve(environ, start_response)

    def _has_route(self, method: str, path: str) -> bool:
        try:
            self._router.find(method, path)
        except HTTPException:
            return False
        return True

    def _is_ours(self, name: str) -> bool:
        if "\x00" in name or not name.isascii():
            return False
        try:
            with self._dependencies.database.reader() as connection:
                host.find(connection, name)
        except HostNotFound:
            return False
        return True

    def _by_us(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        if int(environ.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
            # The server would read it into memory after our answer.
            raise BodyTooLarge(limit=MAX_BODY_BYTES)
        return self._ours(environ, start_response)

    def _by_them(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Pass the request on, and its answer back.

        :raises SysinvUnavailable, SysinvBusy: there is none.
        """
        answer = self._sysinv.send(
            environ["REQUEST_METHOD"],
            target(environ),
            request_headers(environ),
            pieces(environ),
        )
        try:
            start_response(
                f"{answer.status} {answer.reason}", list(answer_headers(answer.headers))
            )
        except BaseException:
            answer.close()
            raise
        return answer

    def _theirs_or_ours(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        try:
            return self._by_them(environ, start_response)
        except (SysinvUnavailable, SysinvBusy) as error:
            return self._both.warned(environ, start_response, error)

    def _ours_or_theirs(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer ourselves, unless we don't know the thing or the caller."""
        body = self._whole_body(environ)
        if body is None:
            return self._by_them(environ, start_response)
        answer = ask(self._ours, environ)
        if not (answer.is_not_found or answer.status == 401):
            return deliver(answer, start_response)
        environ["wsgi.input"] = io.BytesIO(body)
        try:
            return self._by_them(environ, start_response)
        except (SysinvUnavailable, SysinvBusy):
            if answer.status == 401:
                return deliver(answer, start_response)
            raise

    def _by_mark(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        body = self._whole_body(environ)
        name = environ["PATH_INFO"].rstrip("/").rpartition("/")[2]
        is_ours = body is not None and MARKS[name] in _object(body)
        serve = self._by_us if is_ours else self._by_them
        return serve(environ, start_response)

    def _add(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Add a host: an edgeworker here, any other there."""
        body = self._whole_body(environ)
        if body is None:
            return self._by_them(environ, start_response)
        wanted = _object(body)
        if wanted.get("personality") == PERSONALITY:
            self._both.look(environ)
            return self._by_us(environ, start_response)
        self._refuse_taken(environ, wanted)
        return self._by_them(environ, start_response)

    def _add_in_bulk(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Add the hosts of a file: here if it speaks of edgeworkers, which with others in
        one file are refused; else there."""
        body = self._whole_body(environ)
        if body is None or PERSONALITY.encode() not in body:
            return self._by_them(environ, start_response)
        self._both.look(environ)
        return self._by_us(environ, start_response)

    def _refuse_taken(self, environ: Environ, wanted: dict[str, Any]) -> None:
        """See that no host of ours has the names of one that is to be added there.

        :raises HostnameTaken, MacTaken: one has, and the caller may know it.
        """
        hostname, mac = wanted.get("hostname"), wanted.get("mgmt_mac")
        try:
            with self._dependencies.database.reader() as connection:
                host_taken.refuse_taken(
                    connection,
                    hostname=hostname.lower() if isinstance(hostname, str) else "",
                    mgmt_mac=mac.lower() if isinstance(mac, str) else "",
                    addresses=(),
                )
        except HummingbirdError:
            if self._may_look(environ):
                raise

    def _may_look(self, environ: Environ) -> bool:
        query = {"REQUEST_METHOD": "GET", "QUERY_STRING": "limit=1"}
        nothing = {"wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0"}
        return ask(self._ours, {**environ, **query, **nothing}).status == 200

    def _whole_body(self, environ: Environ) -> bytes | None:
        """Return the body and leave it to be read again; None (and what was read is put
        back) if it is larger than any of ours may be."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > MAX_BODY_BYTES:
            return None
        stream = environ["wsgi.input"]
        is_chunked = environ.get("wsgi.input_terminated")
        body: bytes = stream.read(MAX_BODY_BYTES + 1 if is_chunked else length)
        if len(body) > MAX_BODY_BYTES:
            environ["wsgi.input"] = _Resumed(body, stream)
            return None
        if is_chunked:
            environ["wsgi.input_terminated"] = False
            environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        return body


def _names_ours(environ: Environ) -> bool:
    return ("personality", PERSONALITY) in parse_qsl(environ.get("QUERY_STRING", ""))


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json_text.read(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


class _Resumed:
    """A stream of which the beginning was read already."""

    def __init__(self, begun: bytes, stream: Any) -> None:
        self._begun = io.BytesIO(begun)
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        piece = self._begun.read(size)
        return piece or bytes(self._stream.read(size))
