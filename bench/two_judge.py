# SPDX-License-Identifier: Apache-2.0
"""Sees what happened to hosts, by the database, their journals and the processes."""

import contextlib
import json
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import psycopg
import requests
from psycopg.rows import dict_row
from two_faults import Scenario
from two_site import DATABASE, Site

from tests.postgresql_server import USER
from tests.processes import with_argument

_RUNNER: Final = "hummingbird.adapters.ansible.program"
_UNSETTLED: Final = ("queued", "running")
_SAYS_503_SECONDS: Final = 20.0
"""A database that is silent is known as away by then."""


class Judge:
    """Notes what was not as it must be, one scenario at a time."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._socket = str(Path(site.postgresql.socket).parent)
        self._blamed: list[str] = []
        self._busy: Collection[str] = ()
        self._began: dict[str, Any] = {}
        self._turned_at = 0.0

    # --- what there is -------------------------------------------------------------------

    def query(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Return rows of the database."""
        with psycopg.connect(
            host=self._socket,
            user=USER,
            dbname=DATABASE,
            autocommit=True,
            row_factory=dict_row,
        ) as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def states(self) -> dict[str, str]:
        """Return each host's state."""
        rows = self.query("SELECT hostname, state, online FROM host ORDER BY id")
        return {
            row["hostname"]: row["state"] + ("" if row["online"] else " silent")
            for row in rows
        }

    def is_steady(self) -> bool:
        """Whether all hosts are in service, nothing is wrong or under way, and who was
        started again answers."""
        return (
            set(self.states().values()) == {"enabled"}
            and not self._host_alarms()
            and not self.open_runs()
            and all(self._health(one.number) == 200 for one in self._site.controllers)
        )

    def open_runs(self) -> list[str]:
        """Return runs that have not ended."""
        rows = self.query(
            "SELECT hostname, kind, state, attempt, owner, current_step FROM run"
            " WHERE state = ANY(%s)",
            list(_UNSETTLED),
        )
        return [json.dumps(row, default=str) for row in rows]

    def is_at_work(self) -> bool:
        """Whether something is being done to a host."""
        return any('"running"' in one for one in self.open_runs())

    def await_runs(self, *, seconds: float) -> bool:
        """Wait until no run is open; return whether that came in time."""
        deadline = time.monotonic() + seconds
        while self.open_runs():
            if time.monotonic() > deadline:
                return False
            self._supervise()
            self._look_at_playbooks()
            time.sleep(0.25)
        return True

    def _host_alarms(self) -> list[str]:
        rows = self.query("SELECT alarm_id, entity_instance_id FROM alarm")
        return [
            f"{row['alarm_id']} {row['entity_instance_id']}"
            for row in rows
            if "host=edge-" in row["entity_instance_id"]
        ]

    # --- one scenario ------------------------------------------------------------------------

    def begin(self, *, busy: Collection[str]) -> None:
        """Begin to look; to hosts in `busy` something is done."""
        self._blamed = []
        self._busy = busy
        self.turned()
        (row,) = self.query(
            "SELECT (SELECT coalesce(max(id), 0) FROM event_log) AS event,"
            " (SELECT coalesce(max(id), 0) FROM run) AS run"
        )
        self._began = {
            **row,
            "hosts": self._facts(),
            "journals": {name: len(self._journal(name)) for name in self._site.names},
            "upgrades": self._site.kubernetes.kubernetes.release_upgrades(),
        }

    def blame(self, text: str) -> None:
        """Note what was not as it must be."""
        if text not in self._blamed:
            self._blamed.append(text)

    def turned(self) -> None:
        """Know that something happened just now, or ended."""
        self._turned_at = time.monotonic()

    def look(self, scenario: Scenario, *, is_over: bool) -> bool:
        """Look once; returns False."""
        self._look_at_playbooks()
        self._look_at_hosts()
        self._look_at_apis(scenario, is_over=is_over)
        if is_over:
            self._supervise()
        return False

    def end(self) -> list[str]:
        """Return what was not as it must be."""
        self._look_at_hosts()
        for row in self.query(
            "SELECT kind, hostname FROM run WHERE id > %s AND kind = 'recover'",
            self._began["run"],
        ):
            self.blame(f"recovery run of {row['hostname']}")
        for row in self.query(
            "SELECT state, event_log_id, entity_instance_id, reason_text FROM event_log"
            " WHERE id > %s ORDER BY id",
            self._began["event"],
        ):
            entity = row["entity_instance_id"]
            if any(f"host={name}" in entity for name in self._idle()):
                self.blame(
                    f"event {row['state']} {row['event_log_id']} {entity}:"
                    f" {row['reason_text'][:80]}"
                )
        self._judge_runs()
        upgrades = self._site.kubernetes.kubernetes.release_upgrades()
        if upgrades != self._began["upgrades"]:
            self.blame("the agents' chart was changed, so that all agents restarted")
        return self._blamed

    def _judge_runs(self) -> None:
        rows = self.query(
            "SELECT hostname, kind, state, error FROM run WHERE id > %s",
            self._began["run"],
        )
        for row in rows:
            if row["state"] != "succeeded":
                self.blame(
                    f"{row['kind']} of {row['hostname']} {row['state']}: {row['error']}"
                )
        for name in self._site.names:
            lines = self._journal(name)[self._began["journals"][name] :]
            booted = sum(" power " in line for line in lines)
            asked = sum(
                row["hostname"] == name and row["kind"] == "reboot" for row in rows
            )
            if booted != asked:
                self.blame(f"{name} was booted {booted} times, and asked {asked} times")

    # --- looks -----------------------------------------------------------------------------

    def _idle(self) -> list[str]:
        return [name for name in self._site.names if name not in self._busy]

    def _facts(self) -> dict[str, tuple[object, ...]]:
        rows = self.query(
            "SELECT hostname, state, state_since, online FROM host ORDER BY id"
        )
        return {
            row["hostname"]: (row["state"], row["state_since"], row["online"])
            for row in rows
        }

    def _look_at_hosts(self) -> None:
        now = self._facts()
        for name in self._idle():
            if now[name] != self._began["hosts"][name]:
                self.blame(f"{name} is {now[name][0]}, online: {now[name][2]}")
        for alarm in self._host_alarms():
            if any(f"host={name}" in alarm for name in self._idle()):
                self.blame(f"alarm {alarm}")

    def _look_at_playbooks(self) -> None:
        """Note where two playbooks are at work on one host."""
        at_work: dict[str, set[str]] = {}
        for line in with_argument(_RUNNER).values():
            for word in line.split():
                place = word.rpartition("/runs/")[2].split("/")[0]
                if not place.startswith("run-") or "/runs/" not in word:
                    continue
                folder = Path(word.partition("/runs/")[0]) / "runs" / place
                with contextlib.suppress(OSError, ValueError):
                    known = json.loads((folder / "inventory.json").read_text())
                    address = _address(known)
                    at_work.setdefault(address, set()).add(str(folder))
        for address, folders in at_work.items():
            if len(folders) > 1:
                self.blame(f"{len(folders)} playbooks at {address} at once")
        for name in self._site.names:
            since = self._began.get("journals", {}).get(name, 0)
            if any(" overlap " in line for line in self._journal(name)[since:]):
                self.blame(f"two playbooks' tasks on {name} at once")

    def _look_at_apis(self, scenario: Scenario, *, is_over: bool) -> None:
        settled = time.monotonic() - self._turned_at > _SAYS_503_SECONDS
        status = self._health(1 - scenario.controller)
        may_be_away = scenario.is_shared and not settled
        if status != 200 and not (may_be_away and status == 503):
            self.blame(f"the other controller's API says {status}")
        if is_over or scenario.answers is None:
            return
        status = self._health(scenario.controller)
        if status != scenario.answers and (settled or scenario.answers == 200):
            self.blame(f"the API of the controller at fault says {status}")

    def _health(self, number: int) -> int | str:
        try:
            answer = self._site.controllers[number].call("GET", "health", timeout=15)
            return int(answer.status_code)
        except requests.RequestException as error:
            return type(error).__name__

    def _journal(self, name: str) -> list[str]:
        try:
            return (self._site.host(name).folder / "journal").read_text().splitlines()
        except OSError:
            return []

    def _supervise(self) -> None:
        for process in self._site.processes:
            if process.watch():
                self.blame(f"{process.name} ended by itself")


def _address(inventory: Any) -> str:
    """Return the address in a playbook's inventory, wherever it stands."""
    if isinstance(inventory, dict):
        if "ansible_host" in inventory:
            return str(inventory["ansible_host"])
        for value in inventory.values():
            with contextlib.suppress(ValueError):
                return _address(value)
    raise ValueError("no address")
