# SPDX-License-Identifier: Apache-2.0
"""Hosts of networks that are not simply there: one L2 subnet by VXLAN, with a gateway."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hummingbird_lab.lab import Lab
from hummingbird_lab.product import Product

from tests.lab.conftest import new_folder
from tests.lab.playbook_host import PlaybookHost, difference

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]

RUN_SECONDS = 400.0
GATEWAY, BEHIND, HIDDEN = "edge-3", "edge-4", "edge-2"
ADDRESS = "192.168.204.131"
HIDDEN_ADDRESS = "192.168.204.193"


@pytest.fixture(scope="module")
def network_lab() -> Iterator[Lab]:
    """A lab of the hosts that stand in such networks."""
    hosts = (GATEWAY, BEHIND, HIDDEN)
    with Lab.up(new_folder(), hosts=hosts, images=True) as lab:
        yield lab


@pytest.fixture(scope="module")
def product(network_lab: Lab) -> Iterator[Product]:
    """Everything in one process, heartbeats twice as often as usual."""
    changes = {"gateway": {"period_seconds": 5}, "vxlan": {"period_seconds": 2}}
    folder = network_lab.folder / "product"
    with Product(network_lab, folder, changes=changes) as product:
        product.start()
        product.add_credential()
        yield product


def wait(condition: Callable[[], bool], *, what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.3)


def act(product: Product, host: str, action: str) -> None:
    patch = [{"op": "replace", "path": "/action", "value": action}]
    product.api("PATCH", f"/v1/ihosts/{host}", patch)


def succeed(product: Product, host: str, kind: str) -> None:
    """Wait until the last run of the host, of `kind`, ends well."""

    def is_over() -> bool:
        run: dict[str, Any] = product.api("GET", f"/v1/runs/{host}")
        if run["state"] in ("failed", "cancelled"):
            events = product.api("GET", f"/v1/runs/{host}/events")["events"]
            raise AssertionError(f"{run}\n{json.dumps(events[-6:], indent=1)}")
        return bool(run["kind"] == kind and run["state"] == "succeeded")

    wait(is_over, what=f"{kind} of {host} succeeds", seconds=RUN_SECONDS)


def beats(product: Product, host: str) -> int:
    found: dict[str, Any] = product.api("GET", f"/v1/heartbeats/{host}")
    return int(found["beats"])


def is_heard(product: Product, host: str) -> None:
    before = beats(product, host)
    wait(
        lambda: beats(product, host) > before,
        what=f"a heartbeat of {host}",
        seconds=30,
    )


def is_in_service(product: Product, host: str) -> bool:
    found = product.api("GET", f"/v1/ihosts/{host}")
    return bool(found["availability"] == "available")


def test_a_site_is_in_the_management_network_through_its_gateway(
    network_lab: Lab, product: Product, tmp_path: Path
) -> None:
    lab = network_lab
    before = PlaybookHost(lab, GATEWAY).snapshot()
    cli = product.cli
    cli("emn-add", "depot", "--cidr", "192.168.204.128/26", "--attachment", "vxlan")
    cli("host-add", "-n", GATEWAY, "-i", ADDRESS, "--underlay", "10.40.0.11")
    cli("emn-update", "depot", "--gateway", GATEWAY, "--lan-interface", "eth1")
    product.add_host(BEHIND)
    act(product, GATEWAY, "unlock")
    succeed(product, GATEWAY, "unlock")
    act(product, BEHIND, "unlock")
    succeed(product, BEHIND, "unlock")
    for host in (GATEWAY, BEHIND):
        is_heard(product, host)

    # The controller loses its end; within one period it is back.
    lab.exec("controller", ["ip", "link", "del", "hbvx1000"])
    is_heard(product, BEHIND)
    # Both ends of the way are switched off and on.
    lab.fault.power_off(GATEWAY)
    lab.fault.power_on(GATEWAY)
    product.kill()
    product.start()
    for host in (GATEWAY, BEHIND):
        is_heard(product, host)
        wait(
            lambda host=host: is_in_service(product, host),
            what=f"{host} is in service again",
            seconds=60,
        )

    for host in (BEHIND, GATEWAY):
        act(product, host, "lock")
        succeed(product, host, "lock")
        product.api("DELETE", f"/v1/ihosts/{host}")
        wait(
            lambda host=host: (
                product.request("GET", f"/v1/ihosts/{host}")["status"] == 404
            ),
            what=f"{host} is retired",
            seconds=RUN_SECONDS,
        )
    # The VXLAN goes last of all, when the run has left it.
    left = ["?"]
    deadline = time.monotonic() + 30
    while left and time.monotonic() < deadline:
        left = difference(before, PlaybookHost(lab, GATEWAY).snapshot(), tmp_path)
    assert left == []
    links = lab.exec("controller", ["ip", "-br", "link"]).stdout
    assert "hbvx" not in links


def test_a_host_behind_nat_is_in_the_management_network_inside_its_tunnel(
    network_lab: Lab, product: Product
) -> None:
    kiosks = ("--cidr", "192.168.204.192/26", "--attachment", "wireguard+vxlan")
    product.cli("emn-add", "kiosks", *kiosks)
    product.cli("host-add", "-n", HIDDEN, "-i", HIDDEN_ADDRESS)
    product.bootstrap(HIDDEN)
    act(product, HIDDEN, "unlock")
    succeed(product, HIDDEN, "unlock")
    is_heard(product, HIDDEN)
    link = network_lab.ssh(HIDDEN, "ip -j address show hb-vxlan").stdout
    (shown,) = json.loads(link)
    assert shown["mtu"] == 1370
    assert HIDDEN_ADDRESS in [info["local"] for info in shown["addr_info"]]
    network_lab.fault.reboot(HIDDEN)
    is_heard(product, HIDDEN)
    wait(
        lambda: is_in_service(product, HIDDEN),
        what="it is in service again",
        seconds=60,
    )
