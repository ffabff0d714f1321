# SPDX-License-Identifier: Apache-2.0
"""What breaks the way to a host of the lab, each for as long as its context lasts.

Of a host that is reached by SSH from the controller. Nothing is mocked: daemons are
stopped, cables pulled, and routers drop what a firewall of somebody else would.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from hummingbird_lab.inventory import CONTROLLER
from hummingbird_lab.lab import Lab

Break = Callable[[Lab, str], AbstractContextManager[None]]
"""Lab and host -> for how long it is broken."""

ROUTER, UPLINK, SITE = "r1", "eth0", "eth2"
"""The router of the IPv6 network, its port to the controller and the one to the hosts."""

_FORGET_KEYS = (
    "mkdir /run/kept && cp -a /etc/ssh/ssh_host_* /run/kept &&"
    " rm /etc/ssh/ssh_host_* && ssh-keygen -q -A && systemctl restart ssh"
)
_RECALL_KEYS = (
    "rm /etc/ssh/ssh_host_* && cp -a /run/kept/* /etc/ssh && rm -r /run/kept &&"
    " systemctl restart ssh"
)


@contextmanager
def _changed(lab: Lab, host: str, *, do: str, undo: str) -> Iterator[None]:
    """Run one script on the host, and another one at the end, in one SSH session: it
    outlives its server."""
    plan = lab.hosts[host]
    with lab.popen(
        plan.reached_from,
        lab.ssh_command(host, "sudo sh -e"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as shell:
        assert shell.stdin is not None and shell.stdout is not None
        shell.stdin.write(f"({do}) >&2\necho done\n")
        shell.stdin.flush()
        assert shell.stdout.readline() == "done\n", do
        try:
            yield
        finally:
            shell.stdin.write(f"({undo}) >&2\necho undone\n")
            shell.stdin.flush()
            assert shell.stdout.readline() == "undone\n", undo
            shell.stdin.close()


@contextmanager
def dropped(lab: Lab, router: str, *, hook: str, rule: str) -> Iterator[None]:
    """Have a router drop what `rule` (nft) matches at `hook`."""
    chain = f"type filter hook {hook} priority -10; {rule} drop;"
    table = f"table inet fault {{\n chain transit {{ {chain} }}\n}}\n"
    lab.exec(router, ["nft", "-f", "-"], input_text=table)
    try:
        yield
    finally:
        lab.exec(router, ["nft", "delete", "table", "inet", "fault"])


def ssh_stopped(lab: Lab, host: str) -> AbstractContextManager[None]:
    """The SSH server is not there."""
    return _changed(lab, host, do="systemctl stop ssh", undo="systemctl start ssh")


def other_host_key(lab: Lab, host: str) -> AbstractContextManager[None]:
    """The SSH server has keys that it made just now."""
    return _changed(lab, host, do=_FORGET_KEYS, undo=_RECALL_KEYS)


def port_dropped(port: int) -> Break:
    """The router lets nothing through to this port, TCP and UDP."""

    def fault(lab: Lab, host: str) -> AbstractContextManager[None]:
        rule = f"meta l4proto {{ tcp, udp }} th dport {port}"
        return dropped(lab, ROUTER, hook="forward", rule=rule)

    return fault


@contextmanager
def narrow_way(lab: Lab, host: str) -> Iterator[None]:
    """The router's port to the host carries 1400 bytes, and the router says so."""
    link = ["ip", "link", "set", SITE, "mtu"]
    lab.exec(ROUTER, [*link, "1400"])
    try:
        yield
    finally:
        lab.exec(ROUTER, [*link, "1500"])
        # The kernel remembers for ten minutes what it was told.
        lab.exec(CONTROLLER, ["ip", "-6", "route", "flush", "cache"])


@contextmanager
def black_hole(lab: Lab, host: str) -> Iterator[None]:
    """As `narrow_way`, and nobody hears what the router says."""
    rule = "icmpv6 type packet-too-big"
    with narrow_way(lab, host), dropped(lab, ROUTER, hook="output", rule=rule):
        yield


@contextmanager
def frozen(lab: Lab, host: str) -> Iterator[None]:
    """Nothing on the host runs but its kernel."""
    lab.fault.freeze(host)
    try:
        yield
    finally:
        lab.fault.thaw(host)


@contextmanager
def unplugged(lab: Lab, name: str) -> Iterator[None]:
    """The cable of this name is pulled."""
    lab.fault.cut(name)
    try:
        yield
    finally:
        lab.fault.restore(name)


def controller_unplugged(lab: Lab, host: str) -> AbstractContextManager[None]:
    """The controller's own cable to the management network is pulled."""
    return unplugged(lab, CONTROLLER)
