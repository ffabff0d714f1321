# SPDX-License-Identifier: Apache-2.0
"""The agents on a real host: heard, small, honest, and hard to silence.

A host is provisioned and unlocked by the product itself; the agents run as its chart
has them, from its images, with tokens that a real Kubernetes issued.
"""

import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hummingbird_lab.inventory import CONTROLLER
from hummingbird_lab.lab import Lab
from hummingbird_lab.product import Product

TOP = Path(__file__).resolve().parents[2]
HOST = "edge-0"
MOST_KIB = 25_000_000 // 1024
PERIOD_SECONDS = 10.0

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

_RESIDENT = r"""
for process in $(pgrep -f '^python3 -S -m agents[.]'); do
    tr '\0' ' ' <"/proc/$process/cmdline"
    grep -E '^VmRSS|^VmHWM' "/proc/$process/status" | tr -s '\n\t ' ' '
    echo
done
"""

_OPEN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from agents.link.exchange import Gateway
from agents.link.session import SessionRefused, TokenOpener
folder, agent = Path(sys.argv[1]), sys.argv[2]
token = folder / "token-of-a-test"
token.touch(mode=0o600)
token.write_text(sys.stdin.read())
gateway = Gateway(places=(("127.0.0.1", 2131),), ca_file=folder / "pki/ca.crt")
try:
    TokenOpener(gateway=gateway, agent=agent, token_file=token).open(boot_id="test")
    print("opened")
except SessionRefused as error:
    print(error)
finally:
    token.unlink()
"""


@pytest.fixture(scope="module")
def product(lab: Lab) -> Iterator[Product]:
    """The product with one host in service; the host is given back at the end."""
    with Product(lab, lab.folder / "product-agents") as product:
        product.start()
        product.add_credential()
        product.add_host(HOST)
        product.cli("host-unlock", HOST, "--wait")
        yield product
        product.cli("host-lock", HOST, "--wait")
        product.cli("host-delete", HOST, "--wait")


def beat(product: Product) -> dict[str, Any]:
    """Return what was last heard of the host."""
    beats = product.api("GET", "/v1/heartbeats")["heartbeats"]
    (found,) = (one for one in beats if one["hostname"] == HOST)
    return dict(found)


def eventually(true: Callable[[], object], *, seconds: float) -> float:
    """Return how long it took to come true."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < seconds, "it did not come true"
        time.sleep(0.3)
    return time.monotonic() - begun


def say_token(product: Product, token: str, *, agent: str) -> str:
    """Return what the gateway says to this token."""
    done = product.lab.exec(
        CONTROLLER,
        [sys.executable, "-c", _OPEN, str(product.state), agent, str(TOP)],
        input_text=token,
        timeout_s=60,
    )
    return done.stdout.strip()


def test_a_host_is_heard_each_period(product: Product) -> None:
    first = beat(product)
    assert first["period_seconds"] == PERIOD_SECONDS
    boot = product.lab.ssh(HOST, "cat /proc/sys/kernel/random/boot_id").stdout.strip()
    assert first["boot_id"] == boot
    eventually(lambda: beat(product)["beats"] >= first["beats"] + 2, seconds=90)


def test_its_inventory_is_what_the_host_itself_says(product: Product) -> None:
    eventually(
        lambda: product.request("GET", f"/v1/ihosts/{HOST}/facts")["status"] == 200,
        seconds=120,
    )
    facts = product.api("GET", f"/v1/ihosts/{HOST}/facts")["facts"]
    ssh = product.lab.ssh
    assert facts["system"]["hostname"] == HOST
    assert facts["system"]["kernel_running"] == ssh(HOST, "uname -r").stdout.strip()
    assert facts["system"]["os_id"] == "debian"
    assert len(facts["icpus"]) == int(ssh(HOST, "nproc --all").stdout)
    macs = {port["mac"] for port in facts["ports"]}
    assert product.lab.hosts[HOST].mac in macs


def history(product: Product) -> list[dict[str, Any]]:
    """Return what changed of the host, the latest first."""
    found: list[dict[str, Any]] = product.api("GET", f"/v1/ihosts/{HOST}/history")[
        "history"
    ]
    return found


def ports(product: Product) -> list[str]:
    """Return the names of the host's ports, as its agent told them last."""
    found = product.api("GET", f"/v1/ihosts/{HOST}/ports")["ports"]
    return [port["name"] for port in found]


def test_sysinvs_collections_show_the_host(product: Product) -> None:
    shown = product.api("GET", f"/v1/ihosts/{HOST}")
    assert shown["inv_state"] == "inventoried"
    (platform,) = (
        one
        for one in product.api("GET", f"/v1/ihosts/{HOST}/iinterfaces")["iinterfaces"]
        if one["ifclass"] == "platform"
    )
    assert platform["imac"] == product.lab.hosts[HOST].mac
    one = product.api("GET", f"/v1/iinterfaces/{platform['uuid']}/ports")["ports"]
    assert [port["name"] for port in one] == [platform["ifname"]]
    mounts = product.api("GET", f"/v1/ihosts/{HOST}/host_fs")["host_fs"]
    assert "/" in [mount["name"] for mount in mounts]
    (kernel,) = (product.api("GET", f"/v1/ihosts/{HOST}/kernel")["kernel_running"],)
    assert kernel == product.lab.ssh(HOST, "uname -r").stdout.strip()


def test_a_port_that_comes_is_told_within_seconds(product: Product) -> None:
    product.lab.ssh(HOST, "sudo ip link add eno7 type veth peer name veth-eno7")
    took = eventually(lambda: "eno7" in ports(product), seconds=120)
    # The kernel says so; without that it would take up to 66 s.
    assert took < 40
    log = product.log().read_text()
    assert re.search(rf"Inventory of {HOST}: \w+, delta change \d+ \(.*ports\)", log)
    (came,) = (
        row
        for row in history(product)
        if row["item"] == "eno7" and row["section"] == "ports"
    )
    assert came["from"] is None
    assert came["to"]["pname"] == "eno7"


def test_changes_of_a_cut_are_told_afterwards_in_order(product: Product) -> None:
    lab = product.lab
    known = history(product)[0]["id"]
    # It goes on by itself: the cut takes our way in, too.
    lab.ssh(
        HOST,
        "nohup sudo sh -c 'sleep 15; ip link set eno7 mtu 1400; sleep 15;"
        " ip link set eno7 mtu 1300' >/dev/null 2>&1 &",
    )
    lab.fault.cut(HOST)
    cut_at = time.time()
    time.sleep(50)
    assert history(product)[0]["id"] == known
    lab.fault.restore(HOST)

    def steps() -> list[dict[str, Any]]:
        return [
            row
            for row in reversed(history(product))
            if row["id"] > known and (row["section"], row["item"]) == ("ports", "eno7")
        ]

    eventually(lambda: len(steps()) >= 2, seconds=180)
    assert [row["to"] for row in steps()] == [{"mtu": 1400}, {"mtu": 1300}]
    first, second = (
        datetime.fromisoformat(row["seen_at"]).timestamp() for row in steps()
    )
    assert cut_at < first < second < cut_at + 50
    for row in steps():
        assert row["received_at"] > row["seen_at"]
    lab.ssh(HOST, "sudo ip link delete eno7")
    eventually(lambda: "eno7" not in ports(product), seconds=180)


def test_each_agent_keeps_below_25_megabytes(product: Product) -> None:
    # The processes of the pods are seen from the host.
    rows = product.lab.ssh(HOST, _RESIDENT).stdout.strip().splitlines()
    found = {}
    for row in rows:
        words = row.split()
        found[words[3]] = max(int(word) for word in words if word.isdecimal())
    assert found.keys() == {"agents.mtc_client", "agents.sysinv_agent"}
    assert max(found.values()) <= MOST_KIB


def test_a_token_speaks_for_its_own_node_and_agent_only(product: Product) -> None:
    def token(account: str, *args: str) -> str:
        return product.kubectl(
            "-n", "hummingbird", "create", "token", account, *args
        ).stdout

    unbound = token("mtc-client", "--audience", "hummingbird")
    assert "401" in say_token(product, unbound, agent="mtc-client")
    other_account = token("default", "--audience", "hummingbird")
    assert "401" in say_token(product, other_account, agent="mtc-client")
    pod = product.kubectl(
        *("-n", "hummingbird", "get", "pods", "-o", "name"),
        *("-l", "app.kubernetes.io/name=mtc-client"),
    ).stdout.strip()
    name = pod.removeprefix("pod/")
    bound = ("--bound-object-kind", "Pod", "--bound-object-name", name)
    for_the_api = token("mtc-client", *bound)
    assert "401" in say_token(product, for_the_api, agent="mtc-client")
    right = token("mtc-client", "--audience", "hummingbird", *bound)
    assert "401" in say_token(product, right, agent="sysinv-agent")
    assert "401" in say_token(product, right[:-10] + "AAAAAAAAA", agent="mtc-client")
    assert say_token(product, right, agent="mtc-client") == "opened"
    log = product.log().read_text()
    assert f"mtc-client on {HOST}" in log
    assert right.strip() not in log
    # The test has taken the host's session away; the agent gets itself another.
    before = beat(product)["beats"]
    eventually(lambda: beat(product)["beats"] > before + 1, seconds=180)


def test_a_cable_that_is_back_is_heard_within_seconds(product: Product) -> None:
    lab = product.lab
    lab.fault.cut(HOST)
    time.sleep(2 * PERIOD_SECONDS)
    before = beat(product)["last_heard_at"]
    lab.fault.restore(HOST)
    restored_at = time.time()
    heard: list[str] = []

    def is_heard() -> bool:
        heard.append(beat(product)["last_heard_at"])
        return heard[-1] > before

    eventually(is_heard, seconds=90)
    heard_at = datetime.fromisoformat(heard[-1]).timestamp()
    # A beat that is not heard is repeated each second; the next one is due in ten.
    assert heard_at - restored_at < 8.0


def test_sessions_survive_a_gateway_that_was_killed(product: Product) -> None:
    product.kill()
    log = product.log()
    length = len(log.read_text())
    product.start()
    before = beat(product)["last_heard_at"]
    eventually(lambda: beat(product)["last_heard_at"] > before, seconds=90)
    assert "mtc-client on" not in log.read_text()[length:]


def test_a_pod_ends_when_it_is_told(product: Product) -> None:
    begun = time.monotonic()
    # Longer than it has by itself: what is told and does not end is killed after that.
    product.kubectl(
        *("-n", "hummingbird", "delete", "pod", "--wait=true", "--grace-period=60"),
        *("-l", "app.kubernetes.io/name=mtc-client"),
        timeout_s=150,
    )
    assert time.monotonic() - begun < 50.0
    before = beat(product)["last_heard_at"]
    eventually(lambda: beat(product)["last_heard_at"] > before, seconds=120)
