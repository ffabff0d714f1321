# SPDX-License-Identifier: Apache-2.0
"""A StarlingX sysinv over real HTTP, as far as one that stands before it meets it.

Bodies have the keys and the manners of the real one (StarlingX config
sysinv/api/controllers/v1/host.py): ids count from 1, `next` stands where a page is full, an
error is JSON in a JSON text. It can be slow, break off, and go away and come back.
"""

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

TOKEN = "a token of Keystone"
SYSTEM_UUID = "4474a195-15d7-433f-93e6-eab78acd7683"
PUBLIC = ("/v1/ihosts/52:54:00:aa:00:01/mgmt_ip", "/")


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path


@dataclass
class FakeSysinv:
    """One sysinv."""

    seen: list[Seen] = field(default_factory=list)
    hosts: list[dict[str, Any]] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)
    has_received: threading.Event = field(default_factory=threading.Event)
    """Set when the first piece of a body has arrived."""
    may_go_on: threading.Event = field(default_factory=threading.Event)
    """What slow answers wait for."""
    is_slow: bool = False
    list_status: int = 200
    connections: int = 0
    waiting: int = 0
    """How many slow answers wait now."""

    def __post_init__(self) -> None:
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self._lock = threading.Lock()
        for number, (name, personality) in enumerate(
            (("controller-0", "controller"), ("compute-0", "worker")), start=1
        ):
            self.add(name, personality, f"52:54:00:aa:00:{number:02x}")
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        handler = type("Handler", (_Handler,), {"sysinv": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
        self._server.daemon_threads = True
        self._port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Go away: nobody listens any more."""
        if self._server is not None:
            self.may_go_on.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    @property
    def is_away(self) -> bool:
        return self._server is None

    def add(self, hostname: str, personality: str, mac: str) -> dict[str, Any]:
        made = {
            "id": len(self.hosts) + 1,
            "uuid": str(uuid4()),
            "hostname": hostname,
            "invprovision": "provisioned",
            "mgmt_mac": mac,
            "mgmt_ip": f"192.168.204.{len(self.hosts) + 2}",
            "personality": personality,
            "subfunctions": personality,
            "administrative": "unlocked",
            "operational": "enabled",
            "availability": "available",
            "task": None,
            "uptime": 4711,
            "location": {},
            "capabilities": {},
            "isystem_uuid": SYSTEM_UUID,
        }
        self.hosts.append(made)
        return made

    def find(self, name: str) -> dict[str, Any] | None:
        for host in self.hosts:
            if name in (str(host["id"]), host["uuid"], host["hostname"]):
                return host
        return None

    def wait(self) -> None:
        """Be slow."""
        with self._lock:
            self.waiting += 1
        self.may_go_on.wait(60)
        with self._lock:
            self.waiting -= 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sysinv: FakeSysinv

    def setup(self) -> None:
        super().setup()
        self.sysinv.connections += 1

    def handle_one_request(self) -> None:
        # Who asked may be gone by now, as some tests want it.
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def handle_any(self) -> None:
        if self.sysinv.is_away:
            self.close_connection = True
            return
        seen = Seen(self.command, self.path, dict(self.headers.items()))
        self.sysinv.seen.append(seen)
        digest = hashlib.sha256()
        size = 0
        for piece in self._pieces():
            self.sysinv.has_received.set()
            digest.update(piece)
            size += len(piece)
            if size <= 1024 * 1024:
                seen.body += piece
        if self.sysinv.is_slow:
            self.sysinv.wait()
        if seen.path not in PUBLIC and self.headers.get("X-Auth-Token") != TOKEN:
            self._say(401, b"Authentication required", kind="text/plain")
            return
        self._answer(seen, {"size": size, "sha256": digest.hexdigest()})

    def _pieces(self) -> Any:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            piece = self.rfile.read1(min(left, 65536))
            if not piece:
                self.close_connection = True
                return
            left -= len(piece)
            yield piece

    def _answer(self, seen: Seen, received: dict[str, Any]) -> None:
        elements = [element for element in seen.path.split("/") if element]
        match (seen.method, *elements):
            case ("GET",):
                self._json(200, {"name": "the real sysinv"})
            case ("GET", "v1"):
                self._json(
                    200, {"id": "v1", "ihosts": ["theirs"], "istors": ["theirs"]}
                )
            case ("GET", "v1", "isystems"):
                self._json(200, {"isystems": [{"uuid": SYSTEM_UUID, "name": "real"}]})
            case ("GET", "v1", "ihosts") | ("GET", "v1", "ihosts", "detail"):
                self._list(seen)
            case ("POST", "v1", "ihosts") if received["size"] > len(seen.body):
                self._fault(413, "Too large")
            case ("POST", "v1", "ihosts"):
                wanted = json.loads(seen.body)
                self._json(
                    200,
                    self.sysinv.add(
                        wanted["hostname"], wanted["personality"], wanted["mgmt_mac"]
                    ),
                )
            case ("GET", "v1", "ihosts", _, "mgmt_ip"):
                self._json(200, {"mgmt_ip": "192.168.204.2"})
            case ("GET", "v1", "labels"):
                self._json(200, {"labels": self.sysinv.labels})
            case ("GET", "v1", "labels", uuid):
                self._fault(400, f"No label found for {uuid}")
            case (_, "v1", "ihosts", name, *rest):
                self._host(seen.method, name, rest)
            case (_, "v1", "echo"):
                self._json(200, received)
            case ("GET", "v1", "stream"):
                self._stream()
            case ("GET", "v1", "broken"):
                self._break_off()
            case ("GET", "v1", "health"):
                self._json(200, "System Health: good")
            case _:
                self._json(
                    404,
                    {
                        "error_message": json.dumps(
                            {"code": 404, "title": "Not Found", "description": ""}
                        )
                    },
                )

    def _list(self, seen: Seen) -> None:
        if self.sysinv.list_status != 200:
            self._fault(self.sysinv.list_status, "Internal")
            return
        query = parse_qs(urlsplit(seen.target).query)
        wanted = query.get("personality")
        hosts = [
            host
            for host in self.sysinv.hosts
            if wanted is None or host["personality"] in wanted
        ]
        self._json(200, {"ihosts": hosts})

    def _host(self, method: str, name: str, rest: list[str]) -> None:
        found = self.sysinv.find(name)
        if found is None:
            self._fault(404, f"Server {name} could not be found.")
        elif method == "PATCH":
            # As the real one words and spaces it, and with what HTTP allows.
            body = b'{"error_message":  "{\\"faultstring\\": \\"Avoiding lock\\"}"}\n'
            self._say(400, body, ("X-Odd", "a;b"), ("Set-Cookie", "a=1"))
        elif method == "DELETE":
            self.sysinv.hosts.remove(found)
            self._say(204, b"")
        elif rest:
            self._json(200, {rest[0]: []})
        else:
            self._json(200, found)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nfirst\r\n")
        self.wfile.flush()
        self.sysinv.wait()
        self.wfile.write(b"4\r\nlast\r\n0\r\n\r\n")

    def _break_off(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nfirst\r\n")
        self.wfile.flush()
        self.close_connection = True

    def _fault(self, status: int, sentence: str) -> None:
        inner = {"faultcode": "Client", "faultstring": sentence, "debuginfo": None}
        self._json(status, {"error_message": json.dumps(inner)})

    def _json(self, status: int, content: Any) -> None:
        self._say(status, json.dumps(content).encode())

    def _say(
        self,
        status: int,
        body: bytes,
        *further: tuple[str, str],
        kind: str = "application/json",
    ) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Keep-Alive", "timeout=60")
        for name, value in further:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any

    def log_message(self, format: str, *args: Any) -> None:
        return
