# SPDX-License-Identifier: Apache-2.0
"""Runs one playbook with the real runner; a program, so that it can be run inside a lab.

Reads one JSON object on standard input (the arguments of `AnsibleRunner.run` and where
the folders are), prints each event as a JSON line and the result as the last one.
"""

import dataclasses
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from hummingbird.adapters.ansible.playbook import HostAccess, PlaybookEvent
from hummingbird.adapters.ansible.runner import AnsibleRunner


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def main() -> None:
    given = json.loads(sys.stdin.readline())
    scratch = Path(given["scratch"])
    runner = AnsibleRunner(
        Path(given["playbooks"]), scratch, packed=scratch.with_name("modules")
    )

    def tell(event: PlaybookEvent) -> None:
        say(event=dataclasses.asdict(event))

    began = time.monotonic()
    result = runner.run(
        given["playbook"],
        access=HostAccess(**given["access"]),
        hostname=given["hostname"],
        variables=given["variables"],
        on_event=tell,
        should_cancel=lambda: False,
        timeout_seconds=given.get("timeout_seconds", 600.0),
        tags=given.get("tags", ()),
    )
    facts = dataclasses.asdict(dataclasses.replace(result, error=None))
    facts["error"] = result.error.code if result.error else None
    facts["seconds"] = time.monotonic() - began
    for who in ("SELF", "CHILDREN"):
        used = resource.getrusage(getattr(resource, f"RUSAGE_{who}"))
        facts[f"peak_kib_{who.lower()}"] = used.ru_maxrss
        facts[f"cpu_seconds_{who.lower()}"] = used.ru_utime + used.ru_stime
    say(result=facts)


if __name__ == "__main__":
    main()
