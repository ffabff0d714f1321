# SPDX-License-Identifier: Apache-2.0
"""Every trace that was asked for has its answer.

Looks at the way to the host, from the controller's own link to what the host itself
reaches, and writes down where it ends (domain/trace.py decides). Touches nothing on the
way, needs no reservation, and is bounded in time whatever the host does: a minute
where all of it hangs. Each host's is by itself: one that lags holds up no other, and one
that does not end in TRACE_SECONDS has that as its finding. Two conductors that look at the
same host at once do no harm.
"""

import ipaddress
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from hummingbird.adapters.ansible.playbook import (
    HostAccess,
    PlaybookEvent,
    PlaybookResult,
    PlaybookRunner,
)
from hummingbird.adapters.kubernetes.cluster import Cluster
from hummingbird.adapters.netlink.link import Links
from hummingbird.adapters.path.look import Path
from hummingbird.clock import Clock
from hummingbird.conductor.login import Login, Work
from hummingbird.conductor.way_known import ETHERNET, Known, found_by, outer_address
from hummingbird.db.repository import condition, hearing, host_hold
from hummingbird.db.repository import credential as credential_repository
from hummingbird.db.repository import emn as emn_repository
from hummingbird.db.repository import heartbeat as heartbeat_repository
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import trace as trace_repository
from hummingbird.db.repository import tunnel as tunnel_repository
from hummingbird.db.repository.trace import StoredTrace
from hummingbird.db.session import Connection, Database
from hummingbird.domain.credential import Credential
from hummingbird.domain.emn import Attachment
from hummingbird.domain.endpoint import nearest_endpoints, split
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import UNLOCKED
from hummingbird.domain.trace import WITH_WIREGUARD, Seen, Ssh, trace, unfinished
from hummingbird.domain.tunnel import Tunnel
from hummingbird.domain.vxlan import gateway_name
from hummingbird.errors import (
    CredentialMissing,
    HostKeyChanged,
    HostKeyNotPinned,
    HostNotFound,
    HummingbirdError,
)
from hummingbird.reconcilers.asking import Asking
from hummingbird.reconcilers.base import Outcome
from hummingbird.secretbox import SecretBox

LOG = logging.getLogger(__name__)

AT_ONCE: Final = 8
WAIT_SECONDS: Final = 5.0
"""For the answers of one look at all, in real time; later ones are the next one's."""
TRACE_SECONDS: Final = 180.0
"""Twice what all looks at one host can take with what bounds each of them."""
PLAYBOOK_SECONDS: Final = 40.0
"""A login and one look take three seconds, ten on a controller that has much else to do; a
slow box takes some more."""
SIZES: Final = (1492, 1450, 1420, 1400, 1370, 1300, 1280, 576)
"""Tried where the whole size does not go through: PPPoE (RFC 2516), VXLAN, WireGuard, what
mobile networks and stacks of tunnels leave, IPv6's and IPv4's least."""
PERIODS_OF_GRACE: Final = 3
"""As many heartbeats late as make a host lost (domain/liveness.py)."""
BEATS: Final = "mtc-client"
"""The agent whose heartbeats say that a host is there (wire/session.py)."""
_TELLS = "Tell what it reaches"


@dataclass(frozen=True, kw_only=True)
class TraceParts:
    """What the looks are made with."""

    path: Path
    links: Links
    runner: PlaybookRunner
    cluster: Cluster
    gateways: Callable[[], Sequence[str]]
    """host:port at which agents reach the gateway, at least one."""
    hubs: tuple[str, ...]
    """Where hosts reach the hub of tunnels, if somebody said it."""
    period_seconds: float
    """Of heartbeats."""


class TraceReconciler:
    """Answers what was asked."""

    name = "trace"
    period_seconds = 5.0

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        box: SecretBox,
        parts: TraceParts,
        wait_seconds: float = WAIT_SECONDS,
        trace_seconds: float = TRACE_SECONDS,
    ) -> None:
        """
        :param wait_seconds: how long a look at all waits for its answers, in real time.
        :param trace_seconds: after how long one that does not end has that as its finding.
        """
        self._database = database
        self._clock = clock
        self._box = box
        self._parts = parts
        self._wait_seconds, self._trace_seconds = wait_seconds, trace_seconds
        self._asking: Asking[int, str] = Asking("trace", at_once=AT_ONCE)

    def reconcile(self) -> Outcome:
        """Look along every way that somebody asked for."""
        with self._database.reader() as connection:
            asked = trace_repository.pending(connection)
        for one in asked:
            self._asking.start(one.host_id, partial(self._answer, one))
        answers = self._asking.take(seconds=self._wait_seconds)
        said = [one.value for one in answers if one.value is not None]
        failed = [str(one.error) for one in answers if one.error is not None]
        late = self._asking.late(self._trace_seconds)
        said += [self._age_out(one) for one in asked if one.host_id in late]
        return Outcome(looked_at=len(asked), changed=tuple(said), failed=tuple(failed))

    def _age_out(self, asked: StoredTrace) -> str:
        """Say of a trace that it does not end; should it, what it finds is written then."""
        with self._database.writer() as connection:
            try:
                hostname = host_repository.get(connection, asked.host_id).hostname
            except HostNotFound:
                return "a host that was asked for is gone"
            host_hold.hold(connection, asked.host_id)
            found = unfinished(hostname, seconds=self._trace_seconds)
            trace_repository.finish(
                connection, asked, found.as_dict(), now=self._clock.now()
            )
        return f"{hostname}: {found.finding}"

    def _answer(self, asked: StoredTrace) -> str:
        try:
            with self._database.reader() as connection:
                known = self._known(connection, asked.host_id)
        except HostNotFound:
            return "a host that was asked for is gone"
        seen = self.look(known)
        found = trace(seen)
        with self._database.writer() as connection:
            host_hold.hold(connection, asked.host_id)
            # That the pinned key is shown proves nothing: who was let in knows more (Login).
            if seen.key_is_known is False:
                condition.put_host_key(
                    connection,
                    asked.host_id,
                    pinned=known.host.known_hosts,
                    is_known=False,
                    observer=self.name,
                    now=self._clock.now(),
                )
            trace_repository.finish(
                connection, asked, found.as_dict(), now=self._clock.now()
            )
        return f"{known.host.hostname}: {found.finding}"

    def _known(self, connection: Connection, host_id: int) -> Known:
        host = host_repository.get(connection, host_id)
        emn = emn_repository.of_host(connection, host.emn_id)
        name = gateway_name(emn) if emn is not None and emn.has_vxlan else None
        gateway = None
        if name is not None and name != host.hostname:
            try:
                gateway = host_repository.find(connection, name)
            except HostNotFound:
                gateway = None
        try:
            credential = credential_repository.of_host(connection, host, box=self._box)
        except CredentialMissing:
            credential = None
        return Known(
            host,
            emn,
            gateway,
            tunnel_repository.of_host(connection, host.id),
            heartbeat_repository.of_host(connection, host.id),
            hearing.read(connection),
            credential,
            heartbeat_repository.is_asking(connection, host.id, agent=BEATS),
        )

    def look(self, known: Known) -> Seen:
        """Return what is seen on the way; each look only where the one before says that
        it can tell something."""
        host, emn = known.host, known.emn
        attachment = emn.attachment if emn is not None else Attachment.ROUTED
        address = host.mgmt_ip
        if attachment is Attachment.WIREGUARD:
            address = known.tunnel.address if known.tunnel is not None else address
        outer = outer_address(known, attachment)
        values: dict[str, Any] = {
            "hostname": host.hostname,
            "emn": emn.name if emn is not None else None,
            "attachment": attachment,
            "address": address,
            "outer": outer,
            "end": known.gateway.hostname if known.gateway is not None else None,
            "hub": next(
                iter(nearest_endpoints(self._parts.hubs, address=host.outside)), None
            ),
            "is_in_service": host.state in UNLOCKED,
            "is_asking": known.is_asking,
            **self._heard(known),
        }
        if attachment in WITH_WIREGUARD:
            values |= self._tunnel(known.tunnel)
        if address is None:
            return Seen(**values)
        port = known.credential.port if known.credential is not None else 22
        values |= {"port": port, **self._way(address, outer, port=port, known=known)}
        # Where large packets vanish a login hangs, and tells nothing that it does not know.
        is_wide = values.get("mtu_found") == values.get("mtu_wanted")
        if values["ssh"] is Ssh.ANSWERS and is_wide:
            values |= self._inside(known, address, port=port)
        return Seen(**values)

    def _heard(self, known: Known) -> dict[str, Any]:
        period = self._parts.period_seconds
        heartbeat = known.heartbeat
        if heartbeat is None:
            return {"heard_allowance": PERIODS_OF_GRACE * period}
        age = known.hearing.age_seconds(heartbeat)
        if age is None:
            age = (self._clock.now() - heartbeat.last_heard_at).total_seconds()
        return {
            "heard_seconds": age,
            "heard_allowance": PERIODS_OF_GRACE * heartbeat.period_seconds,
        }

    def _tunnel(self, tunnel: Tunnel | None) -> dict[str, Any]:
        if tunnel is None:
            return {"has_key": False}
        handshake = tunnel.handshake_at
        return {
            "has_key": bool(tunnel.public_key or tunnel.claim_key),
            "handshake_seconds": (
                None
                if handshake is None
                else (self._clock.now() - handshake).total_seconds()
            ),
        }

    def _way(
        self, address: str, outer: str | None, *, port: int, known: Known
    ) -> dict[str, Any]:
        path, links, emn = self._parts.path, self._parts.links, known.emn
        link = links.towards(outer or address)
        values: dict[str, Any] = {
            "link": None if link is None else link.name,
            "link_up": link is not None and link.up,
            "outer_answers": None if outer is None else path.ping(outer),
            "answers": path.ping(address),
            "ssh": path.ssh(address, port=port),
        }
        if values["answers"]:
            wanted = (emn.mtu if emn is not None else None) or min(
                links.mtu_towards(address) or ETHERNET, ETHERNET
            )
            found = self._what_fits(address, wanted)
            if found != wanted and (emn is None or emn.mtu is None):
                # Where the way said that it carries less, nothing vanishes: whoever sends
                # is told, as we were just now (RFC 1191, RFC 8201). Where the host found it
                # out for its tunnel, it keeps to it, and has us keep to it.
                told = min(links.mtu_towards(address) or ETHERNET, found_by(known))
                if told < wanted:
                    wanted, found = told, self._what_fits(address, told)
            values |= {"mtu_wanted": wanted, "mtu_found": found}
        return values

    def _what_fits(self, address: str, wanted: int) -> int | None:
        least = 1280 if ipaddress.ip_address(address).version == 6 else 576
        sizes = (wanted, *(size for size in SIZES if least <= size < wanted))
        return next(
            (size for size in sizes if self._parts.path.ping(address, size=size)), None
        )

    def _inside(self, known: Known, address: str, *, port: int) -> dict[str, Any]:
        pinned = known.host.known_hosts
        values: dict[str, Any] = {"key_is_pinned": pinned is not None}
        if pinned is not None:
            shown = set(self._parts.path.host_keys(address, port=port))
            keys = {" ".join(line.split()[1:3]) for line in pinned.splitlines() if line}
            values["key_is_known"] = bool(shown & keys) if shown else None
        credential = known.credential
        if credential is None or values.get("key_is_known") is False:
            return values
        return values | self._from_host(known.host, credential, address)

    def _from_host(
        self, host: Host, credential: Credential, address: str
    ) -> dict[str, Any]:
        told: list[str] = []

        def listen(event: PlaybookEvent) -> None:
            if event.task == _TELLS and event.message:
                told.append(event.message)

        access = HostAccess(
            address=address,
            port=credential.port,
            user=credential.user,
            private_key=credential.private_key,
            password=credential.password,
            become=False,
            known_hosts=host.known_hosts,
            password_on_first_contact=credential.password_on_first_contact,
        )
        targets = self._targets(address)
        wanted = [{"host": name, "port": port} for name, port in targets.values()]
        try:
            result = self._login(host).run(
                "trace",
                access=access,
                variables={"trace_targets": wanted},
                on_event=listen,
                should_cancel=lambda: False,
                timeout_seconds=PLAYBOOK_SECONDS,
            )
        except HostKeyNotPinned:
            return {"is_key_wanted": True}
        if isinstance(result.error, HostKeyChanged):
            return {"key_is_pinned": True, "key_is_known": False}
        values: dict[str, Any] = {"login": ""}
        if result.known_hosts is not None:
            values |= {"key_is_pinned": True, "key_is_known": True}
        if result.status != "successful":
            return values | {"login": result.message or result.status}
        words = told[-1].split() if told else []
        reached = {
            name: word == "yes" for name, word in zip(targets, words, strict=False)
        }
        return values | {"from_host": reached}

    def _login(self, host: Host) -> Login:
        def write(work: Work) -> PlaybookResult:
            with self._database.writer() as connection:
                host_hold.hold(connection, host.id)
                return work(connection)

        return Login(
            host=host,
            runner=self._parts.runner,
            database=self._database,
            clock=self._clock,
            observer=self.name,
            write=write,
            say=LOG.info,
        )

    def _targets(self, address: str) -> Mapping[str, tuple[str, int]]:
        """Return what a host with this address has to reach, by what it is."""
        found: dict[str, tuple[str, int]] = {}
        asks: tuple[tuple[str, Callable[[], Sequence[str]]], ...] = (
            ("Kubernetes", lambda: self._parts.cluster.join_info().api_endpoints),
            ("the gateway", self._parts.gateways),
        )
        for what, ask in asks:
            try:
                endpoint = nearest_endpoints(ask(), address=address)[0]
            except HummingbirdError:
                continue  # away itself: then nothing is said about the host's way to it
            name, port = split(endpoint)
            if port is not None:
                found[f"{what} at {endpoint}"] = (name, port)
        return found
