# SPDX-License-Identifier: Apache-2.0
"""The lab's networks: switches, routers and the controller's ports.

A switch is a network namespace with one bridge.  The lab's own namespace has nothing
but its loopback, and none of these has a way out of it: no packet can leave.  Runs
once, in the lab's first process, before any host is started.
"""

import ctypes
import os
import socket
from pathlib import Path

from hummingbird_lab import inventory
from hummingbird_lab.cable import Cable
from hummingbird_lab.command import run
from hummingbird_lab.sandbox import within

NAMESPACES = Path("/run/netns")
_CLONE_NEWNET = 0x40000000


def add_namespace(name: str) -> None:
    """Make a network namespace with its loopback up."""
    run(["ip", "netns", "add", name])
    run(["ip", "-n", name, "link", "set", "lo", "up"])


def renew_namespace(name: str) -> None:
    """Make a namespace, after taking the one of the same name away."""
    run(["ip", "netns", "del", name], check=False)
    add_namespace(name)


def build() -> dict[str, Cable]:
    """Make all that is not an edge host; return the cables by name."""
    run(["ip", "link", "set", "lo", "up"])
    for switch in inventory.SWITCHES:
        add_namespace(switch)
        run(["ip", "-n", switch, "link", "add", "br0", "type", "bridge"])
        run(["ip", "-n", switch, "link", "set", "br0", "up"])
    cables = {}
    for port in inventory.PORTS:
        if not (NAMESPACES / port.owner).exists():
            add_namespace(port.owner)
        cable = Cable(
            port.name, owner=port.owner, device=port.device, switch=port.switch
        )
        cable.plug(addresses=[a for a in (port.address, port.address_6) if a])
        cables[port.name] = cable
    for owner, destination, hop in inventory.ROUTES:
        run(["ip", "-n", owner, "route", "add", destination, "via", hop])
    for router in inventory.ROUTERS:
        forward = ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        run(within(router, ["sysctl", "-qw", *forward]))
    run(within("r2", ["nft", "-f", "-"]), input_text=inventory.UDP_ONLY_RULES)
    return cables


def connect(place: str, address: str, port: int, *, timeout_s: float) -> socket.socket:
    """Open a TCP connection that starts in the network of `place`.

    A socket belongs to the namespace of the thread that makes it, for good, so the
    thread goes there and comes back (setns(2)).  :raises OSError: nobody answers.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        there = os.open(NAMESPACES / place, os.O_RDONLY)
        try:
            if libc.setns(there, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"cannot enter {place}")
            try:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                plug = socket.socket(family, socket.SOCK_STREAM)
            finally:
                libc.setns(here, _CLONE_NEWNET)
        finally:
            os.close(there)
    finally:
        os.close(here)
    plug.settimeout(timeout_s)
    try:
        plug.connect((address, port))
    except OSError:
        plug.close()
        raise
    return plug
