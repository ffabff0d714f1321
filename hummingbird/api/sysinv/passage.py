# SPDX-License-Identifier: Apache-2.0
"""A real sysinv as this API knows it, and what of a request and an answer crosses to it.

The API imports no adapter: what passes requests on is handed to it where the process is
wired. Headers cross as RFC 9110, 7.6 says: what is for one connection stays on it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol
from urllib.parse import quote

Headers = Sequence[tuple[str, str]]

_ONE_CONNECTION: Final = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_NOT_OF_A_LIST: Final = frozenset(
    {
        "accept-encoding",
        "content-length",
        "content-type",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "range",
    }
)
"""What a client says of one document must not change the part of a list that is merged."""


class SysinvAnswer(Protocol):
    """What sysinv answers; the body is read while it is iterated."""

    status: int
    reason: str
    headers: list[tuple[str, str]]

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None:
        """Let go of it; to be called whether it was read or not."""


class Sysinv(Protocol):
    """Passes requests on to a real sysinv."""

    def send(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: Iterable[bytes] | None,
        *,
        is_list: bool = False,
    ) -> SysinvAnswer:
        """Return its answer.

        :param is_list: whether the caller has something to show without it, and so
            should wait for a short time only.
        :raises SysinvUnavailable, SysinvBusy: there is none.
        """


def target(environ: dict[str, Any]) -> str:
    """Return path and query as the client wrote them."""
    written: str = environ.get("REQUEST_URI", "")
    if written.startswith("/"):
        return written.partition("#")[0]
    # Latin-1 is how WSGI hides the bytes of a path in a text.
    path = quote(environ["PATH_INFO"].encode("latin-1"))
    query = environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


def request_headers(environ: dict[str, Any], *, of_list: bool = False) -> Headers:
    """Return the headers to pass on, with who asked us, and how, added.

    :param of_list: leave out what is about the client's own document.
    """
    given = {
        name[5:].replace("_", "-").title(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            given[name.replace("_", "-").title()] = environ[name]
    kept = _across(given)
    if of_list:
        kept = {
            name: value
            for name, value in kept.items()
            if name.lower() not in _NOT_OF_A_LIST
        }
    peer = environ.get("REMOTE_ADDR", "")
    before = kept.get("X-Forwarded-For")
    if peer:
        kept["X-Forwarded-For"] = f"{before}, {peer}" if before else peer
    kept.setdefault("X-Forwarded-Proto", environ.get("wsgi.url_scheme", "http"))
    if "Host" in kept:
        # Sysinv makes its links from it, so that they lead to us.
        kept.setdefault("X-Forwarded-Host", kept["Host"])
    kept["Via"] = ", ".join(filter(None, (kept.get("Via"), "1.1 hummingbird")))
    return list(kept.items())


def answer_headers(headers: Headers) -> Headers:
    """Return the headers of an answer that cross to the client."""
    named = _named([value for name, value in headers if name.lower() == "connection"])
    return [
        (name, value)
        for name, value in headers
        if name.lower() not in _ONE_CONNECTION and name.lower() not in named
    ]


def _across(given: dict[str, str]) -> dict[str, str]:
    named = _named([given.get("Connection", "")])
    return {
        name: value
        for name, value in given.items()
        if name.lower() not in _ONE_CONNECTION and name.lower() not in named
    }


def _named(connection: Sequence[str]) -> frozenset[str]:
    words = ",".join(connection).split(",")
    return frozenset(word.strip().lower() for word in words if word.strip())
