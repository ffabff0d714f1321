# SPDX-License-Identifier: Apache-2.0
"""What a host in an attacker's hands gets of the controller: part of bench/attack.py.

host_runs   playbooks that ran, by the real runner, on a host that answers each module with
            paths, templates and commands
host_reads  secrets that it was sent, and words of its that were evaluated; has to be 0
"""

import sys
from pathlib import Path
from typing import Any

from api_program import Program

from tests.attack.host.test_hostile_answers import OTHERS, RUNS
from tests.attack.host.world import World
from tests.fakes.hostile_host import CONTAINERD, HostileHost


def measure(_program: Program, folder: Path) -> dict[str, Any]:
    """Run every playbook on the hostile host; return what it got."""
    got: list[str] = []
    home = folder / "hostile"
    for name in ("host", "packed"):
        (home / name).mkdir(parents=True)
    host = HostileHost(home / "host")
    host.start()
    try:
        for number, (playbook, tags) in enumerate(RUNS.values()):
            host.be_honest()
            place = home / str(number)
            place.mkdir()
            world = World(folder=place, host=host, packed=home / "packed")
            host.be_poisoned(world.texts())
            listing = "\n".join([CONTAINERD, *world.texts()])
            host.modules["command"] = {
                "json": {"changed": True, "rc": 0, "stdout": listing}
            }
            world.run(playbook, tags=tags, variables=OTHERS.get(playbook))
            leaks = [f"{playbook}: {leak}" for leak in world.leaks()]
            print(f"  {playbook}: {len(leaks)} leaks", file=sys.stderr, flush=True)
            got += leaks
    finally:
        host.stop()
    for leak in got:
        print(f"  {leak}", file=sys.stderr, flush=True)
    return {"host_runs": len(RUNS), "host_reads": len(got)}
