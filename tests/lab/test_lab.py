# SPDX-License-Identifier: Apache-2.0
"""The hosts and networks of a lab are real, and break on demand."""

import json
import re
import subprocess
import time
from collections.abc import Callable

import pytest
from hummingbird_lab.errors import CommandFailed, LabError
from hummingbird_lab.lab import Lab

pytestmark = pytest.mark.lab

BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
# capability(7): CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_TIME
DANGEROUS = (1 << 16) | (1 << 17) | (1 << 25)


def wait_until(what: str, is_so: Callable[[], bool], *, within_s: float) -> float:
    """Return how many seconds it took until `is_so()`; fail after `within_s`."""
    began = time.monotonic()
    while time.monotonic() - began < within_s:
        if is_so():
            return time.monotonic() - began
        time.sleep(0.1)
    pytest.fail(f"not so within {within_s} s: {what}")


def answers_ping(lab: Lab, host: str) -> bool:
    """Whether the host answers one ping from the controller within two seconds."""
    ping = ["ping", "-c1", "-W2", lab.hosts[host].address]
    return lab.exec("controller", ping, check=False).returncode == 0


def answers_ssh(lab: Lab, host: str) -> bool:
    """Whether the host carries out a command within two seconds."""
    try:
        return lab.ssh(host, "true", timeout_s=2.0, check=False).returncode == 0
    except CommandFailed:
        return False


def round_trips_ms(lab: Lab, host: str, *, count: int) -> list[float]:
    """Ping the host from the controller; return the times of the answers."""
    ping = ["ping", f"-c{count}", "-i0.01", "-W2", lab.hosts[host].address]
    said = lab.exec("controller", ping, check=False).stdout
    return [float(found) for found in re.findall(r"time=([\d.]+) ms", said)]


@pytest.mark.parametrize("host", ["edge-0", "edge-1", "edge-2"])
def test_a_host_is_a_running_systemd_machine_with_a_sudo_user(
    hosts_lab: Lab, host: str
) -> None:
    script = (
        "hostname; systemctl is-system-running --wait; sudo id -un; cat /proc/1/comm"
    )
    said = hosts_lab.ssh(host, script).stdout.split()
    assert said == [host, "running", "root", "systemd"]


def test_hosts_have_the_addresses_that_the_inventory_says(hosts_lab: Lab) -> None:
    for host in hosts_lab.hosts.values():
        (link,) = json.loads(hosts_lab.ssh(host.name, "ip -j a show eth0").stdout)
        assert link["address"] == host.mac
        assert [info["local"] for info in link["addr_info"]] == [host.address]


def test_the_gateway_lets_wireguards_udp_out_and_nothing_else(hosts_lab: Lab) -> None:
    listener = (
        "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(90)\n"
        "s.bind(('198.51.100.2', 51820)); print('listening', flush=True)\n"
        "data, sender = s.recvfrom(99); print(data.decode(), sender[0])"
    )
    with hosts_lab.popen(
        "controller", ["python3", "-c", listener], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        send = (
            "import socket; socket.socket(type=socket.SOCK_DGRAM)"
            ".sendto(b'hello', ('198.51.100.2', 51820))"
        )
        hosts_lab.ssh("edge-2", f'python3 -c "{send}"')
        assert process.stdout.readline() == "hello 198.51.100.20\n"

    with hosts_lab.popen(
        "controller",
        ["python3", "-m", "http.server", "7002", "--bind", "198.51.100.2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        fetch = "import urllib.request as u; u.urlopen('http://198.51.100.2:7002')"
        argv = ["python3", "-c", fetch]
        wait_until(
            "the server answers on the WAN",
            lambda: not hosts_lab.exec("r2", argv, check=False).returncode,
            within_s=60,
        )
        connect = (
            "import socket; s = socket.socket(); s.settimeout(2);"
            " s.connect(('198.51.100.2', 7002))"
        )
        refused = hosts_lab.ssh("edge-2", f'python3 -c "{connect}"', check=False)
        assert "TimeoutError" in refused.stderr
        server.terminate()
    assert not answers_ping(hosts_lab, "edge-2")


@pytest.mark.parametrize("place", ["controller", "r1", "r2", "mn", "edge-0"])
def test_no_place_has_a_way_out(hosts_lab: Lab, place: str) -> None:
    out = hosts_lab.exec(place, ["ip", "route", "get", "203.0.113.1"], check=False)
    assert out.returncode == 2
    assert "unreachable" in out.stderr


def test_nothing_inside_may_set_the_clock_or_load_a_module(hosts_lab: Lab) -> None:
    show = "grep -E '^Cap(Bnd|Eff)' /proc/self/status"
    seen = [
        hosts_lab.exec("controller", ["sh", "-c", show]).stdout,
        hosts_lab.exec("edge-0", ["sh", "-c", show]).stdout,
        *(hosts_lab.ssh(host, f"sudo {show}").stdout for host in hosts_lab.hosts),
    ]
    for text in seen:
        masks = [int(found, 16) for found in re.findall(r":\s+([0-9a-f]+)", text)]
        assert len(masks) == 2
        assert not any(mask & DANGEROUS for mask in masks)


def test_signals_of_popen_reach_the_program_inside(hosts_lab: Lab) -> None:
    script = "trap 'echo told; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    with hosts_lab.popen(
        "controller", ["sh", "-c", script], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait(timeout=60) == 7
        assert process.stdout.readline() == "told\n"
        assert process.inner_pid is None


def test_a_cut_cable_takes_the_carrier_and_is_restored(hosts_lab: Lab) -> None:
    hosts_lab.fault.cut("edge-0")
    try:
        assert not answers_ping(hosts_lab, "edge-0")
        link = hosts_lab.exec("edge-0", ["ip", "-br", "link", "show", "eth0"]).stdout
        assert "NO-CARRIER" in link
        assert answers_ping(hosts_lab, "edge-1")
    finally:
        hosts_lab.fault.restore("edge-0")
    wait_until("ping", lambda: answers_ping(hosts_lab, "edge-0"), within_s=60)


def test_the_controllers_own_cable_can_be_cut(hosts_lab: Lab) -> None:
    hosts_lab.fault.cut("controller")
    try:
        assert not answers_ping(hosts_lab, "edge-0")
        assert not answers_ping(hosts_lab, "edge-1")
    finally:
        hosts_lab.fault.restore("controller")
    wait_until("ping", lambda: answers_ping(hosts_lab, "edge-1"), within_s=60)


def test_a_delay_acts_each_way_and_large_transfers_survive_it(hosts_lab: Lab) -> None:
    hosts_lab.fault.delay("edge-1", 0.05)
    try:
        times = round_trips_ms(hosts_lab, "edge-1", count=5)
        assert len(times) == 5
        # one way alone would be 50, each way twice 200
        assert 100 <= min(times) < 190
        sent = hosts_lab.ssh("edge-1", "head -c 3000000 /dev/zero | tr '\\0' x").stdout
        assert len(sent) == 3000000
        # A bad cable stays bad when the machine is switched off and on.
        hosts_lab.fault.power_off("edge-1")
        hosts_lab.fault.power_on("edge-1")
        hosts_lab.wait_for_ssh("edge-1", timeout_s=90)
        assert min(round_trips_ms(hosts_lab, "edge-1", count=3)) >= 100
    finally:
        hosts_lab.fault.clear("edge-1")
    wait_until(
        "the delay is gone",
        lambda: min(round_trips_ms(hosts_lab, "edge-1", count=3), default=99) < 50,
        within_s=60,
    )


def test_a_loss_loses_about_its_share_each_way(hosts_lab: Lab) -> None:
    assert len(round_trips_ms(hosts_lab, "edge-0", count=50)) == 50
    hosts_lab.fault.loss("edge-0", 30)
    try:
        # Two ways at 30 %: 196 of 400 answers; 60 more or less is six standard deviations.
        assert 136 <= len(round_trips_ms(hosts_lab, "edge-0", count=400)) <= 256
    finally:
        hosts_lab.fault.clear("edge-0")
    assert len(round_trips_ms(hosts_lab, "edge-0", count=50)) == 50


def test_a_frozen_host_answers_a_ping_but_carries_out_nothing(hosts_lab: Lab) -> None:
    hosts_lab.fault.freeze("edge-0")
    try:
        assert answers_ping(hosts_lab, "edge-0")
        assert not answers_ssh(hosts_lab, "edge-0")
    finally:
        hosts_lab.fault.thaw("edge-0")
    hosts_lab.wait_for_ssh("edge-0", timeout_s=90)


def test_a_power_cut_ends_a_host_at_once_and_keeps_its_disk(hosts_lab: Lab) -> None:
    before = hosts_lab.ssh("edge-0", f"echo kept >keepsake; {BOOT_ID}").stdout
    hosts_lab.fault.freeze("edge-0")  # a hung machine can be switched off as well
    hosts_lab.fault.power_off("edge-0")
    assert not answers_ping(hosts_lab, "edge-0")
    assert {host["name"]: host["on"] for host in hosts_lab.status()["hosts"]} == {
        "edge-0": False,
        "edge-1": True,
        "edge-2": True,
    }
    with pytest.raises(LabError, match="edge-0 is off"):
        hosts_lab.fault.reboot("edge-0")
    hosts_lab.fault.power_on("edge-0")
    hosts_lab.wait_for_ssh("edge-0", timeout_s=90)
    kept, after = hosts_lab.ssh("edge-0", f"cat keepsake; {BOOT_ID}").stdout.split()
    assert kept == "kept"
    assert after != before.strip()


@pytest.mark.parametrize("asked_by", ["the lab", "the host"])
def test_a_reboot_comes_back_by_itself(hosts_lab: Lab, asked_by: str) -> None:
    before = hosts_lab.ssh("edge-1", BOOT_ID).stdout
    if asked_by == "the lab":
        hosts_lab.fault.reboot("edge-1")
    else:
        hosts_lab.ssh("edge-1", "sudo systemctl reboot", check=False)

    def has_rebooted() -> bool:
        try:
            return hosts_lab.ssh("edge-1", BOOT_ID, timeout_s=10).stdout != before
        except CommandFailed:
            return False

    wait_until("a new boot", has_rebooted, within_s=120)


def test_a_host_that_powers_itself_off_stays_off(hosts_lab: Lab) -> None:
    hosts_lab.ssh("edge-1", "sudo systemctl poweroff", check=False)

    def is_off() -> bool:
        return not hosts_lab.status()["hosts"][1]["on"]

    wait_until("edge-1 is off", is_off, within_s=120)
    hosts_lab.fault.power_on("edge-1")
    hosts_lab.wait_for_ssh("edge-1", timeout_s=90)


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda lab: lab.fault.cut("edge-9"), "no cable edge-9"),
        (lambda lab: lab.fault.power_off("r1"), "no host r1"),
        (lambda lab: lab.fault.delay("edge-0", 31), "a delay is 0 to 30 seconds"),
        (lambda lab: lab.fault.loss("edge-0", 101), "a loss is 0 to 100 percent"),
        (lambda lab: lab.ssh("edge-9", "true"), "no host edge-9"),
        (lambda lab: lab.exec("moon", ["true"]), "no place moon"),
        (lambda lab: lab.exec("r1", ["false"]), "exited 1"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    hosts_lab: Lab, act: Callable[[Lab], object], sentence: str
) -> None:
    with pytest.raises(LabError, match=sentence):
        act(hosts_lab)
