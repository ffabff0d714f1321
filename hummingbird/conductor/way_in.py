# SPDX-License-Identifier: Apache-2.0
"""The way into a host: a credential, an address, and an SSH server that answers.

A host with a tunnel is reached inside it, and where the tunnel is down by its own
address, if that leads anywhere. One in a VXLAN has two addresses, in the management
network and below; the way goes in by the one that answers.
"""

from dataclasses import replace
from typing import Final

from hummingbird.adapters.ansible.playbook import HostAccess
from hummingbird.conductor import tunnel as tunnels
from hummingbird.conductor import vxlan
from hummingbird.conductor.task import HostTask
from hummingbird.db.repository import credential as credential_repository
from hummingbird.domain.credential import Credential
from hummingbird.domain.tunnel import Tunnel
from hummingbird.errors import AddressMissing, HostKeyNotPinned, HostUnreachable

PROBE_SECONDS: Final = 5.0
"""One try; a busy small box may take a second to say its banner."""
BETWEEN_PROBES_SECONDS: Final = 1.0
NO_WAY: Final = (
    "no SSH server on port {port}. If only the host itself can open the way, run on it "
    "what this prints: hummingbird host-bootstrap {hostname}"
)


def open_way(task: HostTask, *, seconds: float | None = None) -> HostAccess:
    """Return how to get in, once the host answers.

    :param seconds: how long it may take to answer; default: what a connection may.

    :raises AddressMissing, CredentialMissing: nobody said how.
    :raises HostKeyNotPinned: a password would go to whatever answers.
    :raises HostUnreachable: no SSH server answered in time.
    """
    seconds = task.patience.connect if seconds is None else seconds
    tunnel = tunnels.of_host(task)
    if tunnel is not None:
        return _through(task, tunnel, seconds=seconds)
    way = find_way(task)
    addresses: tuple[str, ...] = (way.address,)
    end = vxlan.of_host(task)
    if end is not None:
        task.neighbours.nudge("vxlan")
        # Before the first run there is nothing but the address below.
        inside_first = task.host.touched
        addresses = (
            (way.address, end.local) if inside_first else (end.local, way.address)
        )
    answering = await_answer(task, *addresses, port=way.port, seconds=seconds)
    return _checked(task, replace(way, address=answering))


def find_way(task: HostTask) -> HostAccess:
    """Return how to get in, whether or not the host answers, or may be told a password.

    :raises AddressMissing, CredentialMissing: nobody said how.
    """
    tunnel = tunnels.of_host(task)
    address = task.host.mgmt_ip if tunnel is None else tunnel.address
    if address is None:
        raise AddressMissing(hostname=task.host.hostname)
    return _access(task, _credential(task), address=address)


def _through(task: HostTask, tunnel: Tunnel, *, seconds: float) -> HostAccess:
    """Return the way in of a host that has a tunnel."""
    credential = _credential(task)
    addresses = [tunnel.address] if tunnel.public_key or tunnel.claim_key else []
    emn = tunnels.network(task)
    # In a VXLAN the other address is inside the tunnel as well.
    own = task.host.underlay if emn and emn.has_vxlan else task.host.mgmt_ip
    if own is not None:
        addresses.append(own)
    task.neighbours.look("tunnel")
    deadline = task.clock.monotonic() + seconds
    while True:
        for address in addresses:
            task.check()
            if task.neighbours.probe(
                address, port=credential.port, timeout_seconds=PROBE_SECONDS
            ):
                return _checked(task, _access(task, credential, address=address))
        if task.clock.monotonic() >= deadline:
            raise HostUnreachable(
                hostname=task.host.hostname,
                address=" or ".join(addresses) or "no address",
                message=NO_WAY.format(
                    port=credential.port, hostname=task.host.hostname
                ),
            )
        task.pause(BETWEEN_PROBES_SECONDS)


def await_answer(
    task: HostTask, *addresses: str, port: int, seconds: float | None = None
) -> str:
    """Return the first of `addresses` at which an SSH server answers, when one does.

    :raises HostUnreachable: none did in time.
    """
    clock = task.clock
    seconds = task.patience.connect if seconds is None else seconds
    deadline = clock.monotonic() + seconds
    while True:
        task.check()
        for address in addresses:
            left = max(1.0, deadline - clock.monotonic())
            timeout = min(PROBE_SECONDS, left)
            if task.neighbours.probe(address, port=port, timeout_seconds=timeout):
                return address
        if clock.monotonic() >= deadline:
            raise HostUnreachable(
                hostname=task.host.hostname,
                address=" or ".join(addresses),
                message=f"no SSH server on port {port} within {seconds:.0f} s",
            )
        task.pause(BETWEEN_PROBES_SECONDS)


def answers(task: HostTask, way: HostAccess) -> bool:
    """Return whether the host's SSH server answers now."""
    return task.neighbours.probe(
        way.address, port=way.port, timeout_seconds=PROBE_SECONDS
    )


def _credential(task: HostTask) -> Credential:
    with task.neighbours.database.reader() as connection:
        return credential_repository.of_host(
            connection, task.host, box=task.neighbours.box
        )


def _access(task: HostTask, credential: Credential, *, address: str) -> HostAccess:
    """Return the way to `address` with `credential`."""
    return HostAccess(
        address=address,
        port=credential.port,
        user=credential.user,
        private_key=credential.private_key,
        password=credential.password,
        become=credential.become,
        become_password=credential.become_password,
        known_hosts=task.host.known_hosts,
        password_on_first_contact=credential.password_on_first_contact,
    )


def _checked(task: HostTask, access: HostAccess) -> HostAccess:
    """Return `access`, once a host answered there: one that is away needs no key.

    :raises HostKeyNotPinned: a password would go to whatever answers.
    """
    if access.is_refused:
        raise HostKeyNotPinned(hostname=task.host.hostname)
    return access
