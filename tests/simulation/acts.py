# SPDX-License-Identifier: Apache-2.0
"""What was done to hosts, and what the runs say of it.

Each power action is noted with the run in whose name it was done: a run does a thing once,
says that it did what it did, fails for a reason, and recovery keeps to its limits.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.simulation.faults import Window
from tests.simulation.field import Host
from tests.simulation.plan import Plan
from tests.simulation.scheduler import Scheduler

BOOTS: Final = frozenset({"reboot", "reset", "board reset"})
POWER: Final = BOOTS | {"board on", "board off", "power_off"}
COLUMNS: Final = "id, hostname, kind, state, attempt, owner, error"
"""Of the table run: what `Acts.read` takes."""

Say = Callable[[str, str], None]
"""Notes a violation: its rule, and a sentence."""


@dataclass
class RunSeen:
    """A run as it was last read."""

    id: int
    hostname: str
    kind: str
    state: str
    attempt: int
    owner: str | None
    error: str | None
    seen_at: float
    ended_at: float | None = None
    started_at: float | None = None


@dataclass
class Act:
    """Something that was done to a host."""

    at: float
    what: str
    run: int | None
    by: str


class Acts:
    """Watches runs and what they do."""

    def __init__(
        self, scheduler: Scheduler, plan: Plan, hosts: Mapping[str, Host], *, say: Say
    ) -> None:
        self.runs: dict[int, RunSeen] = {}
        self.acts: dict[str, list[Act]] = defaultdict(list)
        """By host name."""
        self.lost_at: dict[str, float] = {}
        """When a host was last judged lost."""
        self.windows: list[Window] = []
        """The faults that were and are."""
        self._scheduler = scheduler
        self._plan = plan
        self._hosts = hosts
        self.say = say

    def acted(self, host: Host, what: str, by: str) -> None:
        """Somebody has done something to a host."""
        run = _run_of(by)
        self._scheduler.note(f"{host.name}: {what} by {by}")
        acts = self.acts[host.name]
        if run is not None and what in POWER:
            before = [act for act in acts if act.run == run and act.what == what]
            # A power-off by a board cuts the power where a shutdown did not help.
            if before:
                self.say("twice", f"{what} of {host.name} by run {run}, {by}")
        acts.append(Act(self._scheduler.now, what, run, by))
        if run is not None and what in BOOTS:
            self._check_limits(host, acts)

    def _check_limits(self, host: Host, acts: list[Act]) -> None:
        recovery = [
            act
            for act in acts
            if act.what in BOOTS
            and act.run is not None
            and self.runs.get(act.run, _NO_RUN).kind == "recover"
        ]
        now = self._scheduler.now
        options = self._plan.options["recovery"]
        day = [act for act in recovery if now - act.at <= 86_400.0]
        if len(day) > int(options["max_reboots_per_day"]):
            self.say("limits", f"{host.name}: {len(day)} reboots within a day")
        lost_at = self.lost_at.get(host.name, 0.0)
        loss = [act for act in recovery if act.at >= lost_at]
        if len(loss) > int(options["max_reboots_per_loss"]):
            self.say("limits", f"{host.name}: {len(loss)} reboots for one loss")

    def overlapped(self, host: Host, text: str) -> None:
        """Two playbooks are at work on a host."""
        self.say("overlap", f"{host.name}: {text}")

    def read(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Take in the runs as they are stored: the columns that RunSeen begins with."""
        now = self._scheduler.now
        for row in rows:
            known = self.runs.get(row[0])
            if known is None:
                known = self.runs[row[0]] = _seen(row, at=now)
                self._scheduler.note(
                    f"run {known.id}: {known.kind} of {known.hostname}"
                )
            elif (known.state, known.attempt, known.owner) != (row[3], row[4], row[5]):
                before = known.state
                known.state, known.attempt, known.owner, known.error = row[3:]
                self._scheduler.note(
                    f"run {known.id}: {before} -> {known.state}"
                    f" (attempt {known.attempt}, {known.owner or known.error or ''})"
                )
                if known.state == "running" and known.started_at is None:
                    known.started_at = now
                if known.state in ("succeeded", "failed", "cancelled"):
                    known.ended_at = now
                    self._check_end(known)

    def _check_end(self, run: RunSeen) -> None:
        boots = {"reboot": BOOTS, "reset": BOOTS}.get(run.kind)
        acts = [act for act in self.acts[run.hostname] if act.run == run.id]
        was_done = boots is None or any(act.what in boots for act in acts)
        if run.state == "succeeded" and not was_done:
            self.say(
                "not done",
                f"run {run.id} says it did a {run.kind} of {run.hostname},"
                " which never was",
            )
        is_ours = run.state == "failed" and run.kind != "recover"
        if is_ours and self._cause(run) is None:
            self.say(
                "failed",
                f"run {run.id}, {run.kind} of {run.hostname}, failed with nothing"
                f" wrong: {run.error}",
            )

    def _cause(self, run: RunSeen) -> str | None:
        """Return what may have made a run fail."""
        host = self._hosts.get(run.hostname)
        if host is None:
            return "no host"
        if not host.has_power or host.is_broken or not host.is_up:
            return "the host"
        for window in self._windows(run.seen_at - 90.0):
            fault = window.fault
            match fault.kind:
                case "kubernetes" | "stale" | "database" | "weather" | "spoil":
                    return fault.kind
                case "link" | "crash":
                    return fault.kind
                case "cut" | "unplug" | "udp" | "power" | "reboot" | "anew" | "hang":
                    if fault.target == run.hostname:
                        return fault.kind
                case "unready" | "board":
                    if fault.target == run.hostname:
                        return fault.kind
                case "site":
                    if host.site == fault.target:
                        return fault.kind
                case "freeze" | "kill" | "terminate" | "trap":
                    # Nobody to hear it, if it was all of the gateways.
                    if "gateway" in fault.target or "gateway" in fault.detail:
                        return fault.kind
        return None

    def _windows(self, since: float) -> Iterable[Window]:
        return [one for one in self.windows if one.end >= since]


_NO_RUN: Final = RunSeen(0, "", "", "", 0, None, None, 0.0)


def _run_of(by: str) -> int | None:
    """Return which run a thread works on, by its name."""
    for word in by.split():
        if word.startswith("run-") and word[4:].isdigit():
            return int(word[4:])
    return None


def _seen(row: tuple[Any, ...], *, at: float) -> RunSeen:
    number, hostname, kind, state, attempt, owner, error = row
    return RunSeen(number, hostname, kind, state, attempt, owner, error, at)
