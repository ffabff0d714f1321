# SPDX-License-Identifier: Apache-2.0
"""A host's tunnel: opened where there is none, its key changed, its first claim replaced.

A key is made on the host and only its public half comes here. The hub learns it before
the host uses it, and the former one goes when the new one was heard: make before break.
Whatever cuts this in between, the next run of it goes on; the host tries both keys.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread
from typing import Any, Final

from hummingbird.adapters.ansible.playbook import HostAccess
from hummingbird.conductor.task import HostTask
from hummingbird.db.repository import emn as emn_repository
from hummingbird.db.repository import process
from hummingbird.db.repository import tunnel as tunnel_repository
from hummingbird.db.session import Connection
from hummingbird.domain.emn import TUNNELLED, Emn
from hummingbird.domain.tunnel import Tunnel, host_settings
from hummingbird.domain.wireguard import check_public_key
from hummingbird.errors import TunnelKeyRefused, TunnelMissing

OFFERED_FACT: Final = "tunnel_next_key"
PUBLIC_FACT: Final = "tunnel_public_key"
"""What the playbooks tell; see playbooks/tunnel.yml and its role."""
HEARD_SECONDS: Final = 40.0
"""The host waits 15 s for an answer to its new key, and as long for one to the old."""
LOOK_SECONDS: Final = 0.05
"""Between looks at the hub while a host changes its key: so long what it sends under the
new one is dropped."""


def network(task: HostTask) -> Emn | None:
    """Return the network that the host is in."""
    with task.neighbours.database.reader() as connection:
        return emn_repository.of_host(connection, task.host.emn_id)


def of_host(task: HostTask) -> Tunnel | None:
    """Return the host's tunnel, made if its network has tunnels and it has none.

    :raises OverlayFull: there is no address left for it.
    """
    emn = network(task)
    if emn is None or emn.attachment not in TUNNELLED:
        return None

    def work(connection: Connection) -> Tunnel:
        return tunnel_repository.create(
            connection,
            host_id=task.host.id,
            overlay=task.neighbours.hub_options.overlay,
            now=task.clock.now(),
        )

    with task.neighbours.database.reader() as connection:
        known = tunnel_repository.of_host(connection, task.host.id)
    return known or task.journal.write(work)


def settings(task: HostTask, tunnel: Tunnel | None) -> str:
    """Return what the host's end is told; empty for a host without a tunnel.

    :raises HubEndpointMissing, HubEndpointInvalid: nobody said where the hub is.
    """
    if tunnel is None:
        return ""
    emn = network(task)

    def work(connection: Connection) -> str:
        return tunnel_repository.ensure_hub(
            connection, box=task.neighbours.box, now=task.clock.now()
        )

    return host_settings(
        tunnel,
        hub_key=task.journal.write(work),
        options=task.neighbours.hub_options,
        emn=emn,
        outside=task.host.outside,
    )


def keep_key(task: HostTask, tunnel: Tunnel, key: str) -> Tunnel:
    """Take the key that a host, reached in a proven way, says is its own."""
    key = check_public_key(key)
    if tunnel.public_key == key:
        return tunnel
    changed = _take(
        task,
        tunnel,
        key,
        public_key=key,
        next_key=None,
        claim_key=None,
        claim_until=None,
        rotated_at=task.clock.now(),
    )
    task.neighbours.look("tunnel")
    return changed


def exchange(task: HostTask, tunnel: Tunnel, access: HostAccess) -> None:
    """Change the host's key as one piece of a larger work; see `offer` and `switch`."""
    task.journal.info("the host's own key takes the claim's place")
    switch(task, tunnel, access, to=offer(task, tunnel, access))


def offer(task: HostTask, tunnel: Tunnel, access: HostAccess) -> str:
    """Have the host make its next key and the hub know it; return its public half."""
    told = task.playbook("tunnel", access=access, variables={}, tags=("offer",))
    offered = check_public_key(told.facts.get(OFFERED_FACT, ""))
    _take(task, _again(task, tunnel), offered, next_key=offered)
    task.neighbours.look("tunnel")
    _await_other_hubs(task)
    return offered


def switch(task: HostTask, tunnel: Tunnel, access: HostAccess, *, to: str) -> None:
    """Have the host go over to a key that was offered.

    :raises TunnelKeyRefused: the hub did not hear it in time.
    """
    # What the host showed at first contact was pinned meanwhile.
    access = replace(access, known_hosts=task.host.known_hosts)
    with _eyes_on_hub(task):
        task.playbook("tunnel", access=access, variables={}, tags=("switch",))
        deadline = task.clock.monotonic() + HEARD_SECONDS
        while _again(task, tunnel).public_key != to:
            if task.clock.monotonic() >= deadline:
                # The hub goes on knowing both: the host may use the new one already.
                raise TunnelKeyRefused(
                    step=task.journal.step or "switch",
                    message="the hub has not heard the new key yet",
                )
            task.neighbours.look("tunnel")
            task.pause(LOOK_SECONDS)


@contextmanager
def _eyes_on_hub(task: HostTask) -> Iterator[None]:
    """Have the hub looked at all the time: the playbook's own answer comes through the
    tunnel, and not before the hub has gone over to the key that it is sent under."""
    done = Event()

    def look() -> None:
        while not done.wait(LOOK_SECONDS):
            task.neighbours.look("tunnel")

    thread = Thread(target=look, name="eyes-on-hub", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _await_other_hubs(task: HostTask) -> None:
    """Where there are other controllers, wait until their hubs know the key too."""
    with task.neighbours.database.reader() as connection:
        conductors = process.list_all(connection, kind="conductor")
    # One that is dead and has not said goodbye costs this wait, and nothing else.
    if len(conductors) > 1:
        task.pause(task.neighbours.hub_options.period_seconds)
        task.check()


def _again(task: HostTask, tunnel: Tunnel) -> Tunnel:
    with task.neighbours.database.reader() as connection:
        found = tunnel_repository.of_host(connection, tunnel.host_id)
    if found is None:
        raise TunnelMissing(hostname=task.host.hostname)
    return found


def _take(task: HostTask, tunnel: Tunnel, key: str, **values: Any) -> Tunnel:
    """Write `values`, one of which is a `key` that a host has told."""

    def work(connection: Connection) -> Tunnel:
        tunnel_repository.check_free(connection, tunnel, key)
        return tunnel_repository.change(connection, tunnel, **values)

    return task.journal.write(work)
