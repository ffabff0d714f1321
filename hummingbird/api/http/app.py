# SPDX-License-Identifier: Apache-2.0
"""The WSGI application: pecan, with our router at its root.

Each request passes, in this order: the log (outermost, so that it sees every answer), the
gate (size, token, context), the router, its controller, and on an error the fault. The
order matters: nobody learns whether a path exists before he has shown the token.
"""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from webob import Request as WebObRequest
from webob import Response
from webob.exc import HTTPException, HTTPNotFound

from hummingbird.api.contract.operation_table import described
from hummingbird.api.http.audit import Audited, follow
from hummingbird.api.http.authentication import Door, authenticate
from hummingbird.api.http.call import MAX_BODY_BYTES, Call
from hummingbird.api.http.dependencies import Dependencies
from hummingbird.api.http.encode import encode
from hummingbird.api.http.error_body import fault, routing_fault
from hummingbird.api.http.policy import Policy
from hummingbird.api.http.retry import carry_out
from hummingbird.api.http.router import Route, Router
from hummingbird.api.routes import ROUTES
from hummingbird.api.sysinv.front import SysinvFront
from hummingbird.api.sysinv.passage import Sysinv
from hummingbird.context import CURRENT
from hummingbird.errors import BadRequest, BodyTooLarge, HummingbirdError
from hummingbird.imports import without

# Every template engine that there is would be imported, for pages that we don't have.
with without("genshi", "jinja2", "kajiki", "pygments"):
    from pecan import expose
    from pecan.core import ExplicitPecan, RoutingState
    from pecan.core import Request as PecanRequest
    from pecan.hooks import PecanHook

LOG = logging.getLogger("hummingbird.api")

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_CALL = "hummingbird.call"
_HANDLER = "hummingbird.handler"
_NO_TEXT = "hummingbird.path_is_no_text"
_SHOWN_CHARACTERS = 512
"""Of a path in the log."""
_SHOWN_METHOD: Final = 32
"""Likewise of a method."""


class Request(PecanRequest):  # type: ignore[misc]
    """A request of which pecan itself parses nothing: bodies are read once, in Call."""

    content_type = ""

    @property
    def params(self) -> Any:
        return self.GET

    def __getattribute__(self, name: str) -> Any:
        # Pecan's writes a traceback for each query that is not UTF-8; strangers may send one.
        try:
            return WebObRequest.__getattribute__(self, name)
        except UnicodeDecodeError as error:
            raise BadRequest(message="The request's address is not UTF-8") from error


class Gate(PecanHook):  # type: ignore[misc]
    """Lets in who has the token and a body of decent size; makes the Call."""

    def __init__(self, dependencies: Dependencies, door: Door) -> None:
        self._dependencies = dependencies
        self._door = door

    def on_route(self, state: RoutingState) -> None:
        request = state.request
        context = authenticate(request.environ, self._door)
        CURRENT.set(context)
        length = request.content_length
        if length is not None and length > MAX_BODY_BYTES:
            raise BodyTooLarge(limit=MAX_BODY_BYTES)
        call = Call(dependencies=self._dependencies, request=request, context=context)
        follow(call)
        request.environ[_CALL] = call


class Fault(PecanHook):  # type: ignore[misc]
    """Answers errors, ours and pecan's."""

    def __init__(self, challenge: str | None) -> None:
        self._challenge = challenge

    def on_error(self, state: RoutingState, error: Exception) -> Response:
        path = state.request.path_info
        if isinstance(error, HummingbirdError):
            if type(error).status >= 500:
                LOG.error("%s failed", _shown(state.request.environ), exc_info=error)
            return fault(path, error, challenge=self._challenge)
        if isinstance(error, HTTPException):
            return routing_fault(path, error)
        LOG.error("%s failed", _shown(state.request.environ), exc_info=error)
        return fault(path, HummingbirdError())


class Root:
    """The one controller that pecan knows; each request's handler answers in it."""

    def answer(self, request: Request, response: Response) -> None:
        """Put the handler's answer into the response, as JSON text."""
        call: Call = request.environ[_CALL]
        content = carry_out(request.environ[_HANDLER], call)
        response.headers.update(call.headers)
        if content is None:
            response.status_int = 304 if call.status == 304 else 204
            response.content_type = None
            return
        response.status_int = call.status
        response.content_type = "application/json"
        response.body = encode(content)


expose(content_type="application/json")(Root.answer)


class Application(ExplicitPecan):  # type: ignore[misc]
    """Pecan with the table of routes in place of a walk through attributes.

    Pecan looks at the signatures of what it walks through and calls, again with each
    request; that alone took longer than reading a host.
    """

    def __init__(
        self, dependencies: Dependencies, door: Door, routes: Sequence[Route]
    ) -> None:
        super().__init__(
            Root(),
            hooks=[Gate(dependencies, door), Fault(door.challenge)],
            force_canonical=False,
            guess_content_type_from_ext=False,
            request_cls=Request,
        )
        self._router = Router(routes)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        # Everything is JSON here, whatever a client says that it accepts.
        environ.pop("HTTP_ACCEPT", None)
        _make_text(environ)
        try:
            answer: Iterable[bytes] = super().__call__(environ, start_response)
        finally:
            # These name each other, and the answer with them: what may be megabytes
            # would stay until the garbage collector comes by.
            environ.pop("pecan.locals", None)
            environ.pop(_HANDLER, None)
        return answer

    def route(self, req: Request, node: Root, path: str) -> tuple[Any, list[str]]:
        """Return what pecan is to call, and what of the path is left for it: nothing."""
        environ = req.environ
        if _NO_TEXT in environ:
            raise HTTPNotFound()
        environ[_HANDLER], environ[_CALL].names = self._router.find(req.method, path)
        return node.answer, []

    def invoke_controller(
        self,
        controller: Callable[..., None],
        args: list[Any],
        kwargs: dict[str, Any],
        state: RoutingState,
    ) -> None:
        """Call it; it fills the response itself."""
        controller(*args, **kwargs)


def _shown(environ: dict[str, Any]) -> str:
    """Return method and path as they stand in the log: bounded, on one line."""
    path = json.dumps(environ.get("PATH_INFO", "")[:_SHOWN_CHARACTERS])[1:-1]
    return f"{environ['REQUEST_METHOD'][:_SHOWN_METHOD]} {path}"


def _make_text(environ: dict[str, Any]) -> None:
    """Have the path be one that can be read as text (WSGI has its bytes as Latin-1). One
    that is not UTF-8 is marked: no route has it, which is told to who may know."""
    raw = environ.get("PATH_INFO", "").encode("latin-1", "replace")
    try:
        raw.decode()
    except UnicodeDecodeError:
        environ["PATH_INFO"] = raw.decode(errors="replace").encode().decode("latin-1")
        environ[_NO_TEXT] = True


def build(
    dependencies: Dependencies,
    *,
    door: Door,
    routes: Sequence[Route] = ROUTES,
    sysinv: Sysinv | None = None,
) -> WsgiApplication:
    """Return the application, each route behind its rule.

    :raises PolicyInvalid: the operator's rules can't be used.
    :param door: knows who asks.
    :param sysinv: the real one that it stands before, if any.
    """
    guarded = Policy(dependencies.conf, dependencies.clock).guard(described(routes))
    application: WsgiApplication = Audited(
        Application(dependencies, door, guarded), dependencies, call_key=_CALL
    )
    if sysinv is not None:
        application = SysinvFront(application, dependencies, sysinv, routes=routes)

    def logged(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        began = dependencies.clock.monotonic()
        before = CURRENT.set(None)
        seen: list[str] = []

        def start(status: str, *rest: Any) -> Any:
            seen.append(status)
            return start_response(status, *rest)

        try:
            return application(environ, start)
        finally:
            environ.pop(_CALL, None)
            LOG.info(
                "%s %s %.1f ms",
                _shown(environ),
                seen[-1][:3] if seen else "-",
                (dependencies.clock.monotonic() - began) * 1000,
            )
            CURRENT.reset(before)

    return logged
