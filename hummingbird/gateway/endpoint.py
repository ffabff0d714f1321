# SPDX-License-Identifier: Apache-2.0
"""The requests of agents, as a WSGI application: sessions, inventory, and the reports of
agents of version 1; and for probes, whether the gateway is well.

No path but these four, no method but POST (GET of the last), no body without a length, and
none that is too long: it is refused before it is read. What goes wrong is said as
{"code", "message"}; what is said to strangers names nothing that they did not send.
"""

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from hummingbird.clock import Clock
from hummingbird.db.repository import facts, host
from hummingbird.db.session import Database
from hummingbird.domain.host import Host
from hummingbird.errors import (
    BadRequest,
    DatabaseUnavailable,
    HostNotFound,
    HummingbirdError,
    NotFound,
    ReportInvalid,
    SessionUnknown,
    TokenRefused,
)
from hummingbird.gateway.flush import Health
from hummingbird.gateway.identity import AgentIdentity, TokenVerifier, check
from hummingbird.gateway.session import LiveSession, Sessions
from hummingbird.wire import inventory
from hummingbird.wire import session as words
from hummingbird.wire.document import MessageInvalid

LOG = logging.getLogger(__name__)

REASONS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    411: "Length Required",
    413: "Content Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

HEALTH_PATH = "/v1/health"
_SHOWN_CHARACTERS = 512
"""Of a path in the log."""

Environ = dict[str, Any]
Reply = tuple[int, bytes]


class StartResponse(Protocol):
    """What a WSGI server gives an application to begin its answer with."""

    def __call__(self, status: str, headers: list[tuple[str, str]]) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What agents are told, and who is let in."""

    gateway: str
    """The name of this one."""
    namespace: str
    audience: str
    session_seconds: int
    retransmit_seconds: float
    report_max_bytes: int
    history_most: Callable[[], int]
    period_seconds: Callable[[], float]
    udp_port: Callable[[], int]


class _Refused(Exception):
    """Not HTTP as we want it; nothing to do with an agent's rights."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Endpoint:
    """The WSGI application."""

    def __init__(
        self,
        *,
        database: Database,
        sessions: Sessions,
        verifier: TokenVerifier,
        clock: Clock,
        terms: Terms,
        health: Callable[[], Health],
    ) -> None:
        self._health = health
        self._database = database
        self._sessions = sessions
        self._verifier = verifier
        self._clock = clock
        self._terms = terms
        self._routes: dict[str, tuple[int, Callable[[Environ, bytes], Reply]]] = {
            words.PATH: (words.REQUEST_MAX_BYTES, self._open_session),
            inventory.PATH: (terms.report_max_bytes, self._take_change),
            inventory.REPORT_PATH: (terms.report_max_bytes, self._take_report),
        }

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        status, body = self._answer(environ)
        headers = [("Content-Length", str(len(body)))]
        if body:
            headers.append(("Content-Type", "application/json"))
        start_response(f"{status} {REASONS.get(status, 'Error')}", headers)
        return [body]

    def _answer(self, environ: Environ) -> Reply:
        try:
            if environ["PATH_INFO"] == HEALTH_PATH:
                return self._tell_health(environ)
            most, handler = self._route(environ)
            return handler(environ, _body(environ, most=most))
        except _Refused as error:
            return error.status, _fault("hummingbird.gateway.refused", str(error))
        except MessageInvalid as error:
            return 400, _fault(BadRequest.code, str(error))
        except HummingbirdError as error:
            path = json.dumps(environ["PATH_INFO"][:_SHOWN_CHARACTERS])
            LOG.info("%s refused: %s", path, error)
            return error.status, _fault(error.code, str(error))
        except Exception:
            LOG.exception("A request failed")
            return 500, _fault(HummingbirdError.code, HummingbirdError.sentence)

    def _route(self, environ: Environ) -> tuple[int, Callable[[Environ, bytes], Reply]]:
        route = self._routes.get(environ["PATH_INFO"])
        if route is None:
            raise NotFound(kind="Path", name="of this request")
        if environ["REQUEST_METHOD"] != "POST":
            raise _Refused(405, "only POST")
        return route

    def _tell_health(self, environ: Environ) -> Reply:
        """GET /v1/health: 200, or 503 while what is heard can't be written."""
        if environ["REQUEST_METHOD"] != "GET":
            raise _Refused(405, "only GET")
        health = self._health()
        body = {
            "ready": health.is_writing,
            "failing_seconds": round(health.failing_seconds, 1),
            "waiting": health.waiting,
            "dropped": health.dropped,
        }
        return 200 if health.is_writing else 503, json.dumps(body).encode()

    def _open_session(self, _environ: Environ, body: bytes) -> Reply:
        request = words.decode_request(body)
        terms = self._terms
        if not self._health().is_writing:
            # Before Kubernetes is asked in vain, for a whole fleet.
            raise DatabaseUnavailable(message="it takes no heartbeats now")
        identity = self._verifier.verify(request.token, terms.audience)
        check(identity, agent=request.agent, namespace=terms.namespace)
        of = self._host_of(identity)
        now = self._clock.now()
        given = self._sessions.open(
            host_id=of.id,
            agent=request.agent,
            node_uid=identity.node_uid,
            pod_uid=identity.pod_uid,
            gateway=terms.gateway,
            expires_at=now + timedelta(seconds=terms.session_seconds),
            now=now,
        )
        LOG.info("Session %s: %s on %s", given.number, request.agent, of.hostname)
        answer = words.Session(
            session=given.number,
            key=given.key,
            period_seconds=terms.period_seconds(),
            retransmit_seconds=terms.retransmit_seconds,
            expires_in_seconds=terms.session_seconds,
            udp_port=terms.udp_port(),
            report_hash=given.report_hash,
            takes_path=True,
        )
        return 201, words.encode_session(answer)

    def _host_of(self, identity: AgentIdentity) -> Host:
        refusal = TokenRefused(
            message=f"node {identity.node_name} is no host of this system"
        )
        try:
            with self._database.reader() as connection:
                found = host.find(connection, identity.node_name)
        except HostNotFound as error:
            raise refusal from error
        # find() takes ids and uuids too: a node named "7" is not host 7.
        if found.hostname != identity.node_name:
            raise refusal
        # Of a host of before uids were kept, its name is all that is known.
        known = found.node_uid or (identity.node_uid if found.touched else None)
        if known != identity.node_uid:
            raise TokenRefused(
                message=f"node {identity.node_name} is not the one of host {found.hostname}"
            )
        return found

    def _take_change(self, environ: Environ, body: bytes) -> Reply:
        live = self._signer(environ.get("HTTP_AUTHORIZATION", ""), body)
        try:
            change = inventory.decode(body)
        except MessageInvalid as error:
            raise ReportInvalid(message=str(error)) from error
        with self._database.writer() as connection:
            taken = facts.take(
                connection,
                host_id=live.of.host_id,
                change=change,
                now=self._clock.now(),
                history_most=self._terms.history_most(),
            )
        self._sessions.note_report(live)
        LOG.info(
            "Inventory of %s: %s, %s change %s (%s)",
            live.of.hostname,
            taken.hash[:12],
            change["kind"],
            change["sequence"],
            ", ".join(sorted(change["sections"])),
        )
        return 200, inventory.encode_taken(taken)

    def _take_report(self, environ: Environ, body: bytes) -> Reply:
        live = self._signer(environ.get("HTTP_AUTHORIZATION", ""), body)
        report_hash = inventory.report_hash(body)
        if environ.get("HTTP_X_CONTENT_HASH") != report_hash:
            raise ReportInvalid(message="the report is not what its hash says")
        try:
            sections = inventory.decode_report(body)
        except MessageInvalid as error:
            raise ReportInvalid(message=str(error)) from error
        with self._database.writer() as connection:
            changed = facts.take_report(
                connection,
                host_id=live.of.host_id,
                report_hash=report_hash,
                sections=sections,
                now=self._clock.now(),
                history_most=self._terms.history_most(),
            )
        self._sessions.note_report(live)
        if changed:
            LOG.info("Inventory of %s: %s", live.of.hostname, report_hash[:12])
        return 204, b""

    def _signer(self, header: str, body: bytes) -> LiveSession:
        """Return the session that signed the body.

        :raises SessionUnknown: none did.
        """
        try:
            number = words.signer(header)
        except MessageInvalid as error:
            raise SessionUnknown() from error
        if self._sessions.keys.row_of(number) is None:
            raise SessionUnknown()
        self._sessions.look_up([number])
        live = self._sessions.get(number)
        if live is None or not words.verify(header, body=body, key=live.key):
            raise SessionUnknown()
        if live.of.expires_at <= self._clock.now():
            raise SessionUnknown()
        if live.of.agent != "sysinv-agent":
            raise SessionUnknown()
        return live


def _body(environ: Environ, *, most: int) -> bytes:
    length = environ.get("CONTENT_LENGTH", "")
    if not length.isdecimal():
        raise _Refused(411, "a Content-Length is required")
    if len(length) > 12 or int(length) > most:
        raise _Refused(413, f"at most {most} bytes")
    body: bytes = environ["wsgi.input"].read(int(length))
    if len(body) != int(length):
        raise _Refused(400, "the body is shorter than its Content-Length")
    return body


def _fault(code: str, message: str) -> bytes:
    return json.dumps({"code": code, "message": message}).encode()
