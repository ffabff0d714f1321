# SPDX-License-Identifier: Apache-2.0
"""A real host whose services stop is alarmed, recovered over SSH, and cleared; one that
is locked is rebooted, reset, switched off on request; its labels are on its node."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hummingbird_lab.lab import Lab
from hummingbird_lab.product import Product

from tests.lab.asking import RUN_SECONDS, act, run_of, succeed, wait

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]

HOST = "edge-0"


@pytest.fixture
def product(lab: Lab, tmp_path: Path) -> Iterator[Product]:
    """Everything in one process, heartbeats twice as often as usual."""
    changes = {"gateway": {"period_seconds": 5}}
    with Product(lab, tmp_path / "product", changes=changes) as product:
        product.start()
        product.add_credential()
        yield product


def severities(product: Product) -> dict[str, str]:
    alarms = product.api("GET", "/v1/alarms")["alarms"]
    return {alarm["alarm_id"]: alarm["severity"] for alarm in alarms}


def boot_id(lab: Lab) -> str:
    return lab.ssh(HOST, "cat /proc/sys/kernel/random/boot_id").stdout


def availability(product: Product) -> str:
    return str(product.api("GET", f"/v1/ihosts/{HOST}")["availability"])


def node_label(lab: Lab, key: str) -> str:
    what = f"jsonpath={{.metadata.labels.{key}}}"
    found = lab.exec("controller", ["kubectl", "get", "node", HOST, "-o", what])
    return found.stdout


def test_a_silent_host_is_recovered_by_its_first_rung(
    lab: Lab, product: Product
) -> None:
    product.add_host(HOST)
    act(product, HOST, "unlock")
    succeed(product, HOST, "unlock")

    # Containers outlive their runtime's service, so they are ended first.
    lab.ssh(
        HOST,
        "sudo systemctl stop kubelet"
        " && sudo ctr -n k8s.io tasks ls -q"
        " | xargs -r -n1 sudo ctr -n k8s.io tasks kill -s SIGKILL;"
        " sudo systemctl stop containerd",
    )
    wait(
        lambda: severities(product).get("200.005") == "critical",
        what="the alarm is critical",
        seconds=120,
    )
    succeed(product, HOST, "recover")
    assert run_of(product, HOST)["rung"] == "restart_services"
    wait(lambda: not severities(product), what="the alarm clears", seconds=120)
    host = product.api("GET", f"/v1/ihosts/{HOST}")
    assert (host["operational"], host["availability"]) == ("enabled", "available")

    act(product, HOST, "lock")
    succeed(product, HOST, "lock")
    before = boot_id(lab)
    act(product, HOST, "reboot")
    succeed(product, HOST, "reboot")
    again = boot_id(lab)
    assert again != before
    act(product, HOST, "reset")
    succeed(product, HOST, "reset")
    assert boot_id(lab) not in (before, again)

    product.api("POST", f"/v1/labels/{HOST}", {"line": "3"})
    wait(lambda: node_label(lab, "line") == "3", what="the label comes", seconds=120)
    label = product.api("GET", f"/v1/ihosts/{HOST}/labels")["labels"][0]
    product.api("DELETE", f"/v1/labels/{label['uuid']}")
    wait(lambda: not node_label(lab, "line"), what="the label goes", seconds=120)

    act(product, HOST, "power-off")
    succeed(product, HOST, "power-off")
    assert availability(product) == "power-off"
    lab.fault.power_on(HOST)
    wait(
        lambda: availability(product) == "online", what="it is heard again", seconds=180
    )
    assert severities(product) == {"200.001": "warning"}

    product.api("DELETE", f"/v1/ihosts/{HOST}")
    wait(
        lambda: product.request("GET", f"/v1/ihosts/{HOST}")["status"] == 404,
        what="the host is retired",
        seconds=RUN_SECONDS,
    )
