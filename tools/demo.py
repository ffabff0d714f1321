# SPDX-License-Identifier: Apache-2.0
"""`make demo`: a host's life from its box to its retirement, with the times of it all.

Brings up a lab, runs Hummingbird in it, and types the commands that an operator would;
what they print is what is seen.  Everything is taken down at the end; with KEEP=1 it is
left running.  Exit status 0 only if all of the story came true.
"""

import argparse
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hummingbird_lab.errors import LabError
from hummingbird_lab.lab import Lab
from hummingbird_lab.life import down
from hummingbird_lab.product import Product
from hummingbird_lab.residue import difference, snapshot
from hummingbird_lab.witness import Witness

FOLDER = Path("/var/tmp/hummingbird-demo")  # noqa: S108 -- on a disk, for the overlays
SHOWN = "edge-0"
"""The host on the management network, which loses its power."""
RETIRED = "edge-1"
"""The host on the routed network, which is retired."""
HIDDEN = "edge-2"
"""The host behind a gateway that lets out UDP and nothing else."""


class Stage:
    """Tells the story on standard output and keeps the times."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._act = 0
        self.times: list[tuple[str, str]] = []

    def act(self, title: str) -> None:
        """Begin a part of the story."""
        self._act += 1
        elapsed = time.monotonic() - self._began
        bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
        self.say(f"\n{bold}{self._act}. {title}{plain}  [{elapsed:.0f} s]")

    def say(self, line: str) -> None:
        """Print a line at once."""
        print(line, flush=True)

    def note(self, what: str, seconds: float) -> None:
        """Keep a time for the summary, and say it."""
        self.times.append((what, f"{seconds:.1f} s"))
        self.say(f"=> {what}: {seconds:.1f} s")

    def summary(self) -> None:
        """Print all times."""
        width = max(len(what) for what, _ in self.times)
        for what, value in self.times:
            self.say(f"   {what:{width}}  {value:>9}")


class Demo:
    """The story, act by act."""

    def __init__(self, lab: Lab, stage: Stage) -> None:
        self.lab = lab
        self.stage = stage
        self.product = Product(lab)
        self.witness = Witness(self.product)

    def play(self) -> None:
        """Play it all.

        :raises LabError: something did not come true.
        """
        self.start()
        before = snapshot(self.lab, RETIRED)
        self.add()
        self.bring()
        self.unlock()
        self.look()
        self.lose()
        self.find_again()
        self.retire(before)

    def type(self, *words: str) -> float:
        """Show a command of the product and run it; return its seconds.

        :raises LabError: it did not end well.
        """
        self.stage.say(f"$ hummingbird {shlex.join(words)}")
        began = time.monotonic()
        status = self.product.cli_live(*words)
        if status:
            raise LabError(
                f"hummingbird {shlex.join(words)} ended with status {status}"
            )
        return time.monotonic() - began

    def kubectl(self, *words: str) -> None:
        """Show a kubectl command and what it prints."""
        self.stage.say(f"$ kubectl {shlex.join(words)}")
        self.stage.say(self.product.kubectl(*words).stdout.rstrip())

    def timed(self, what: str, action: Callable[[], object]) -> None:
        """Note how long something takes."""
        began = time.monotonic()
        action()
        self.stage.note(what, time.monotonic() - began)

    def start(self) -> None:
        """Start the control plane."""
        self.stage.act("The control plane: API, conductor and gateway in one process")
        self.stage.say("$ hummingbird up &")
        self.timed("hummingbird up, until it is ready", self.product.start)

    def add(self) -> None:
        """Say how to get into hosts, where they are, and which."""
        self.stage.act(
            "Three boxes with somebody else's Linux are put into the inventory"
        )
        self.type(
            *("credential-add", "default", "--user", self.lab.ssh_user),
            *("--private-key", str(self.lab.ssh_key), "-c", "name", "-c", "user"),
        )
        self.type(
            *("emn-add", "shops", "--cidr", "10.20.0.0/24", "--attachment", "routed"),
            *("-c", "name", "-c", "cidr", "-c", "attachment"),
        )
        self.type(
            *("emn-add", "kiosks", "--cidr", "10.30.0.0/24"),
            *("--attachment", "wireguard", "-c", "name", "-c", "cidr"),
            *("-c", "attachment"),
        )
        for name in (SHOWN, RETIRED, HIDDEN):
            plan = self.lab.hosts[name]
            self.type(
                *("host-add", "-n", name, "-i", plan.address, "-m", plan.mac),
                *("-c", "hostname", "-c", "mgmt_ip", "-c", "administrative"),
            )
        self.type("host-list")

    def bring(self) -> None:
        """Let somebody who stands before the hidden host run a script there."""
        self.stage.act(f"{HIDDEN} is behind NAT: somebody there runs a script, once")
        self.stage.say(
            f"$ hummingbird host-bootstrap {HIDDEN} --bundle /usr/bin --output {HIDDEN}.sh"
        )
        self.stage.say(f"on {HIDDEN}: $ sudo sh {HIDDEN}.sh")
        began = time.monotonic()
        self.stage.say(self.product.bootstrap(HIDDEN).rstrip())
        self.stage.note("the script, until it is connected", time.monotonic() - began)

    def unlock(self) -> None:
        """Bring all into service at the same time."""
        self.stage.act("Unlock: provision over SSH, join Kubernetes, wait to be heard")
        seconds = self.type("host-unlock", SHOWN, RETIRED, HIDDEN, "--wait")
        self.stage.note("three hosts from bare Linux to in service", seconds)

    def look(self) -> None:
        """Look at what came of it."""
        self.stage.act("They are nodes, they run the agents, they are heard")
        self.kubectl("get", "nodes", "-o", "wide")
        self.kubectl("get", "pods", "-n", "hummingbird", "-o", "wide")
        self.type("host-list")
        self.type(
            *("heartbeat-list", "-c", "hostname", "-c", "liveness"),
            *("-c", "age_seconds", "-c", "period_seconds", "-c", "last_heard_at"),
        )
        self.type(
            *("tunnel-list", "-c", "hostname", "-c", "state", "-c", "address"),
            *("-c", "endpoint", "-c", "handshake_age", "-c", "key_age"),
        )
        self.type("facts-show", SHOWN, "--max-width", "100")

    def lose(self) -> None:
        """Pull the plug of one."""
        self.stage.act(f"Somebody pulls the plug of {SHOWN}")
        began = time.monotonic()
        self.lab.fault.power_off(SHOWN)
        self.witness.wait(
            "a major alarm",
            lambda: self.witness.silence(SHOWN) is not None,
            timeout_s=90,
        )
        self.stage.note("power off to the first alarm", time.monotonic() - began)
        self.witness.wait(
            "a critical alarm",
            lambda: self.witness.silence(SHOWN) == "critical",
            timeout_s=90,
        )
        self.stage.note("power off to the critical alarm", time.monotonic() - began)
        self.type(
            *("alarm-list", "-c", "alarm_id", "-c", "severity", "-c", "reason_text"),
            *("-c", "timestamp"),
        )
        self.type("host-list")

    def find_again(self) -> None:
        """Plug it in again."""
        self.stage.act("It is plugged in again, and comes back by itself")
        began = time.monotonic()
        self.lab.fault.power_on(SHOWN)
        self.witness.wait(
            "the alarm is cleared",
            lambda: self.witness.silence(SHOWN) is None,
            timeout_s=300,
        )
        self.stage.note("power on to the alarm's end", time.monotonic() - began)
        self.witness.wait(
            "back in service",
            lambda: (self.witness.host(SHOWN) or {}).get("availability") == "available",
            timeout_s=120,
        )
        self.stage.note("power on to back in service", time.monotonic() - began)
        self.type("host-list")
        self.type(
            *("event-list", "--host", SHOWN, "-c", "timestamp", "-c", "state"),
            *("-c", "event_log_id", "-c", "reason_text", "--max-width", "110"),
        )

    def retire(self, before: dict[str, object]) -> None:
        """Take the other one away, and look for what is left on it."""
        self.stage.act(f"{RETIRED} is retired: nothing of ours may be left on it")
        self.type("host-lock", RETIRED, "--wait")
        seconds = self.type("host-delete", RETIRED, "--wait")
        self.stage.note("retire", seconds)
        left = difference(before, snapshot(self.lab, RETIRED))
        self.stage.say(
            f"what differs on {RETIRED} from before we knew it (packages, units, files,"
            f" users, routes, sysctls, interfaces, firewall): {left}"
        )
        if left:
            raise LabError(f"{len(left)} things are left on {RETIRED}")
        self.kubectl("get", "nodes")
        self.type("host-list")


def _how_to_look_around(demo: Demo) -> str:
    lab = f"{Path(sys.executable).parent / 'hummingbird-lab'} --dir {demo.lab.folder}"
    run = f"HUMMINGBIRD_STATE={demo.product.state} {lab} exec controller"
    return f"""
It is all still running. To look around:
  {run} {demo.product.program()} host-list
  {lab} exec controller kubectl get pods -A -o wide
  {lab} ssh {SHOWN}
  {lab} fault cut {SHOWN}        (and: fault --help)
  tail -f {demo.product.log()}
To end it:
  {lab} down"""


def _failed(folder: Path, error: Exception) -> None:
    logs = sorted(folder.glob("product/*.log")) + sorted(folder.glob("run/*.log"))
    print(f"\nThe demo failed: {error}", file=sys.stderr)
    print("Logs:", *logs, sep="\n  ", file=sys.stderr)


def main() -> int:
    """Play the demo; the process's exit status."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--dir", type=Path, default=FOLDER, help="the lab's folder")
    given = parser.parse_args()
    keep = os.environ.get("KEEP", "") not in ("", "0")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stage = Stage()
    stage.act("A small world: three hosts, three networks, a Kubernetes, no internet")
    try:
        began = time.monotonic()
        lab = Lab.up(
            given.dir,
            hosts=(SHOWN, RETIRED, HIDDEN),
            images=True,
            say=stage.say,
            ends_with_caller=not keep,
        )
        stage.note("the lab, with Kubernetes", time.monotonic() - began)
        demo = Demo(lab, stage)
        demo.play()
    except (LabError, OSError) as error:
        _failed(given.dir, error)
        down(given.dir, keep=True)
        return 1
    except KeyboardInterrupt:
        stage.say("\nInterrupted; taking it down.")
        down(given.dir)
        return 130
    stage.act("All of it came true")
    stage.summary()
    if keep:
        stage.say(_how_to_look_around(demo))
    else:
        demo.product.stop()
        down(given.dir)
        stage.say("Taken down: nothing is left running.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
