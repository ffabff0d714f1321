# SPDX-License-Identifier: Apache-2.0
"""What several tests ask of the product, and how they wait for it."""

import json
import time
from collections.abc import Callable
from typing import Any, Final

from hummingbird_lab.product import Product

RUN_SECONDS: Final = 400.0
"""For one run; a whole provisioning takes less than a minute on a machine that does nothing
else."""
_DISTANCE_SECONDS: Final = 0.3


def wait(condition: Callable[[], bool], *, what: str, seconds: float) -> None:
    """Return when the condition holds; fail, saying `what`, where it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(_DISTANCE_SECONDS)


def act(product: Product, host: str, action: str) -> None:
    """Ask for a maintenance action, as `system host-ACTION` does."""
    patch = [{"op": "replace", "path": "/action", "value": action}]
    product.api("PATCH", f"/v1/ihosts/{host}", patch)


def run_of(product: Product, name: str) -> dict[str, Any]:
    """Return a run, by its number or uuid, or the last one of a host."""
    found: dict[str, Any] = product.api("GET", f"/v1/runs/{name}")
    return found


def succeed(product: Product, host: str, kind: str) -> None:
    """Wait until the last run of the host, of `kind`, ends well."""

    def is_over() -> bool:
        run = run_of(product, host)
        if run["state"] in ("failed", "cancelled"):
            events = product.api("GET", f"/v1/runs/{run['uuid']}/events")["events"]
            raise AssertionError(f"{run}\n{json.dumps(events[-6:], indent=1)}")
        return bool(run["kind"] == kind and run["state"] == "succeeded")

    wait(is_over, what=f"{kind} of {host} succeeds", seconds=RUN_SECONDS)


def retire(product: Product, host: str) -> None:
    """Lock and delete a host; return when it is gone."""
    act(product, host, "lock")
    succeed(product, host, "lock")
    product.api("DELETE", f"/v1/ihosts/{host}")
    wait(
        lambda: product.request("GET", f"/v1/ihosts/{host}")["status"] == 404,
        what=f"{host} is retired",
        seconds=RUN_SECONDS,
    )
