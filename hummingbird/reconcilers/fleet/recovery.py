# SPDX-License-Identifier: Apache-2.0
"""Every lost host that can be helped has its next rung of recovery queued.

Sees what `fleet_view` sees; decides by `domain.recovery`; creates runs and does nothing to a
host itself. It looks at a lost host when something of it was changed, when one of the ladder's
limits ends, and to ask its SSH port: no more often than each `probe_seconds`, and ever less
often the longer it is silent, many hosts at the same time, so that those that are gone do
not hold up the others. Before anything is restarted it has the way to the host traced:
where that is what is broken, nothing is. One that does not answer can only be helped by its
board management controller. Never acts on a host whose site is dark, or of which nothing
new can be told.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

from hummingbird.context import SYSTEM
from hummingbird.db.repository import alarm as alarm_repository
from hummingbird.db.repository import credential as credential_repository
from hummingbird.db.repository import fleet
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import run as run_repository
from hummingbird.db.repository import trace as trace_repository
from hummingbird.db.repository import tunnel as tunnel_repository
from hummingbird.db.repository.attention import News
from hummingbird.db.session import Connection
from hummingbird.domain.alarm import SITE_DARK, site_entity
from hummingbird.domain.host import Host
from hummingbird.domain.host_machine import Event
from hummingbird.domain.host_state import HostState
from hummingbird.domain.liveness import Liveness
from hummingbird.domain.recovery import Decision, Help, Rung
from hummingbird.domain.run import RunKind
from hummingbird.domain.verdict import Verdict
from hummingbird.errors import (
    CredentialMissing,
    HostGenerationConflict,
    HostNotFound,
    TransitionRefused,
)
from hummingbird.evaluation.fleet_view import FleetObserver, FleetView, Rounds
from hummingbird.evaluation.look_plan import LookPlan
from hummingbird.evaluation.recovery_ladder import Ladder
from hummingbird.reconcilers.asking import Asking
from hummingbird.reconcilers.base import Outcome
from hummingbird.secretbox import SecretBox

PROBES_AT_ONCE: Final = 32
PROBE_SHARE: Final = 0.1
PROBE_MAX_SECONDS: Final = 600.0
"""A host that has been silent for an hour is asked each six minutes, one that is away for
days each ten: its heartbeats say first that it is back."""
PROBE_TIMEOUT_SECONDS: Final = 3.0
"""A port that answers at all answers within one retransmitted SYN (RFC 6298: 1 s)."""
PROBES_SECONDS: Final = 10.0
"""For the answers of one look, in real time; who has not been asked by then is at the next."""


class Probe(Protocol):
    """Says whether an SSH server answers; adapters/ssh keeps to it."""

    def __call__(self, address: str, *, port: int, timeout_seconds: float) -> bool:
        """Return whether a banner came in time."""


class RecoveryReconciler:
    """Keeps the ladder going."""

    name = "recovery"

    def __init__(
        self,
        observer: FleetObserver,
        *,
        ladder: Ladder,
        box: SecretBox,
        probe: Probe,
        probe_seconds: float,
        period_seconds: float,
        nudge_runs: Callable[[], None],
    ) -> None:
        self._observer = observer
        self._ladder = ladder
        self._box = box
        self._probe = probe
        self._probe_seconds = probe_seconds
        self._nudge_runs = nudge_runs
        self._probed_at: dict[int, float] = {}
        self._probes: Asking[int, bool] = Asking("probe", at_once=PROBES_AT_ONCE)
        self._plan = LookPlan(observer.clock)
        self._everywhere = Rounds(observer.clock)
        self._inbox = observer.news.subscribe()
        self._links: Mapping[str, float | None] = {}
        self.period_seconds = period_seconds

    def forget(self) -> None:
        """Ask every lost host again."""
        self._probed_at.clear()
        self._plan.clear()
        self._everywhere.begin()

    def reconcile(self) -> Outcome:
        """Look at the lost hosts whose time has come; queue what the ladder says for those
        that answer."""
        news = self._inbox.open()
        links = self._observer.own_links.states().up_since_seconds
        everywhere = (
            self._everywhere.is_due() or news.everything or links != self._links
        )
        try:
            outcome = self._look(None if everywhere else set(news.hosts))
        except BaseException:
            if everywhere:
                self._everywhere.begin()
            raise
        self._links = links
        self._inbox.done()
        return outcome

    def _look(self, changed: set[int] | None) -> Outcome:
        with self._observer.database.reader() as connection:
            due = self._due(connection, changed)
        if not due:
            return Outcome()
        view = self._observer.look(also=due)
        if view.through is None:
            # Nothing is done to a host that nobody could hear.
            self._plan.put(due, in_seconds=self._probe_seconds)
            return Outcome(looked_at=len(view.hosts))
        lost = [host for host in view.hosts if _may_act(host, view)]
        with self._observer.database.reader() as connection:
            decisions = self._ladder.decide(connection, lost, view=view)
        self._plan_next(due, decisions, view=view)
        wanted = [host for host in lost if decisions[host.hostname].rung is not None]
        said = self._act(
            [host for host in wanted if self._is_due(host, view=view)],
            decisions,
            view=view,
        )
        return Outcome(looked_at=len(lost), changed=tuple(said))

    def _due(self, connection: Connection, changed: set[int] | None) -> set[int]:
        """Return the ids of the lost hosts to look at now.

        :param changed: ids of hosts of which something was changed; None: it is not known.
        """
        lost = fleet.in_state(connection, HostState.LOST, among=changed)
        if changed is None:
            self._plan.clear()
            self._probed_at = {
                host_id: at
                for host_id, at in self._probed_at.items()
                if host_id in lost
            }
            return lost
        for host_id in changed - lost:
            self._plan.drop(host_id)
            self._probed_at.pop(host_id, None)
        sites = self._plan.dark_sites()
        keys = {(SITE_DARK, site_entity(site)): site for site in sites}
        for one in alarm_repository.of_keys(connection, keys):
            sites.discard(keys[one.alarm.alarm_id, one.alarm.entity_instance_id])
        return lost | self._plan.due(light=sites)

    def _plan_next(
        self, due: set[int], decisions: Mapping[str, Decision], *, view: FleetView
    ) -> None:
        """Say when each host that is looked at now is looked at next, if nothing happens."""
        turned: set[int] = set()
        hosts = {host.id: host for host in view.hosts if host.state is HostState.LOST}
        for host_id in due:
            self._plan.drop(host_id)
        for host in hosts.values():
            verdict = view.verdicts[host.hostname]
            decision = decisions.get(host.hostname)
            wait = self._wait(verdict)
            if decision is None and verdict.site_dark and not verdict.carried:
                self._plan.put_dark(host.id, verdict.site)
                continue
            if decision is None and verdict.look_seconds is not None:
                assert view.through is not None
                wait = max(self.period_seconds, verdict.look_seconds - view.through)
            elif decision is None:
                wait = PROBE_MAX_SECONDS
            elif decision.rung is None:
                again = decision.again_in
                wait = PROBE_MAX_SECONDS if again is None else again.total_seconds()
            elif decision.again_in is not None:
                wait = min(wait, decision.again_in.total_seconds())
            self._plan.put([host.id], in_seconds=wait)
            if decision is not None and self._plan.turned(host.id, decision.given_up):
                turned.add(host.id)
        if turned:
            self._observer.news.tell(News(hosts=frozenset(turned)), but=self._inbox)

    def _act(
        self,
        due: Sequence[Host],
        decisions: Mapping[str, Decision],
        *,
        view: FleetView,
    ) -> list[str]:
        said: list[str] = []
        with self._observer.database.reader() as connection:
            traced = self._ladder.traced(connection, due, view=view)
        queued = False
        answered = self._answers(due)
        for host in due:
            answers = answered.get(host.id)
            if answers is None:
                # Many were to be asked: it is at the next look's.
                self._probed_at.pop(host.id, None)
                self._plan.put([host.id], in_seconds=0.0)
                continue
            decision, found = decisions[host.hostname], traced.get(host.hostname)
            rung = decision.rung if answers else decision.without_ssh
            if rung is None:
                continue
            if found is None or not found.is_fresh:
                self._ask_for_trace(host, again=found is not None)
                said.append(f"{host.hostname}: the way to it is traced first")
                continue
            rung = {
                Help.BY_SSH: rung,
                Help.BY_BOARD: decision.without_ssh,
                Help.NONE: None,
            }[found.help]
            if rung is not None and self._queue(host, rung):
                queued = True
                said.append(f"{host.hostname}: {rung}")
        if queued:
            self._nudge_runs()
        return said

    def _ask_for_trace(self, host: Host, *, again: bool) -> None:
        with self._observer.database.writer() as connection:
            trace_repository.ask(
                connection, host.id, now=self._observer.clock.now(), keeps_body=again
            )
        # Looked at again as soon as it is done.
        self._probed_at.pop(host.id, None)

    def _wait(self, verdict: Verdict) -> float:
        """Return for how long a host that is silent for so long is not asked again."""
        share = min(PROBE_MAX_SECONDS, PROBE_SHARE * verdict.silence_seconds)
        return max(self._probe_seconds, share)

    def _is_due(self, host: Host, *, view: FleetView) -> bool:
        last = self._probed_at.get(host.id)
        now = self._observer.clock.monotonic()
        wait = self._wait(view.verdicts[host.hostname])
        if last is not None and now - last < wait:
            self._plan.put([host.id], in_seconds=last + wait - now)
            return False
        self._probed_at[host.id] = now
        return True

    def _answers(self, due: Sequence[Host]) -> dict[int, bool]:
        """Return who of the hosts answers, by host id; those not asked in time are not in
        it."""
        if not due:
            return {}
        with self._observer.database.reader() as connection:
            inside = {
                host.id: tunnel_repository.of_host(connection, host.id) for host in due
            }
        for host in due:
            tunnel = inside[host.id]
            addresses = (
                (host.mgmt_ip, host.underlay) if tunnel is None else (tunnel.address,)
            )
            self._probes.start(host.id, partial(self._ask, self._port(host), addresses))
        answers = self._probes.take(seconds=PROBES_SECONDS)
        self._probes.drop_waiting()
        return {one.key: bool(one.value) for one in answers}

    def _ask(self, port: int | None, addresses: Sequence[str | None]) -> bool:
        if port is None:
            return False
        return any(
            self._probe(address, port=port, timeout_seconds=PROBE_TIMEOUT_SECONDS)
            for address in addresses
            if address is not None
        )

    def _port(self, host: Host) -> int | None:
        try:
            with self._observer.database.reader() as connection:
                return credential_repository.of_host(
                    connection, host, box=self._box
                ).port
        except CredentialMissing:
            return None

    def _queue(self, host: Host, rung: Rung) -> bool:
        now = self._observer.clock.now()
        try:
            with self._observer.database.writer() as connection:
                host_repository.move(
                    connection, host, Event.RECOVER, now=now, task=None
                )
                run_repository.create(
                    connection,
                    host_uuid=host.uuid,
                    hostname=host.hostname,
                    kind=RunKind.RECOVER,
                    requested_by=SYSTEM.user,
                    now=now,
                    rung=rung.value,
                )
        except (HostGenerationConflict, HostNotFound, TransitionRefused):
            return False
        return True


def _may_act(host: Host, view: FleetView) -> bool:
    verdict = view.verdicts[host.hostname]
    return (
        host.state is HostState.LOST
        and host.reservation_owner is None
        and verdict.liveness is Liveness.LOST
        and not verdict.carried
        and not verdict.site_dark
    )
