# SPDX-License-Identifier: Apache-2.0
"""The way into a host: a credential, an address, and an SSH server that answers."""

from typing import Final

from hummingbird.adapters.ansible.playbook import HostAccess
from hummingbird.conductor.task import HostTask
from hummingbird.db.repository import credential as credential_repository
from hummingbird.domain.credential import Credential
from hummingbird.errors import AddressMissing, HostUnreachable

PROBE_SECONDS: Final = 5.0
"""One try; a busy small box may take a second to say its banner."""
BETWEEN_PROBES_SECONDS: Final = 1.0


def open_way(task: HostTask) -> HostAccess:
    """Return how to get in, once the host answers.

    :raises AddressMissing, CredentialMissing: nobody said how.
    :raises HostUnreachable: no SSH server answered in time.
    """
    way = find_way(task)
    await_answer(task, address=way.address, port=way.port)
    return way


def find_way(task: HostTask) -> HostAccess:
    """Return how to get in, whether or not the host answers.

    :raises AddressMissing, CredentialMissing: nobody said how.
    """
    host = task.host
    if host.mgmt_ip is None:
        raise AddressMissing(hostname=host.hostname)
    with task.neighbours.database.reader() as connection:
        credential = credential_repository.of_host(
            connection, host, box=task.neighbours.box
        )
    return _access(credential, address=host.mgmt_ip, known_hosts=host.known_hosts)


def await_answer(task: HostTask, *, address: str, port: int) -> None:
    """Return when an SSH server answers.

    :raises HostUnreachable: none did in time.
    """
    clock, seconds = task.clock, task.patience.connect
    deadline = clock.monotonic() + seconds
    while True:
        task.check()
        left = max(1.0, deadline - clock.monotonic())
        timeout = min(PROBE_SECONDS, left)
        if task.neighbours.probe(address, port=port, timeout_seconds=timeout):
            return
        if clock.monotonic() >= deadline:
            raise HostUnreachable(
                hostname=task.host.hostname,
                address=address,
                message=f"no SSH server on port {port} within {seconds:.0f} s",
            )
        task.pause(BETWEEN_PROBES_SECONDS)


def answers(task: HostTask, way: HostAccess) -> bool:
    """Return whether the host's SSH server answers now."""
    return task.neighbours.probe(
        way.address, port=way.port, timeout_seconds=PROBE_SECONDS
    )


def _access(
    credential: Credential, *, address: str, known_hosts: str | None
) -> HostAccess:
    return HostAccess(
        address=address,
        port=credential.port,
        user=credential.user,
        private_key=credential.private_key,
        password=credential.password,
        become=credential.become,
        become_password=credential.become_password,
        known_hosts=known_hosts,
    )
