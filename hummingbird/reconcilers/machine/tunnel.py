# SPDX-License-Identifier: Apache-2.0
"""The hub on this controller has exactly the peers that the tunnels say, and no other.

Sees the tunnels in the database and the interface; changes only the peers that differ, so
that nobody else's session notices. A key that a host changes to takes over at the hub
when it is first heard. A peer that no tunnel names is removed and reported: it can only
be a retired host's or a stranger's. What was heard of each goes into the database.

A host that came by its claim, and one whose key is old, gets a run that changes its key,
by the controller that hears it.

Runs on every conductor: each has a hub of its own with the same key and the same peers,
and a host is heard by the one that its packets reach.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from hummingbird.adapters.netlink.hub import Hub, HubPlan, NetlinkHub
from hummingbird.adapters.netlink.wireguard import WireGuard
from hummingbird.clock import Clock
from hummingbird.conf import Conf
from hummingbird.conf.share import controller_name
from hummingbird.context import SYSTEM
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import run as run_repository
from hummingbird.db.repository import tunnel as tunnel_repository
from hummingbird.db.session import Connection, Database
from hummingbird.domain.run import ENDED, RunKind
from hummingbird.domain.tunnel import (
    Tunnel,
    hub_address,
    narrow_ways,
    peers,
    rotation_is_due,
)
from hummingbird.domain.wireguard import (
    STALE_HANDSHAKE_SECONDS,
    Peer,
    SeenPeer,
    Sight,
    changes,
)
from hummingbird.errors import HostNotFound, HubUnavailable
from hummingbird.keypair import wireguard_public_key
from hummingbird.reconcilers.base import Outcome
from hummingbird.secretbox import SecretBox

KEY_SHOWN: Final = 8
"""Letters of a public key that tell it from others in a report."""


_NEVER: Final = datetime.max.replace(tzinfo=UTC)

ROTATIONS_A_LOOK: Final = 10
"""So many at most are begun at once for their age."""
ROTATION_RETRY_SECONDS: Final = 120.0


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """When keys are changed."""

    days: int = 0
    """Age at which; 0: only on demand."""
    nudge_runs: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class _Wanted:
    tunnels: tuple[Tunnel, ...]
    private_key: str
    narrow: Mapping[str, int]


@dataclass(frozen=True)
class _Read:
    """The tunnels as they were read last; as good as now while the fingerprint is the
    same, but for what hubs saw."""

    fingerprint: tuple[int, int]
    tunnels: tuple[Tunnel, ...]


@dataclass(frozen=True)
class _Peers:
    of: tuple[Tunnel, ...]
    peers: Mapping[str, Peer]
    until: datetime


class TunnelReconciler:
    """Keeps the hub as the tunnels say."""

    name = "tunnel"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        box: SecretBox,
        hub: Hub,
        plan: HubPlan,
        period_seconds: float,
        controller: str,
        rotation: Rotation | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._box = box
        self._hub = hub
        self._plan = plan
        self._controller = controller
        self._rotation = rotation or Rotation()
        self._read: _Read | None = None
        self._wanted_peers: _Peers | None = None
        self._told: dict[int, datetime] = {}
        """Tunnel id -> handshake that we have written."""
        self.period_seconds = period_seconds

    def reconcile(self) -> Outcome:
        """Look at every peer of the hub; change those that differ."""
        wanted = self._wanted()
        if wanted is None:
            return Outcome()
        said: list[str] = []
        try:
            interface = self._hub.open(self._plan)
            sight = interface.look()
            seen = sight.peers
            said += self._configure(interface, sight, wanted.private_key)
            tunnels, promoted = self._promote(wanted.tunnels, seen)
            said += promoted
            said += self._change(interface, tunnels, seen)
            said += self._hub.narrow(self._plan, wanted.narrow)
        except (HubUnavailable, OSError) as error:
            return Outcome(looked_at=len(wanted.tunnels), failed=(str(error),))
        self._remember(tunnels, seen)
        said += self._rotate(tunnels, seen)
        return Outcome(looked_at=len(wanted.tunnels), changed=tuple(said))

    def _wanted(self) -> _Wanted | None:
        with self._database.snapshot() as connection:
            key = tunnel_repository.hub_private_key(connection, box=self._box)
            if key is None:
                return None
            found = tunnel_repository.fingerprint(connection)
            if self._read is None or self._read.fingerprint != found:
                tunnels = tuple(tunnel_repository.list_all(connection))
                self._read = _Read(found, tunnels)
                there = {one.id for one in tunnels}
                self._told = {k: at for k, at in self._told.items() if k in there}
            most = self._plan.mtu
            paths = tunnel_repository.path_mtus(connection, below=most)
        return _Wanted(self._read.tunnels, key, narrow_ways(paths, most=most))

    def _configure(
        self, interface: WireGuard, sight: Sight, private_key: str
    ) -> list[str]:
        if sight.public_key == wireguard_public_key(private_key):
            return []
        interface.configure(private_key=private_key, port=self._plan.port)
        return [f"{interface.name} has the hub's key"]

    def _promote(
        self, tunnels: tuple[Tunnel, ...], seen: Mapping[str, SeenPeer]
    ) -> tuple[tuple[Tunnel, ...], list[str]]:
        """Let keys that were heard take over; return the tunnels as they are now."""
        heard = [one for one in tunnels if _heard(seen.get(one.next_key or ""))]
        claimed = [
            one
            for one in tunnels
            if one.public_key
            and one not in heard
            and _heard(seen.get(one.claim_key or ""))
        ]
        if not heard and not claimed:
            return tunnels, []
        now = self._clock.now()
        after: dict[int, Tunnel] = {}
        with self._database.writer() as connection:
            for one in claimed:
                # Installed anew: what it had before is gone, and so is its key.
                after[one.id] = tunnel_repository.change(
                    connection, one, public_key=None, next_key=None
                )
            for one in heard:
                after[one.id] = tunnel_repository.change(
                    connection,
                    one,
                    public_key=one.next_key,
                    next_key=None,
                    claim_key=None,
                    claim_until=None,
                    rotated_at=now,
                )
        said = [
            f"{one.address} has the new key {_short(one.next_key)}" for one in heard
        ] + [f"{one.address} came anew by its claim" for one in claimed]
        return tuple(after.get(one.id, one) for one in tunnels), said

    def _change(
        self,
        interface: WireGuard,
        tunnels: tuple[Tunnel, ...],
        seen: Mapping[str, SeenPeer],
    ) -> list[str]:
        found = changes(self._peers(tunnels), seen)
        if not found:
            return []
        interface.change(found.put, remove=found.remove)
        return [
            *(f"peer {_short(peer.public_key)} put" for peer in found.put),
            *(f"peer {_short(key)} removed: no tunnel has it" for key in found.remove),
        ]

    def _peers(self, tunnels: tuple[Tunnel, ...]) -> Mapping[str, Peer]:
        """Return what the hub should have; worked out anew when a tunnel changed, and when
        a claim among them ends."""
        now = self._clock.now()
        known = self._wanted_peers
        if known is None or known.of is not tunnels or not now < known.until:
            ends = [one.claim_until for one in tunnels if one.claim_until is not None]
            until = min((end for end in ends if end > now), default=_NEVER)
            known = _Peers(tunnels, peers(tunnels, now=now), until)
            self._wanted_peers = known
        return known.peers

    def _remember(
        self, tunnels: tuple[Tunnel, ...], seen: Mapping[str, SeenPeer]
    ) -> None:
        news: dict[int, SeenPeer] = {}
        told: dict[int, datetime] = {}
        for one in tunnels:
            peer = seen.get(one.public_key or one.claim_key or "")
            if peer is None or peer.handshake_at is None:
                continue
            known = self._told.get(one.id, one.handshake_at)
            if known is None or peer.handshake_at > known:
                news[one.id] = peer
                told[one.id] = peer.handshake_at
        if news:
            with self._database.writer() as connection:
                tunnel_repository.put_seen(
                    connection, news, controller=self._controller
                )
            self._told |= told

    def _rotate(
        self, tunnels: tuple[Tunnel, ...], seen: Mapping[str, SeenPeer]
    ) -> list[str]:
        now = self._clock.now()
        due = [
            one
            for one in tunnels
            if rotation_is_due(one, now=now, days=self._rotation.days)
            and _is_fresh(seen.get(one.public_key or one.claim_key or ""), now=now)
        ]
        if not due:
            return []
        said: list[str] = []
        with self._database.writer() as connection:
            for one in due:
                if len(said) >= ROTATIONS_A_LOOK:
                    break
                hostname = _queue(connection, one, now=now)
                if hostname is not None:
                    said.append(f"{hostname}: its key is to be changed")
        if said:
            self._rotation.nudge_runs()
        return said


def from_options(
    conf: Conf,
    database: Database,
    *,
    clock: Clock,
    box: SecretBox,
    nudge_runs: Callable[[], None],
) -> TunnelReconciler:
    """Return the reconciler that the group [tunnel] describes, with this machine's hub."""
    options = conf.tunnel
    overlay = str(options.overlay)
    return TunnelReconciler(
        database,
        clock=clock,
        box=box,
        hub=NetlinkHub(),
        plan=HubPlan(
            interface=str(options.hub_interface),
            address=hub_address(overlay),
            overlay=overlay,
            port=int(options.hub_port),
            mtu=int(options.mtu),
        ),
        period_seconds=float(options.period_seconds),
        controller=controller_name(conf),
        rotation=Rotation(days=int(options.rotation_days), nudge_runs=nudge_runs),
    )


def _queue(connection: Connection, tunnel: Tunnel, *, now: datetime) -> str | None:
    """Queue a change of the key; return the hostname, or None where something else is on
    or the last try is not long ago."""
    try:
        host = host_repository.get(connection, tunnel.host_id)
    except HostNotFound:
        return None
    since = now - timedelta(seconds=ROTATION_RETRY_SECONDS)
    runs = run_repository.list_all(connection, host_uuid=host.uuid, limit=5)
    if any(
        run.state not in ENDED or (run.kind is RunKind.ROTATE and run.queued_at > since)
        for run in runs
    ):
        return None
    run_repository.create(
        connection,
        host_uuid=host.uuid,
        hostname=host.hostname,
        kind=RunKind.ROTATE,
        requested_by=SYSTEM.user,
        now=now,
    )
    return host.hostname


def _is_fresh(peer: SeenPeer | None, *, now: datetime) -> bool:
    if peer is None or peer.handshake_at is None:
        return False
    return now - peer.handshake_at <= timedelta(seconds=STALE_HANDSHAKE_SECONDS)


def _heard(peer: SeenPeer | None) -> bool:
    return peer is not None and peer.handshake_at is not None


def _short(key: str | None) -> str:
    return f"{(key or '')[:KEY_SHOWN]}…"
