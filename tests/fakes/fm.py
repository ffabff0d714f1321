# SPDX-License-Identifier: Apache-2.0
"""A StarlingX FM over real HTTP, as far as its REST API goes, with its faults.

As upstream (fault fm-rest-api api/controllers/v1/alarm.py, db/sqlalchemy/api.py): a POST
of what stands already makes a second row; clearing what does not stand, an alarm id that
events.yaml lacks and a uuid that is taken are answered 500; filters find parts of texts;
PUT is not logged.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

TOKEN = "the token of FM"
_ATTRIBUTES = {
    "uuid",
    "alarm_id",
    "alarm_state",
    "entity_type_id",
    "entity_instance_id",
    "timestamp",
    "severity",
    "reason_text",
    "alarm_type",
    "probable_cause",
    "proposed_repair_action",
    "service_affecting",
    "suppression",
}
_MANDATORY = (
    "alarm_id",
    "alarm_state",
    "entity_instance_id",
    "severity",
    "alarm_type",
    "probable_cause",
)


class Refusal(Exception):
    """What is answered in place of a result."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class FakeFm:
    """One FM. It can go away and come back at the same address."""

    def __init__(self) -> None:
        self.alarms: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.token = TOKEN
        self.unknown_ids: set[str] = set()
        """Alarm ids that events.yaml lacks."""
        self.is_broken = False
        """Whether its database is away, so that everything is answered 500."""
        self.answers_to_lose = 0
        """So many changes are made and not answered."""
        self.asked: list[tuple[str, str]] = []
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        handler = type("Handler", (_Handler,), {"fm": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
        self._server.daemon_threads = True
        self._port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Go away: nobody listens any more."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def standing(self) -> dict[tuple[str, str], str]:
        """Return (alarm id, entity) -> severity, of which no two may be alike."""
        found = {
            (one["alarm_id"], one["entity_instance_id"]): str(one["severity"])
            for one in self.alarms
        }
        assert len(found) == len(self.alarms), "an alarm stands twice"
        return found

    def told(self) -> list[tuple[str, str]]:
        """Return (state, id) of each event, the oldest first."""
        return [(one["state"], one["event_log_id"]) for one in self.events]

    def answer(self, method: str, where: str, body: Any) -> Any:
        """Return what a request is answered with.

        :raises Refusal: it is refused.
        """
        parts = urlsplit(where)
        query = parse_qs(parts.query, keep_blank_values=True)
        match method, *parts.path.removeprefix("/v1/").split("/"):
            case "GET", "alarms":
                return {"alarms": self._filtered(query)}
            case "GET", "event_log", uuid:
                return self._one(self.events, uuid)
            case "POST", "alarms":
                return json.dumps({"uuid": self._post(self._checked(body))})
            case "PUT", "alarms", uuid:
                found = self._one(self.alarms, uuid)
                if body.get("uuid") != uuid:
                    raise Refusal(500)  # it would have been set to NULL
                found.update(self._checked(body))
                return found
            case "DELETE", "alarms", uuid:
                self._clear(self._one(self.alarms, uuid))
                return None
        raise Refusal(404)

    def _checked(self, body: dict[str, Any]) -> dict[str, Any]:
        if set(body) - _ATTRIBUTES or not all(body.get(name) for name in _MANDATORY):
            raise Refusal(400)
        return body

    def _post(self, body: dict[str, Any]) -> str:
        made = {**body, "uuid": body.get("uuid") or str(uuid4())}
        taken = {one["uuid"] for one in (*self.alarms, *self.events)}
        if made["uuid"] in taken:
            raise Refusal(500)
        if body["alarm_state"] == "set":
            if body["alarm_id"] in self.unknown_ids:
                raise Refusal(500)
            self.alarms.append(made)
            self._note(made, "set", uuid=str(uuid4()))
        elif body["alarm_state"] in ("log", "msg"):
            self._note(made, "log", uuid=made["uuid"])
        else:
            raise Refusal(500)
        return str(made["uuid"])

    def _clear(self, alarm: dict[str, Any]) -> None:
        self.alarms.remove(alarm)
        self._note(alarm, "clear", uuid=str(uuid4()))

    def _note(self, alarm: dict[str, Any], state: str, *, uuid: str) -> None:
        event = {"event_log_id": alarm["alarm_id"], "state": state, "uuid": uuid}
        self.events.append({**alarm, **event})

    def _one(self, among: list[dict[str, Any]], uuid: str) -> dict[str, Any]:
        for one in among:
            if one["uuid"] == uuid:
                return one
        raise Refusal(404)

    def _filtered(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        wanted = dict(
            zip(query.get("q.field", []), query.get("q.value", []), strict=True)
        )
        return [
            one
            for one in self.alarms
            if all(text in one[name] for name, text in wanted.items())
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fm: FakeFm

    def handle_any(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.fm.asked.append((self.command, urlsplit(self.path).path))
        try:
            if self.headers.get("X-Auth-Token") != self.fm.token:
                raise Refusal(401)
            if self.fm.is_broken:
                raise Refusal(500)
            body = json.loads(raw) if raw else None
            content = self.fm.answer(self.command, self.path, body)
            status = 204 if content is None else 200
        except Refusal as refusal:
            status, content = refusal.status, {"error_message": "refused"}
        if self.command != "GET" and status < 300 and self.fm.answers_to_lose:
            self.fm.answers_to_lose -= 1
            self.close_connection = True
            return
        data = b"" if status == 204 else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.fm._server is None:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def log_message(self, format: str, *args: Any) -> None:
        return
