# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API server over HTTPS, as far as an unlock and a session of an agent go.

It has one node, which is Ready, signs what it is asked to sign, and knows the tokens that it
was told of. It can answer as a proxy does that shows a request again, headers too (`repeats`).
"""

import base64
import json
import ssl
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from hummingbird.adapters.kubernetes.node_certificate import HOST_LABEL
from hummingbird.adapters.pki.authority import ensure_server_certificate
from hummingbird.clock import SystemClock
from tests.fakes.node_authority import NodeAuthority

_NODE_UID = "6f1f7f0a-0000-4000-8000-000000000001"


class KubernetesApi:
    """One API server."""

    def __init__(self, folder: Path, *, token: str, node: str) -> None:
        """
        :param token: that its one account shows.
        :param node: the name of its one node.
        """
        self.token = token
        self.node = node
        self.agents: dict[str, str] = {}
        """Tokens of service accounts, and the accounts."""
        self.labels: dict[str, str] = {}
        """Those of the node, which say whose it is."""
        self.repeats = False
        self.shown: list[str] = []
        """Headers by which callers said who they are."""
        self._requests: dict[str, Any] = {}
        self._authority = NodeAuthority(SystemClock())
        self._certificate = ensure_server_certificate(
            folder / "pki", names=("127.0.0.1",), clock=SystemClock()
        )
        handler = type("Handler", (_Handler,), {"api": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate.cert_path, self._certificate.key_path)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        ).start()

    def kubeconfig(self, path: Path, *, token: str | None = None) -> Path:
        """Write the file of its account, of mode 0600."""
        authority = base64.b64encode(self._certificate.ca_pem.encode()).decode()
        server = f"https://127.0.0.1:{self._server.server_port}"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "one",
                    "cluster": {
                        "server": server,
                        "certificate-authority-data": authority,
                    },
                }
            ],
            "users": [{"name": "one", "user": {"token": token or self.token}}],
            "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
            "current-context": "one",
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(content))
        return path

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Return the status and the object."""
        match method, *path.partition("?")[0].strip("/").split("/"):
            case "GET", "version":
                return 200, {"major": "1", "minor": "36", "gitVersion": "v1.36.3"}
            case "POST", *_, "tokenreviews":
                return 201, self._review(body)
            case "GET", *_, "certificatesigningrequests", name:
                found = self._requests.get(name)
                return (200, found) if found else (404, {"message": "not found"})
            case "POST", *_, "certificatesigningrequests":
                self._requests[body["metadata"]["name"]] = body
                return 201, body
            case "PUT", *_, "certificatesigningrequests", name, "approval":
                self._requests[name] = self._signed(body)
                return 200, body
            case "GET", "api", "v1", "nodes":
                return 200, {"items": [self._node()]}
            case (("GET" | "PATCH"), "api", "v1", "nodes", self.node):
                return 200, self._node()
            case "GET", *_, ("pods" | "leases"):
                return 200, {"items": []}
            case (("POST" | "PATCH"), *_):
                return 200, body
        return 404, {"message": "not found"}

    def _review(self, body: dict[str, Any]) -> dict[str, Any]:
        account = self.agents.get(body["spec"]["token"])
        if account is None:
            return {**body, "status": {"error": "invalid bearer token"}}
        claims = {"node-name": self.node, "node-uid": _NODE_UID, "pod-uid": _NODE_UID}
        user = {
            "username": f"system:serviceaccount:hummingbird:{account}",
            "extra": {
                f"authentication.kubernetes.io/{name}": [value]
                for name, value in claims.items()
            },
        }
        audiences = body["spec"]["audiences"]
        status = {"authenticated": True, "audiences": audiences, "user": user}
        return {**body, "status": status}

    def _signed(self, body: dict[str, Any]) -> dict[str, Any]:
        request = base64.b64decode(body["spec"]["request"]).decode()
        host = body["metadata"]["labels"][HOST_LABEL]
        certificate = self._authority.sign(
            request, hostname=host, lifetime=timedelta(minutes=10)
        )
        encoded = base64.b64encode(certificate.encode()).decode()
        return {**body, "status": {**body["status"], "certificate": encoded}}

    def _node(self) -> dict[str, Any]:
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
        return {
            "metadata": {
                "name": self.node,
                "uid": _NODE_UID,
                "labels": self.labels,
            },
            "status": {"conditions": [ready], "nodeInfo": {"bootID": _NODE_UID}},
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: KubernetesApi

    def handle_any(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        shown = self.headers.get("Authorization") or ""
        self.api.shown.append(shown)
        if self.api.repeats:
            status, content = 502, {"message": f"bad gateway: {self.headers}"}
        elif shown != f"Bearer {self.api.token}":
            status, content = 401, {"message": f"no such account: {shown}"}
        else:
            body = json.loads(raw) if raw else None
            status, content = self.api.answer(self.command, self.path, body)
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def log_message(self, format: str, *args: Any) -> None:
        return
