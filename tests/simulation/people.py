# SPDX-License-Identifier: Apache-2.0
"""Those who ask: they speak HTTP to the API, wait for what they asked for, and remember
what was accepted.

A request that gets no answer, or a 503, is sent again to the next API, with the same key,
so that it counts once.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from tests.simulation.deployment import API_PORT, Deployment
from tests.simulation.http import Stream
from tests.simulation.network import NETWORK
from tests.simulation.plan import Story
from tests.simulation.scheduler import Machine, Process
from tests.simulation.threads import active, park

PATIENCE_SECONDS: Final = 240.0
"""For one step of a story; then the next is asked for."""
ANSWER_SECONDS: Final = 40.0
ADDRESS: Final = "10.99.0.1"


class NoAnswer(Exception):
    """Nobody answered."""


@dataclass(frozen=True)
class Accepted:
    """A request that was accepted."""

    at: float
    host: str
    action: str


@dataclass(eq=False)
class People:
    """All who ask."""

    deployment: Deployment
    accepted: list[Accepted] = field(default_factory=list)
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    on_late: Callable[[str], None] = lambda text: None
    """Told where an API took a request and did not answer it in time."""
    asked: int = 0

    def __post_init__(self) -> None:
        scheduler = self.deployment.scheduler
        self.process = Process("people", Machine("people", scheduler))
        self.deployment.network.add(ADDRESS)
        self.process.facts |= {NETWORK: self.deployment.network, "address": ADDRESS}

    def plan(self, story: Story) -> None:
        """Let somebody begin to ask in time."""
        scheduler = self.deployment.scheduler

        def begin() -> None:
            scheduler.spawn(self.process, lambda: self._live(story), name=story.host)

        scheduler.at(story.at, begin)

    def _live(self, story: Story) -> None:
        for step in story.steps:
            action = step.rstrip("!")
            try:
                done = self._do(story.host, action)
            except NoAnswer:
                done = False
            if not done:
                return
            self.accepted.append(Accepted(active().now, story.host, action))
            active().note(f"people: {action} of {story.host} accepted")
            if step.endswith("!"):
                park(2.0)
            else:
                self._await_rest(story.host)

    def _do(self, host: str, action: str) -> bool:
        path = f"/v1/ihosts/{quote(host)}"
        if action == "add":
            box = self.deployment.field.hosts[host]
            body: object = {
                "hostname": host,
                "personality": "edgeworker",
                "mgmt_mac": box.mac,
                "mgmt_ip": box.address,
            }
            status, said = self._ask("POST", "/v1/ihosts", body)
        elif action == "delete":
            status, said = self._ask("DELETE", path, None)
        else:
            patch = [{"op": "replace", "path": "/action", "value": action}]
            status, said = self._ask("PATCH", path, patch)
        if status >= 300:
            self.refused.append((host, action, str(said)[:200]))
            active().note(f"people: {action} of {host} refused: {status} {said}"[:300])
        return status < 300

    def _await_rest(self, host: str) -> None:
        """Wait until no run of the host is at work."""
        until = active().now + PATIENCE_SECONDS
        pause = 3.0
        while active().now < until:
            park(pause)
            pause = min(12.0, pause * 1.5)
            try:
                if self._is_at_rest(host):
                    return
            except NoAnswer:
                continue

    def _is_at_rest(self, host: str) -> bool:
        path = f"/v1/runs?host={quote(host)}&state=queued,running&limit=5"
        status, said = self._ask("GET", path, None)
        return status == 404 or (status == 200 and not said["runs"])

    def _ask(self, method: str, path: str, body: object) -> tuple[int, Any]:
        """Return status and content.

        :raises NoAnswer: none of the APIs gave one.
        """
        self.asked += 1
        key = f"key-{self.asked}"
        for _ in range(6):
            for controller in list(self.deployment.controllers.values()):
                try:
                    status, said = self._send(
                        controller.address, method, path, body, key
                    )
                except OSError:
                    continue
                if status not in (500, 502, 503, 504):
                    return status, said
            if method == "GET":
                break
            park(7.0)
        raise NoAnswer

    def _send(
        self, address: str, method: str, path: str, body: object, key: str
    ) -> tuple[int, Any]:
        content = b"" if body is None else json.dumps(body).encode()
        controller = next(
            c for c in self.deployment.controllers.values() if c.address == address
        )
        headers = {
            "Host": f"{address}:{API_PORT}",
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            "X-Auth-Token": controller.token(),
        }
        if method != "GET":
            headers["Idempotency-Key"] = key
        lines = [f"{method} {path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        request = "\r\n".join(lines).encode() + b"\r\n\r\n" + content
        with Stream((address, API_PORT), ANSWER_SECONDS) as link:
            began = active().now
            link.sendall(request)
            answer = b""
            while part := link.recv(65536):
                answer += part
            took = active().now - began
            if took > ANSWER_SECONDS:
                self.on_late(f"{method} {path} took {took:.0f} s")
        head, _, content = answer.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        found: Mapping[str, Any] = json.loads(content) if content else {}
        return status, found
