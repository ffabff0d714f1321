# SPDX-License-Identifier: Apache-2.0
"""What must always be so: it sees what really happens, and what the product says of it.

Told of each thing that is done to a host and of each commit that changes something of
weight, it compares the two, at once, and at the end when everything has come to rest. The
rules are about what a person would see; none of them looks into the product's memory.
"""

import sqlite3
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from hummingbird.wire import heartbeat as wire
from tests.simulation.acts import COLUMNS, Acts
from tests.simulation.deployment import GATEWAY_PORT, Deployment
from tests.simulation.field import Host
from tests.simulation.plan import Plan
from tests.simulation.scheduler import Process, Scheduler

GRACE_SECONDS: Final = 50.0
"""After it could be heard again, until an agent that was refused asks again
(agents/link/backoff.py), and its answer is seen."""
FLAPS: Final = 3
FLAP_SECONDS: Final = 120.0
"""So often an alarm may come in this time: hosts do not really change more often."""
UNREADY_SECONDS: Final = 120.0
"""A node that runs nothing counts as healthy no longer than this."""
QUIET_SECONDS: Final = 60.0
QUIET_ROWS: Final = 40.0
"""Rows that a conductor may read in the time of one look when nothing changes."""
WEIGHTY: Final = frozenset({"host", "run", "alarm", "event_log"})
AWAY: Final = ("lost", "degraded", "recovering")
BUSY: Final = ("provisioning", "enabling", "recovering", "locking", "retiring")


@dataclass
class Standing:
    """One alarm's life."""

    state: str = "clear"
    severity: str = ""
    sets: deque[float] = field(default_factory=lambda: deque(maxlen=FLAPS + 1))


@dataclass(frozen=True)
class Violation:
    """Something that must not be."""

    at: float
    rule: str
    text: str


class Truth:
    """Watches one simulation."""

    def __init__(
        self, scheduler: Scheduler, deployment: Deployment, plan: Plan, *, path: str
    ) -> None:
        self.violations: list[Violation] = []
        self.states: dict[str, str] = {}
        """Host name -> state, as stored."""
        self.acts = Acts(scheduler, plan, deployment.field.hosts, say=self.say)
        self._scheduler = scheduler
        self._deployment = deployment
        self._plan = plan
        self._database = sqlite3.connect(path, isolation_level=None)
        self.states.update(self.read("SELECT hostname, state FROM host"))
        self._last_event = 0
        self._alarms: dict[tuple[str, str], Standing] = defaultdict(Standing)
        self._heard: dict[str, dict[str, float]] = defaultdict(dict)
        """Host's address -> controller's address -> when that one acknowledged it."""
        self._way_since: dict[str, float] = {}
        self._changes = 0
        self._quiet_of = (-1, -1)
        self._quiet_since = 0.0
        self._quiet_rows = 0
        self._unready: set[str] = set()
        self._node_since: dict[str, float] = {}
        self._period = float(plan.options["gateway"]["period_seconds"])
        self._kinds: Counter[str] = Counter()
        deployment.field.on_act = self.acts.acted
        deployment.field.on_overlap = self.acts.overlapped
        deployment.server.on_commit = self.committed
        deployment.server.on_disorder = partial(self.say, "lock order")
        deployment.network.on_datagram = self.sent

    def say(self, rule: str, text: str) -> None:
        """Note a violation, the first of its kind for the same thing."""
        self._kinds[rule] += 1
        if self._kinds[rule] <= 20:
            self.violations.append(Violation(self._scheduler.now, rule, text))
        self._scheduler.note(f"VIOLATION {rule}: {text}")

    def sent(self, source: str, port: int, target: str, data: bytes) -> None:
        """A datagram is on its way: an acknowledgement says who hears a host."""
        if port != GATEWAY_PORT:
            return
        try:
            said = wire.head(data)
        except wire.DatagramInvalid:
            return
        if said.kind is wire.Kind.ACK:
            self._heard[target][source] = self._scheduler.now

    def changed(self) -> None:
        """Something about processes, ways or neighbours has changed: note since when each
        host could be heard by somebody whose word is seen."""
        good = [
            controller
            for controller in self._deployment.controllers.values()
            if self._is_good(controller.alive("gateway"))
        ]
        blocked = bool(self._deployment.kubernetes.away)
        network, now = self._deployment.network, self._scheduler.now
        rough = network.weather.loss > 0.3
        for host in self._deployment.field.hosts.values():
            reached = not (blocked or rough) and any(
                network.is_open(host.address, one.address) for one in good
            )
            if not reached:
                self._way_since[host.name] = float("inf")
            elif self._way_since.get(host.name, float("inf")) == float("inf"):
                self._way_since[host.name] = now

    def _is_good(self, process: Process | None) -> bool:
        return (
            process is not None
            and not process.is_frozen
            and "service" in process.facts
            and self._deployment.server.trouble_of(process) is None
        )

    def able_since(self, host: Host) -> float:
        """Return since when a host could be heard without a break."""
        return max(host.able_since, self._way_since.get(host.name, float("inf")))

    # --- what the product says ----------------------------------------------------------------

    def committed(self, process: Process, tables: frozenset[str]) -> None:
        """A process has changed something in the database."""
        self._changes += bool(tables & WEIGHTY)
        if "run" in tables:
            self.acts.read(self.read(f"SELECT {COLUMNS} FROM run"))
        if "host" in tables:
            self._read_hosts(process)
        if "event_log" in tables:
            self._read_events(process)

    def _read_hosts(self, process: Process) -> None:
        rows = self._database.execute("SELECT hostname, state FROM host").fetchall()
        now = dict(rows)
        for name in self.states.keys() - now.keys():
            self._scheduler.note(f"{name}: is gone")
        for name, state in rows:
            before = self.states.get(name)
            if before != state and self.states:
                self._scheduler.note(f"{name}: {before} -> {state} by {process.name}")
                self._moved(name, before, state)
        self.states = now

    def _moved(self, name: str, before: str | None, state: str) -> None:
        host = self._deployment.field.hosts[name]
        if state == "lost" and before in ("enabled", "degraded"):
            self.acts.lost_at[name] = self._scheduler.now
            self._check_silence(host, state, periods=3.0)
        elif state == "degraded":
            self._check_silence(host, state, periods=2.0)

    def _check_silence(self, host: Host, state: str, *, periods: float) -> None:
        now, allowance = self._scheduler.now, periods * self._period
        able = now - self.able_since(host)
        if host.is_broken == "runtime":
            return  # its node is not Ready, which may well be why
        if able > allowance + GRACE_SECONDS:
            self.say(
                "judged",
                f"{host.name} is {state}, though it could be heard for {able:.0f} s",
            )
            return
        for controller in self._deployment.controllers.values():
            heard = self._heard[host.address].get(controller.address)
            process = controller.alive("gateway")
            if heard is None or process is None or process.is_frozen:
                continue
            if process.facts["began"] < heard and now - heard < allowance - 3.0:
                self.say(
                    "judged",
                    f"{host.name} is {state}; {controller.name} heard it"
                    f" {now - heard:.0f} s ago",
                )
                return

    def _read_events(self, process: Process) -> None:
        rows = self._database.execute(
            "SELECT id, event_log_id, entity_instance_id, state, severity, reason_text"
            " FROM event_log WHERE id > ? ORDER BY id",
            (self._last_event,),
        ).fetchall()
        for number, alarm, entity, state, severity, text in rows:
            self._last_event = number
            self._scheduler.note(
                f"{process.name} logs {alarm} {state} {entity}: {text}"
            )
            if state in ("set", "clear"):
                self._check_pair(alarm, entity, state, severity)

    def _check_pair(self, alarm: str, entity: str, state: str, severity: str) -> None:
        stands = self._alarms[alarm, entity]
        if state == stands.state and (state == "clear" or severity == stands.severity):
            self.say("pairs", f"{alarm} {entity}: {state} twice")
        stands.state, stands.severity = state, severity
        if state != "set":
            return
        now = self._scheduler.now
        stands.sets.append(now)
        if len(stands.sets) > FLAPS and now - stands.sets[0] <= FLAP_SECONDS:
            self.say(
                "flaps", f"{alarm} {entity}: {len(stands.sets)} times within 2 min"
            )

    def look(self) -> None:
        """Look at what no commit tells: called now and then."""
        self._check_nodes()
        self._check_cost()
        for at, who, error in self._scheduler.broken:
            self.violations.append(Violation(at, "broke", f"{who}: {error!r}"))
        self._scheduler.broken.clear()

    def _check_nodes(self) -> None:
        """A node that is not Ready is no healthy host."""
        if self._deployment.kubernetes.away or self._deployment.kubernetes.stale_since:
            return
        cluster, now = self._deployment.field.cluster, self._scheduler.now
        alarmed: set[str] | None = None
        for name, state in self.states.items():
            node = cluster.node(name)
            is_ready = node is not None and node.ready
            since = self._node_since.get(name)
            if is_ready or state != "enabled":
                self._node_since.pop(name, None)
                continue
            if since is None:
                self._node_since[name] = now
                continue
            if now - since < UNREADY_SECONDS or name in self._unready:
                continue
            if alarmed is None:
                alarmed = self._alarmed()
            if name not in alarmed:
                self._unready.add(name)
                self.say(
                    "unready",
                    f"{name} is enabled, its node was not Ready for {now - since:.0f} s,"
                    " and no alarm stands",
                )

    def _check_cost(self) -> None:
        """What does not change costs nothing, however many hosts are away."""
        server, now = self._deployment.server, self._scheduler.now
        changes = (self._changes, len(self.acts.windows))
        if changes != self._quiet_of:
            self._quiet_of, self._quiet_since = changes, now
            self._quiet_rows = server.rows["conductor"]
            return
        quiet = now - self._quiet_since
        if quiet < QUIET_SECONDS:
            return
        look = float(self._plan.options["liveness"]["period_seconds"])
        rows = (server.rows["conductor"] - self._quiet_rows) / quiet * look
        away = sum(state in AWAY for state in self.states.values())
        fleet = len(self.states) * 0.5
        most = QUIET_ROWS * self._plan.controllers + fleet + away * 0.3
        if rows > most:
            self.say("cost", f"{rows:.0f} rows a look at rest, {away} hosts away")
        self._quiet_of = (-1, -1)

    def _alarmed(self) -> set[str]:
        rows = self._database.execute("SELECT entity_instance_id FROM alarm").fetchall()
        return {
            row[0].removeprefix("host=").split(".")[0]
            for row in rows
            if row[0].startswith("host=")
        }

    def read(self, query: str) -> list[Any]:
        """Return rows of the database, for the rules of the end."""
        return self._database.execute(query).fetchall()

    def close(self) -> None:
        """See nothing more."""
        self._database.close()
