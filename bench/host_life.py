# SPDX-License-Identifier: Apache-2.0
"""How long each part of a host's life takes, and what is left of it on the host.

One lab, one host on the management network, one product with its defaults.  Prints one
JSON line last; seconds are wall clock:

add_s                     `hummingbird host-add`, the whole command
provision_first_s         the first run, from its start to the playbook's last role
provision_first_changed   tasks of it that changed something on the host
provision_second_s        the same host, nothing to do: a provisioning that is asked for anew
provision_second_changed  tasks of that one that changed something
join_to_ready_s           the start of `kubeadm join`, to the node's Ready as Kubernetes
                          stamps it (whole seconds)
first_heartbeat_s         the request to unlock, to the first heartbeat
power_off_to_critical_s   the plug is pulled, to the critical alarm as the API shows it
power_on_to_clear_s       the plug is in again, to the alarm's end
retire_s                  the request to delete, to the host's end in the inventory
residue                   what differs on the host from before it was added
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hummingbird_lab.lab import Lab
from hummingbird_lab.product import Product
from hummingbird_lab.residue import difference, snapshot
from hummingbird_lab.witness import Witness

FOLDER = Path("/var/tmp/hummingbird-bench")  # noqa: S108 -- on a disk, for the overlays
HOST = "edge-0"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _seconds(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


class Bench:
    """One host's life, measured."""

    def __init__(self, lab: Lab, product: Product) -> None:
        self.lab = lab
        self.product = product
        self.witness = Witness(product)
        self.found: dict[str, Any] = {}

    def note(self, name: str, value: Any) -> None:
        """Keep a figure, and say it."""
        self.found[name] = round(value, 2) if isinstance(value, float) else value
        _say(f"{name}: {self.found[name]}")

    def run(self) -> dict[str, Any]:
        """Measure everything; return the figures."""
        before = snapshot(self.lab, HOST)
        self.product.add_credential()
        self.note("add_s", _seconds(lambda: self.product.add_host(HOST)))
        run = self.provision("first")
        self.note("join_to_ready_s", self.join_to_ready(run))
        heard = self.witness.steps(run)["heartbeat"]
        self.note("first_heartbeat_s", _between(run["queued_at"], heard))
        self.product.cli("host-lock", HOST, "--wait")
        self.provision("second", command="host-reinstall")
        self.product.cli("host-unlock", HOST, "--wait")
        self.power()
        self.product.cli("host-lock", HOST, "--wait")
        self.note("retire_s", _seconds(self.retire))
        self.note("residue", difference(before, snapshot(self.lab, HOST)))
        return self.found

    def provision(self, which: str, *, command: str = "host-unlock") -> dict[str, Any]:
        """Provision by `command` and note what that took; return the run."""
        self.product.cli(command, HOST, "--wait", timeout_s=1800)
        run = self.witness.run(HOST)
        provisioned = self.witness.steps(run)["agents"]
        self.note(f"provision_{which}_s", _between(run["started_at"], provisioned))
        self.note(f"provision_{which}_changed", run["changed"])
        return run

    def join_to_ready(self, run: dict[str, Any]) -> float:
        """Return the seconds from the start of the join to the node's being Ready."""
        (join,) = [
            event
            for event in self.witness.events(run)
            if event["step"] == "kubernetes_node" and event["task"] == "Join"
        ]
        ended = datetime.fromisoformat(join["at"])
        began = ended - timedelta(seconds=join["duration_seconds"])
        node = json.loads(
            self.product.kubectl("get", "node", HOST, "-o", "json").stdout
        )
        (ready,) = [
            one for one in node["status"]["conditions"] if one["type"] == "Ready"
        ]
        return _between(began, datetime.fromisoformat(ready["lastTransitionTime"]))

    def power(self) -> None:
        """Pull the plug and put it back."""
        began = time.monotonic()
        self.lab.fault.power_off(HOST)
        self.witness.wait(
            "critical", lambda: self.witness.silence(HOST) == "critical", timeout_s=120
        )
        self.note("power_off_to_critical_s", time.monotonic() - began)
        began = time.monotonic()
        self.lab.fault.power_on(HOST)
        self.witness.wait(
            "cleared", lambda: self.witness.silence(HOST) is None, timeout_s=300
        )
        self.note("power_on_to_clear_s", time.monotonic() - began)
        self.witness.wait(
            "back in service",
            lambda: (self.witness.host(HOST) or {}).get("availability") == "available",
            timeout_s=120,
        )

    def retire(self) -> None:
        """Delete the host and wait until it is gone."""
        self.product.cli("host-delete", HOST)
        self.witness.wait(
            "gone", lambda: self.witness.host(HOST) is None, timeout_s=300
        )


def _between(begin: str | datetime, end: datetime) -> float:
    if isinstance(begin, str):
        begin = datetime.fromisoformat(begin)
    return (end - begin).total_seconds()


def main() -> int:
    """Run the bench; the process's exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dir", type=Path, default=FOLDER, help="the lab's folder")
    given = parser.parse_args()
    with (
        Lab.up(given.dir, hosts=(HOST,), images=True, say=_say) as lab,
        Product(lab) as product,
    ):
        product.start()
        found = Bench(lab, product).run()
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
