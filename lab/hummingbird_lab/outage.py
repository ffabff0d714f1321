# SPDX-License-Identifier: Apache-2.0
"""What happens to a host behind NAT in the field, each until its cause is gone.

From then on the host has to be heard again by itself, within one period and five seconds
(`back`): the agent repeats its beat each second, and WireGuard shakes hands each five.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from hummingbird_lab.errors import LabError
from hummingbird_lab.hearing import Hearing
from hummingbird_lab.inventory import CONTROLLER
from hummingbird_lab.product import Product

HOST, OTHER_ADDRESS = "edge-2", "10.30.0.77"
"""The host that stands behind NAT, and an address that its site could give it."""
CUT_SECONDS = 60.0
AWAY_SECONDS = 5.0
LOOKS_WITHIN_S = 1.0
"""A look at the API takes tenths of a second; what it takes beyond this is the machine's."""

_MOVED_WITHIN_S = 30.0
_BOOTED_WITHIN_S = 180.0

# The session that it comes by has a second to end.
_MOVE = (
    "sleep 1; ip address flush dev eth0 scope global; ip address add {}/24 dev eth0;"
    " ip route replace default via {}"
)


@dataclass(frozen=True)
class End:
    """The end of a cause, in monotonic seconds."""

    gone: float
    """A beat that is seen from here on came after it."""
    counts: float
    """From here on the product is to blame."""


@dataclass(frozen=True)
class Back:
    """When a host was heard again."""

    seconds: float
    """From the end of the cause."""
    counted: float
    """The same, without the time in which this machine did not get round to a look."""


def cut_link(product: Product) -> End:
    """The controller's uplink has no carrier for a minute."""
    product.lab.fault.cut("uplink")
    time.sleep(CUT_SECONDS)
    product.lab.fault.restore("uplink")
    return _now()


def change_address(product: Product) -> End:
    """The host gets another address from its site."""
    return _move(product, OTHER_ADDRESS)


def change_address_back(product: Product) -> End:
    """The host gets its former address again."""
    return _move(product, product.lab.hosts[HOST].address)


def reboot_nat(product: Product) -> End:
    """The NAT router is away for a while and has forgotten whom it had let out."""
    # A masquerading interface that goes down takes its mappings along.
    product.lab.exec("r2", ["ip", "link", "set", "eth0", "down"])
    time.sleep(AWAY_SECONDS)
    product.lab.exec("r2", ["ip", "link", "set", "eth0", "up"])
    return _now()


def restart_controller(product: Product) -> End:
    """The controller starts anew, without an interface of its hub."""
    product.stop()
    product.lab.exec(CONTROLLER, ["ip", "link", "del", "hummingbird0"])
    time.sleep(AWAY_SECONDS)
    gone = time.monotonic()
    product.start()
    return End(gone, time.monotonic())


def power_cycle(product: Product) -> End:
    """The host loses its power and gets it back.

    The product counts from the moment at which the host's kubelet has told Kubernetes
    that it lives: then it begins to start the agents. Booting is the host's own.
    """
    fault = product.lab.fault
    fault.power_off(HOST)
    before = _lease(product)
    gone = time.monotonic()
    fault.power_on(HOST)
    while _lease(product) == before:
        if time.monotonic() > gone + _BOOTED_WITHIN_S:
            raise LabError(f"the kubelet of {HOST} did not come back")
        time.sleep(0.2)
    return End(gone, time.monotonic())


OUTAGES: dict[str, Callable[[Product], End]] = {
    "link_cut": cut_link,
    "address_changed": change_address,
    "address_changed_back": change_address_back,
    "nat_rebooted": reboot_nat,
    "controller_restarted": restart_controller,
    "power_cycled": power_cycle,
}


def back(
    product: Product, outage: Callable[[Product], End], *, timeout_s: float
) -> Back:
    """Let something happen to the host and return when it was heard again.

    :raises LabError: it was not within `timeout_s` seconds.
    """
    with Hearing(product, HOST) as hearing:
        end = outage(product)
        last, counted = time.monotonic(), 0.0
        while (heard := hearing.first_after(end.gone)) is None:
            if last > end.counts + timeout_s:
                raise LabError(f"{HOST} was not heard again within {timeout_s:g} s")
            product.request("GET", f"/v1/heartbeats/{HOST}")
            time.sleep(0.1)
            now = time.monotonic()
            counted += min(now - last, LOOKS_WITHIN_S)
            last = now
    seconds = max(0.0, heard - end.counts)
    return Back(seconds, min(seconds, counted))


def _now() -> End:
    now = time.monotonic()
    return End(now, now)


def _move(product: Product, address: str) -> End:
    """Give the host another address; return when it is there."""
    lab, plan = product.lab, product.lab.hosts[HOST]
    former = plan.address if address == OTHER_ADDRESS else OTHER_ADDRESS
    script = _MOVE.format(address, plan.gateway)
    # By itself, for the session ends with the address that it came to.
    command = f"sudo systemd-run --quiet --collect sh -c '{script}'"
    *ssh, _, _ = lab.ssh_command(HOST, command)
    lab.exec(plan.reached_from, [*ssh, f"{lab.ssh_user}@{former}", command])
    deadline = time.monotonic() + _MOVED_WITHIN_S
    while lab.exec("r2", ["ping", "-c1", "-W1", address], check=False).returncode:
        if time.monotonic() > deadline:
            raise LabError(f"{HOST} did not take the address {address}")
    return _now()


def _lease(product: Product) -> str:
    """Return when the host's kubelet last renewed its lease."""
    lease = ("get", "lease", "-n", "kube-node-lease", HOST)
    return product.kubectl(*lease, "-o", "jsonpath={.spec.renewTime}").stdout
