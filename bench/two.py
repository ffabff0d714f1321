# SPDX-License-Identifier: Apache-2.0
"""Two of each process, each of them killed, stopped, frozen and cut off, in turn; PostgreSQL
restarted, and RabbitMQ away.

Needs root; everything is in namespaces of its own and ends with the process. The database, the
message broker, the three processes, SSH, Ansible and the agents' heartbeats are real; hosts
are addresses of one namespace, Kubernetes is pretended (tests/fakes). In each scenario one
host is unlocked and one is rebooted while the fault is there; the others only beat, each 5 s.

Prints one JSON line last:

scenarios   how many were played
broken      in how many of them something was not so:
            - no host that beats changes state, gets an alarm or an event, or a recovery run
            - the runs end well within RUN_SECONDS of the fault's end
            - no host is booted twice, or reported as booted without being so
            - at most one Ansible is at work on a host at any time
            - the other controller's API answers throughout; the one that is cut off from
              its database says 503, and the one that is not answers; after PostgreSQL was
              restarted both answer within 20 s
failures    what was not so, by scenario
seconds     how long it took
"""

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import requests
from two_faults import SCENARIOS, Scenario
from two_judge import Judge
from two_site import Site

UNLOCKED, REBOOTED = "edge-0", "edge-1"
"""The two that something is done to."""
HOSTS: Final = 6
FAULT_SECONDS: Final = 60.0
RUN_SECONDS: Final = 240.0
STEADY_SECONDS: Final = 600.0
TRIES: Final = 5
_INSIDE: Final = "HUMMINGBIRD_TWO_INSIDE"


def say(line: str) -> None:
    """Tell a person."""
    print(line, file=sys.stderr, flush=True)


def enter_namespaces() -> None:
    """Be in namespaces of our own: nothing outside is touched, nothing outlives us."""
    if os.environ.get(_INSIDE):
        return
    argv = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
    argv += ["--mount-proc", sys.executable, *sys.argv]
    os.execvpe("unshare", argv, {**os.environ, _INSIDE: "1"})  # noqa: S606


def wait(condition: Callable[[], object], *, seconds: float) -> bool:
    """Wait until `condition`; return whether it came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.25)
    return False


def keep(folder: Path, target: Path) -> None:
    """Copy logs and journals."""
    for path in (*folder.glob("*.log"), *folder.glob("hosts/*/journal")):
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)


class Bench:
    """The site, and what is asked of it."""

    def __init__(self, site: Site, *, fault_seconds: float) -> None:
        """:param fault_seconds: how long each fault lasts."""
        self.site = site
        self.fault_seconds = fault_seconds
        self.judge = Judge(site)
        self.failures: dict[str, list[str]] = {}

    def prepare(self) -> None:
        """Bring all hosts into service.

        :raises SystemExit: they don't come.
        """
        first = self.site.controllers[0]
        key = (self.site.folder / "client").read_text()
        answer = first.call(
            "POST",
            "credentials",
            {"name": "default", "user": "root", "private_key": key, "become": False},
        )
        assert answer.ok, answer.text
        for number, (name, address) in enumerate(self.site.addresses.items()):
            body = {
                "hostname": name,
                "personality": "edgeworker",
                "mgmt_mac": f"02:00:00:00:00:{number:02x}",
                "mgmt_ip": address,
            }
            answer = first.call("POST", "ihosts", body)
            assert answer.ok, answer.text
            self.act(name, "unlock", by=0)
        if not wait(self.judge.is_steady, seconds=STEADY_SECONDS):
            raise SystemExit(f"not all came: {self.judge.states()}")

    def act(self, name: str, action: str, *, by: int) -> None:
        """Ask controller `by` for an action."""
        body = [{"op": "replace", "path": "/action", "value": action}]
        for left in reversed(range(TRIES)):
            try:
                answer = self.site.controllers[by].call("PATCH", f"ihosts/{name}", body)
                break
            except requests.ConnectionError:
                # A handshake that takes too long on a busy machine is given up.
                if not left:
                    raise
                time.sleep(1.0)
        if not answer.ok:
            raise RuntimeError(
                f"{action} of {name}: {answer.status_code} {answer.text}"
            )

    def play(self, scenario: Scenario) -> None:
        """Play one scenario and judge it."""
        say(f"--- {scenario.name}")
        other = 1 - scenario.controller
        self.act(UNLOCKED, "lock", by=other)
        self.act(REBOOTED, "lock", by=other)
        self.judge.await_runs(seconds=RUN_SECONDS)
        self.judge.begin(busy=(UNLOCKED, REBOOTED))
        self.act(UNLOCKED, "reinstall", by=other)
        self.act(REBOOTED, "reboot", by=other)
        wait(self.judge.is_at_work, seconds=30.0)
        began = time.monotonic()
        scenario.strike(self.site)
        self.judge.turned()
        try:
            while time.monotonic() - began < self.fault_seconds:
                self.judge.look(scenario, is_over=False)
                time.sleep(1.0)
        finally:
            scenario.heal(self.site)
            self.judge.turned()
        if not self.judge.await_runs(seconds=RUN_SECONDS):
            self.judge.blame(f"runs don't end: {self.judge.open_runs()}")
        # What a fault leaves behind may come later than its end.
        wait(lambda: self.judge.look(scenario, is_over=True), seconds=20.0)
        found = self.judge.end()
        self.fail(scenario, *found)

    def settle(self, scenario: Scenario) -> None:
        """Have all as it was before, for the next one."""
        other = 1 - scenario.controller
        for name in (UNLOCKED, REBOOTED):
            with contextlib.suppress(RuntimeError, requests.RequestException):
                self.act(name, "unlock", by=other)
        if not wait(self.judge.is_steady, seconds=STEADY_SECONDS):
            self.fail(
                scenario,
                f"not steady {STEADY_SECONDS:.0f} s after it: {self.judge.states()}",
            )

    def fail(self, scenario: Scenario, *texts: str) -> None:
        """Keep, and say, what was not so."""
        for text in texts:
            self.failures.setdefault(scenario.name, []).append(text)
            say(f"    {text}")


def main() -> int:
    """Play; return 1 where something was not so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="scenarios whose name has this text")
    parser.add_argument(
        "--seconds", type=float, default=FAULT_SECONDS, help="how long each fault lasts"
    )
    parser.add_argument(
        "--hosts", type=int, default=HOSTS, help="how many there are: three or more"
    )
    parser.add_argument("--keep", help="a folder to which the logs are copied")
    arguments = parser.parse_args()
    enter_namespaces()
    began = time.monotonic()
    chosen = [one for one in SCENARIOS if arguments.only in one.name]
    folder = Path(tempfile.mkdtemp(prefix="hb-two-"))
    folder.chmod(0o755)
    site = Site(folder, hosts=arguments.hosts)
    try:
        site.start()
        bench = Bench(site, fault_seconds=arguments.seconds)
        bench.prepare()
        say(
            f"{arguments.hosts} hosts are in service after {time.monotonic() - began:.0f} s"
        )
        for scenario in chosen:
            try:
                bench.play(scenario)
            except (RuntimeError, requests.RequestException) as error:
                bench.fail(scenario, f"it can't be played: {error}")
            bench.settle(scenario)
    finally:
        site.stop()
        if arguments.keep:
            keep(folder, Path(arguments.keep))
        shutil.rmtree(folder, ignore_errors=True)
    print(
        json.dumps(
            {
                "broken": len(bench.failures),
                "scenarios": len(chosen),
                "seconds": round(time.monotonic() - began),
                "failures": bench.failures,
            }
        )
    )
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
