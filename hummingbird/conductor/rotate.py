# SPDX-License-Identifier: Apache-2.0
"""Rotate: the key of a host's tunnel is changed, without a cut."""

from hummingbird.conductor import tunnel as tunnels
from hummingbird.conductor.task import HostTask
from hummingbird.conductor.way_in import open_way
from hummingbird.errors import TunnelMissing


def rotate(task: HostTask) -> None:
    """Have the host make a key, the hub learn it, and the host go over to it."""
    tunnel = tunnels.of_host(task)
    if tunnel is None or not (tunnel.public_key or tunnel.claim_key):
        raise TunnelMissing(hostname=task.host.hostname)
    with task.step("connect"):
        access = open_way(task)
    if not task.host.touched:
        # From here on something of ours is on it, and known to be.
        task.change(touched=True)
    with task.step("offer"):
        offered = tunnels.offer(task, tunnel, access)
    with task.step("switch"):
        tunnels.switch(task, tunnel, access, to=offered)
    task.conclude()
