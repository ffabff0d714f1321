# SPDX-License-Identifier: Apache-2.0
"""Tells StarlingX's FM what happened, over its REST API.

FM's POST adds a second row where an alarm of the same id and entity stands already, and
answers 500 to the clearing of one that does not (StarlingX fault fm-rest-api
api/controllers/v1/alarm.py, db/sqlalchemy/api.py). So an alarm is looked up by its key
first: changed if it is there, deleted if it is to go. A log carries its uuid, by which it
is found again. Telling the same twice is therefore the same as telling it once. Nothing is
tried again here. Each call is bounded in time and bytes. `requests` is imported with the
first call.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hummingbird.adapters.bounded.exchange import Exchange
from hummingbird.domain.fault_message import FaultMessage, MessageKind
from hummingbird.errors import (
    FaultManagerRefused,
    FaultManagerUnavailable,
    ServiceTokenUnavailable,
)

if TYPE_CHECKING:
    from requests import Response

    from hummingbird.adapters.keystone.service_user import ServiceUser

CALL_FACTOR: Final = 3
"""One call, with its list of alarms, may take so many times the time for one read."""
ANSWER_BYTES: Final = 64 * 1024 * 1024
"""An alarm has about 1 kB; StarlingX's largest fleets have some ten thousand."""

_LATER: Final = frozenset({401, 403, 408, 429, 502, 503, 504})
"""Statuses that say nothing about the message: the token has ended, a proxy stands alone,
or there is too much to do."""


class FaultManager:
    """One FM; not to be shared between threads."""

    def __init__(
        self,
        url: str,
        *,
        user: "ServiceUser | None" = None,
        token_file: Path | None = None,
        ca_file: Path | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        """
        :param url: where it is, without the version: http://controller:18002
        :param user: whose tokens of Keystone it wants as X-Auth-Token.
        :param token_file: holds that token where there is no Keystone; read for each
            call, since whoever renews it writes it there.
        :param ca_file: the authority of its certificate, if it is not a public one.
        """
        self._url = url.rstrip("/").removesuffix("/v1").rstrip("/")
        self._user = user
        self._token_file = token_file
        self._ca_file = ca_file
        self._timeout_seconds = timeout_seconds
        self._session: Any = None

    def deliver(self, message: FaultMessage) -> None:
        """Have FM know what `message` says.

        :raises FaultManagerUnavailable: FM does not answer, or lets nobody in.
        :raises FaultManagerRefused: FM answers, and does not take it.
        """
        if message.kind is MessageKind.LOG:
            self._log(message)
            return
        uuid = self._uuid(message.alarm_id, message.entity_instance_id)
        if message.kind is MessageKind.CLEAR:
            if uuid is not None:
                self._call("DELETE", f"alarms/{uuid}", gone=True)
        elif uuid is None:
            self._call("POST", "alarms", body=message.body)
        else:
            self._call("PUT", f"alarms/{uuid}", body={**message.body, "uuid": uuid})

    def standing(self) -> set[tuple[str, str]]:
        """Return the alarms that FM has, as (alarm_id, entity_instance_id).

        :raises FaultManagerUnavailable, FaultManagerRefused: they can't be had.
        """
        found = self._alarms({})
        return {_key(one) for one in found}

    def is_well(self) -> bool:
        """Whether FM lists alarms; if so, what it refused is the message's own fault."""
        try:
            self._alarms({"limit": 1})
        except (FaultManagerUnavailable, FaultManagerRefused):
            return False
        return True

    def _log(self, message: FaultMessage) -> None:
        try:
            self._call("POST", "alarms", body=message.body)
        except FaultManagerRefused:
            # Perhaps because it has it: the answer to a former call was lost.
            if self._call("GET", f"event_log/{message.uuid}", gone=True) is None:
                raise

    def _uuid(self, alarm_id: str, entity_instance_id: str) -> str | None:
        # FM's filters find parts of texts, so that each find is compared.
        query = {
            "q.field": ["alarm_id", "entity_instance_id"],
            "q.op": ["eq", "eq"],
            "q.type": ["", ""],
            "q.value": [alarm_id, entity_instance_id],
        }
        for one in self._alarms(query):
            if _key(one) == (alarm_id, entity_instance_id):
                return str(one["uuid"])
        return None

    def _alarms(self, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        answer = self._call(
            "GET", "alarms", query={**query, "include_suppress": "True"}
        )
        try:
            found: list[dict[str, Any]] = answer["alarms"]
        except (KeyError, TypeError) as error:
            raise FaultManagerRefused(message="its answer has no alarms") from error
        return found

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        gone: bool = False,
    ) -> Any:
        """Return the parsed answer.

        :param gone: 404 is an answer too, None.
        """
        answer = self._send(method, path, query=query, body=body)
        if answer.status_code == 401 and self._user is not None:
            # The token may have been revoked before its time.
            self._user.renew()
            answer = self._send(method, path, query=query, body=body)
        if gone and answer.status_code == 404:
            return None
        if answer.status_code in _LATER:
            raise FaultManagerUnavailable(message=f"status {answer.status_code}")
        if not 200 <= answer.status_code < 300:
            raise FaultManagerRefused(
                message=f"{method} /v1/{path}: status {answer.status_code}"
            )
        try:
            return answer.json() if answer.content else {}
        except ValueError as error:
            raise FaultManagerRefused(message="its answer is not JSON") from error

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
    ) -> "Response":
        import requests

        if self._session is None:
            from hummingbird.adapters.bounded.http import bounded_session

            # FM is in the management network; no proxy leads there.
            self._session = bounded_session(
                lambda: Exchange(
                    seconds=CALL_FACTOR * self._timeout_seconds, most_bytes=ANSWER_BYTES
                )
            )
        try:
            answer: Response = self._session.request(
                method,
                f"{self._url}/v1/{path}",
                params=query,
                json=body,
                headers=self._headers(),
                timeout=self._timeout_seconds,
                verify=str(self._ca_file) if self._ca_file else True,
                allow_redirects=False,
            )
        except (requests.RequestException, OSError) as error:
            raise FaultManagerUnavailable(message=type(error).__name__) from error
        return answer

    def _headers(self) -> dict[str, str]:
        if self._user is not None:
            try:
                return {"X-Auth-Token": self._user.token()}
            except ServiceTokenUnavailable as error:
                raise FaultManagerUnavailable(message=error) from error
        if self._token_file is None:
            return {}
        try:
            return {"X-Auth-Token": self._token_file.read_text().strip()}
        except OSError as error:
            raise FaultManagerUnavailable(
                message=f"{self._token_file}: {error.strerror}"
            ) from error


def _key(alarm: Mapping[str, Any]) -> tuple[str, str]:
    return str(alarm.get("alarm_id")), str(alarm.get("entity_instance_id"))
