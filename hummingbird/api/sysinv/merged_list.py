# SPDX-License-Identifier: Apache-2.0
"""What sysinv and we answer together: lists, and the list of resources.

Our own application is asked first, as the caller: whom it refuses learns nothing of the
rest either. Sysinv's part is best effort; without it the answer is ours and says so in a
Warning header (RFC 7234, 5.5: 199 is for people).
"""

import json
import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from webob import Request

from hummingbird.api.controllers.system import adopt_uuid
from hummingbird.api.http.call import Call
from hummingbird.api.http.dependencies import Dependencies
from hummingbird.api.schema.page import Page, parse_page
from hummingbird.api.sysinv.local_call import (
    Answer,
    Application,
    Environ,
    StartResponse,
    ask,
    deliver,
)
from hummingbird.api.sysinv.merge import Item, merged
from hummingbird.api.sysinv.passage import Headers, Sysinv, request_headers
from hummingbird.context import SYSTEM
from hummingbird.db.repository import host
from hummingbird.errors import (
    BadRequest,
    HostNotFound,
    HummingbirdError,
    SysinvBusy,
    SysinvUnavailable,
)

LOG = logging.getLogger(__name__)

LIST_MAX_BYTES: Final = 64 * 1024 * 1024
"""A list that is larger is no list of hosts."""

LOOK_SECONDS: Final = 1.0
"""Longest that an add waits for a look at the names of sysinv's hosts."""

_PAGING: Final = ("limit", "marker", "sort_key", "sort_dir")
_CONDITIONS: Final = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE")


class MergedLists:
    """Answers from both."""

    def __init__(
        self, ours: Application, dependencies: Dependencies, sysinv: Sysinv
    ) -> None:
        self._ours = ours
        self._dependencies = dependencies
        self._sysinv = sysinv
        self._looking = threading.Lock()

    def listed(
        self, environ: Environ, start_response: StartResponse, *, key: str
    ) -> Iterable[bytes]:
        """Answer a list that both have, under `key` of its JSON."""
        for name in _CONDITIONS:
            environ.pop(name, None)
        query = _query(environ)
        try:
            wanted = self._wanted(query, is_hosts=key == "ihosts")
        except BadRequest:
            return self._ours(environ, start_response)  # which refuses it, too
        if wanted.are_ours_enough:
            return self._ours(environ, start_response)
        environ["QUERY_STRING"] = urlencode(_without(query, wanted.dropped))
        answer = ask(self._ours, environ)
        if answer.status != 200:
            return deliver(answer, start_response)
        ours: list[Item] = json.loads(answer.body)[key]
        try:
            theirs = self._theirs(environ, environ["PATH_INFO"], query, key=key)
            warning: Headers = ()
        except (SysinvUnavailable, SysinvBusy) as error:
            theirs, warning = [], _warning(error)
        if theirs and key == "ihosts":
            self._be_one_system(theirs, ours)
        page = wanted.page
        if wanted.is_marker_ours:
            page = replace(page, marker=None)  # ours begin behind it already
        elif warning and page.marker is not None:
            # Whatever it was, ours come after it; or nobody knows.
            if not wanted.is_by_id or page.descending:
                raise SysinvUnavailable(message="the list can't be continued")
            page = replace(page, marker=None)
        items = merged(theirs, ours, page)
        content: dict[str, Any] = {key: items}
        if page.limit is not None and len(items) == page.limit:
            content["next"] = self._next(environ, query, items[-1], page)
        return deliver(answer, start_response, content=content, further=warning)

    def root(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer GET /v1: sysinv's list of resources, and what we have beyond."""
        answer = ask(self._ours, environ)
        try:
            theirs = self._read(environ, "/v1")
        except (SysinvUnavailable, SysinvBusy) as error:
            return deliver(answer, start_response, further=_warning(error))
        content = {**theirs, **{k: v for k, v in _loads(answer) if k not in theirs}}
        return deliver(answer, start_response, content=content)

    def warned(
        self, environ: Environ, start_response: StartResponse, error: HummingbirdError
    ) -> Iterable[bytes]:
        """Answer with ours alone, and say why."""
        answer = ask(self._ours, environ)
        return deliver(answer, start_response, further=_warning(error))

    def look(self, environ: Environ) -> None:
        """See what sysinv's hosts are called, if nobody did lately; wait a little for it,
        and at most one request at a time."""
        if self._dependencies.neighbour.is_fresh or not self._looking.acquire(
            blocking=False
        ):
            return
        looked = threading.Event()
        headers = dict(environ)

        def look() -> None:
            try:
                self._theirs(headers, "/v1/ihosts", {}, key="ihosts")
            except HummingbirdError as error:
                LOG.debug("No look at sysinv's hosts: %s", error)
            finally:
                self._looking.release()
                looked.set()

        threading.Thread(target=look, name="sysinv-look", daemon=True).start()
        self._dependencies.clock.wait(looked, seconds=LOOK_SECONDS)

    def _wanted(self, query: dict[str, str], *, is_hosts: bool) -> "_Wanted":
        page = parse_page(
            query,
            maximum=self._dependencies.conf.api.max_limit,
            sort_key="id" if is_hosts else "",
        )
        is_by_id = is_hosts and page.sort_key == "id"
        is_ours = page.marker is not None and is_by_id and self._is_ours(page.marker)
        return _Wanted(page, is_by_id=is_by_id, is_marker_ours=is_ours)

    def _is_ours(self, name: str) -> bool:
        try:
            with self._dependencies.database.reader() as connection:
                host.find(connection, name)
        except HostNotFound:
            return False
        return True

    def _theirs(
        self, environ: Environ, path: str, query: dict[str, str], *, key: str
    ) -> list[Item]:
        """Return sysinv's items.

        :raises SysinvUnavailable, SysinvBusy: it does not tell them.
        """
        filters = _without(query, _PAGING)
        content = self._read(environ, f"{path}?{urlencode(filters)}".rstrip("?"))
        items = content.get(key)
        if not isinstance(items, list):
            raise SysinvUnavailable(message=f"its list has no {key}")
        if key == "ihosts" and not filters:
            self._dependencies.neighbour.note(items)
        return items

    def _read(self, environ: Environ, where: str) -> dict[str, Any]:
        answer = self._sysinv.send(
            "GET", where, request_headers(environ, of_list=True), None, is_list=True
        )
        body = bytearray()
        try:
            for piece in answer:
                body += piece
                if len(body) > LIST_MAX_BYTES:
                    raise SysinvUnavailable(message="its list is too long")
            if answer.status != 200:
                raise SysinvUnavailable(message=f"its list has status {answer.status}")
            content = json.loads(bytes(body))
        except (ValueError, RecursionError) as error:
            raise SysinvUnavailable(message="its list is not JSON") from error
        finally:
            answer.close()
        if not isinstance(content, dict):
            raise SysinvUnavailable(message="its list is no object")
        return content

    def _be_one_system(self, theirs: Sequence[Item], ours: Sequence[Item]) -> None:
        """Let our hosts be in sysinv's system, for ever."""
        uuid = theirs[0].get("isystem_uuid")
        if isinstance(uuid, str) and len(uuid) == 36:
            adopt_uuid(self._dependencies, uuid)
            for item in ours:
                item["isystem_uuid"] = uuid

    def _next(
        self, environ: Environ, query: dict[str, str], last: Item, page: Page
    ) -> str:
        call = Call(
            dependencies=self._dependencies, request=Request(environ), context=SYSTEM
        )
        further = {
            **_without(query, _PAGING),
            **({"sort_key": page.sort_key} if page.sort_key else {}),
            "sort_dir": "desc" if page.descending else "asc",
            "limit": str(page.limit),
            "marker": str(last.get("uuid")),
        }
        return f"{call.base}{environ['PATH_INFO']}?{urlencode(further)}"


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """A page, and what of ours it can be made from."""

    page: Page = field(kw_only=False)
    is_by_id: bool
    is_marker_ours: bool

    @property
    def are_ours_enough(self) -> bool:
        """Whether none of sysinv's can be on it: ours have the highest ids."""
        return self.is_marker_ours and not self.page.descending

    @property
    def dropped(self) -> tuple[str, ...]:
        """What of the query is not asked of us."""
        if not self.is_by_id:
            return "limit", "marker"
        return () if self.is_marker_ours else ("marker",)


def _query(environ: Environ) -> dict[str, str]:
    return dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))


def _without(query: dict[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: value for name, value in query.items() if name not in names}


def _loads(answer: Answer) -> Iterable[tuple[str, Any]]:
    content: dict[str, Any] = json.loads(answer.body)
    return content.items()


def _warning(error: HummingbirdError) -> Headers:
    said = str(error).replace('"', "'").encode("ascii", "replace").decode()
    return [("Warning", f'199 hummingbird "{said[:200]}; this is ours alone"')]
