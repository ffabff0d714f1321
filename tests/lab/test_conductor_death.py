# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the conductor at five points of one provisioning, on a real host.

Nothing is faked: the API, the gateway and the conductor are processes of their own, the
playbook runs by SSH, the cluster is Kubernetes. After each kill the next conductor takes
the run over; in the end the host is in service, no request is lost, and provisioning the
host once more changes nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hummingbird_lab.lab import Lab
from hummingbird_lab.product import Product

from hummingbird.domain.run import STEPS as STEPS_OF
from hummingbird.domain.run import RunKind
from tests.lab.asking import act, run_of, wait
from tests.processes import with_argument

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]

POINTS = (
    "node_config",
    "container_runtime",
    "kubernetes_node",
    "images",
    "agents_ready",
)
STEPS = STEPS_OF[RunKind.UNLOCK]
STEP_SECONDS = 300.0
"""A whole provisioning takes less than a minute on a machine that does nothing else."""


@pytest.fixture
def product(lab: Lab, tmp_path: Path) -> Iterator[Product]:
    """API, gateway and conductor as processes of their own."""
    changes = {
        "conductor": {"max_attempts": 20, "poll_seconds": 0.5, "lease_seconds": 9}
    }
    with Product(lab, tmp_path / "product", changes=changes) as product:
        product.start("api", "gateway", "conductor")
        product.add_credential()
        product.add_edge_network()
        yield product


def await_end(product: Product, name: str) -> dict[str, Any]:
    wait(
        lambda: run_of(product, name)["state"] not in ("queued", "running"),
        what=f"run {name} ends",
        seconds=STEP_SECONDS,
    )
    return run_of(product, name)


def playbook_processes(product: Product) -> list[str]:
    """Return the command lines of what belongs to a playbook of this product."""
    scratch = str(product.state / "runs")
    return list(with_argument(scratch).values())


def reaches(product: Product, uuid: str, step: str) -> None:
    """Return when the run is at `step`, or past it where that went too fast to see."""
    wanted = STEPS[STEPS.index(step) :]

    def is_there() -> bool:
        seen = run_of(product, uuid)
        assert seen["state"] in ("queued", "running"), seen
        return seen["state"] == "running" and seen["current_step"] in wanted

    wait(is_there, what=f"the run is at {step}", seconds=STEP_SECONDS)


def test_five_deaths_of_the_conductor_lose_nothing(product: Product) -> None:
    product.add_host("edge-0")
    product.add_host("edge-1")
    act(product, "edge-0", "unlock")
    uuid = run_of(product, "edge-0")["uuid"]

    for deaths, step in enumerate(POINTS, start=1):
        reaches(product, uuid, step)
        product.kill("conductor")
        wait(
            lambda: not playbook_processes(product),
            what="the playbook ends with its conductor",
            seconds=60,
        )
        left = run_of(product, uuid)
        assert (left["state"], left["attempt"]) == ("running", deaths)
        if step == POINTS[-1]:
            act(product, "edge-1", "unlock")
            assert run_of(product, "edge-1")["state"] == "queued"
        product.start("conductor")

    ended = await_end(product, uuid)
    assert ended["state"] == "succeeded", ended
    assert ended["attempt"] == len(POINTS) + 1
    accepted = await_end(product, "edge-1")
    assert (accepted["state"], accepted["attempt"]) == ("succeeded", 1), accepted
    for name in ("edge-0", "edge-1"):
        host = product.api("GET", f"/v1/ihosts/{name}")
        seen = (host["administrative"], host["operational"], host["availability"])
        assert seen == ("unlocked", "enabled", "available"), host
    assert not list((product.state / "runs").glob("run-*"))

    act(product, "edge-0", "lock")
    assert await_end(product, "edge-0")["state"] == "succeeded"
    act(product, "edge-0", "reinstall")
    again = await_end(product, "edge-0")
    assert (again["state"], again["changed"]) == ("succeeded", 0), again

    act(product, "edge-1", "force-lock")
    assert await_end(product, "edge-1")["state"] == "succeeded"
    for name in ("edge-0", "edge-1"):
        product.api("DELETE", f"/v1/ihosts/{name}")
        assert await_end(product, name)["state"] == "succeeded"
