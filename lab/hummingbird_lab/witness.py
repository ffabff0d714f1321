# SPDX-License-Identifier: Apache-2.0
"""Waits until the product says something, and says how long that took.

It asks the API as any client would, so a time includes up to one question's distance
(about 0.3 s): what a person at the console would have seen.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from hummingbird_lab.errors import LabError
from hummingbird_lab.product import Product

_DISTANCE_S = 0.2
SILENCE = "200.005"
"""The alarm of a host that is not heard (StarlingX fm-doc, events.yaml)."""


class Witness:
    """Looks at one product."""

    def __init__(self, product: Product) -> None:
        self._product = product

    def wait(
        self, what: str, condition: Callable[[], bool], *, timeout_s: float
    ) -> float:
        """Return the seconds until `condition` held.

        :raises LabError: it did not within `timeout_s` seconds; the text says `what`.
        """
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > timeout_s:
                raise LabError(f"{what}: not within {timeout_s:g} s")
            time.sleep(_DISTANCE_S)
        return time.monotonic() - began

    def host(self, name: str) -> dict[str, Any] | None:
        """Return a host as the inventory has it; None when it has none of that name."""
        answer = self._product.request("GET", f"/v1/ihosts/{name}")
        if answer["status"] == 404:
            return None
        if answer["status"] != 200:
            raise LabError(f"host {name}: {answer}")
        found: dict[str, Any] = answer["body"]
        return found

    def alarms(self, host: str) -> list[dict[str, Any]]:
        """Return the alarms that stand about a host, or a part of it (host=H.part=…)."""
        found = self._product.api("GET", "/v1/alarms")["alarms"]
        return [
            one
            for one in found
            if f"{one['entity_instance_id']}.".startswith(f"host={host}.")
        ]

    def silence(self, host: str) -> str | None:
        """Return the severity of the host's alarm of silence; None when it has none."""
        for alarm in self.alarms(host):
            if alarm["alarm_id"] == SILENCE:
                return str(alarm["severity"])
        return None

    def run(self, name: str) -> dict[str, Any]:
        """Return a run, named by number, uuid or hostname (that host's latest)."""
        found: dict[str, Any] = self._product.api("GET", f"/v1/runs/{name}")
        return found

    def events(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        """Return all events of a run."""
        events: list[dict[str, Any]] = []
        while True:
            after = events[-1]["id"] if events else 0
            page = self._product.api(
                "GET", f"/v1/runs/{run['uuid']}/events?after={after}"
            )["events"]
            if not page:
                return events
            events += page

    def trace(self, host: str, *, timeout_s: float = 120.0) -> dict[str, Any]:
        """Have the product look where the path to a host ends; return its answer."""
        path = f"/v1/ihosts/{host}/trace"
        self._product.api("POST", path, {})
        found: dict[str, Any] = {}

        def is_done() -> bool:
            found.update(self._product.api("GET", path))
            return found["done_at"] is not None

        self.wait(f"a trace of {host}", is_done, timeout_s=timeout_s)
        return found

    def steps(self, run: dict[str, Any]) -> dict[str, datetime]:
        """Return when each step of a run was done."""
        return {
            event["step"]: datetime.fromisoformat(event["at"])
            for event in self.events(run)
            if event["task"] is None and event["state"] in ("done", "skipped")
        }
