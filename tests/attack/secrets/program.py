# SPDX-License-Identifier: Apache-2.0
"""Uses every secret in namespaces of its own, and prints what was found as one line of JSON:

    unshare … (NAMESPACES) python -m tests.attack.secrets.program \\
        [--thorough]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from tests.attack.secrets.use import use
from tests.attack.secrets.watch import PROGRAM
from tests.attack.secrets.world import World
from tests.free_port import free_port

NAMESPACES: Final = (
    *("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc"),
    *("setpriv", "--bounding-set=-sys_time,-sys_module,-sys_rawio", "--"),
)
"""What it is run in."""


def _alone() -> None:
    """Have folders of our own where others put theirs, and a loopback."""
    here = Path.cwd()
    for place in ("/tmp", "/dev/shm", "/run"):
        # The program may be below one of them.
        kept = {
            folder: os.open(folder, os.O_PATH)
            for folder in sorted(PROGRAM)
            if Path(place) in Path(folder).parents
        }
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "mode=1777", "own", place], check=True
        )
        for folder, descriptor in kept.items():
            Path(folder).mkdir(parents=True, exist_ok=True)
            subprocess.run(
                ["mount", "-c", "--bind", f"/proc/self/fd/{descriptor}", folder],
                pass_fds=[descriptor],
                check=True,
            )
            os.close(descriptor)
    os.chdir(here)
    Path("/run/sshd").mkdir()
    for words in ("link set lo up", "addr add 198.18.0.1/24 dev lo"):
        subprocess.run(["ip", *words.split()], check=True)


@contextmanager
def _broker(folder: Path, *, is_there: bool) -> Iterator[str]:
    """Yield the URL of a RabbitMQ, with its password."""
    password = uuid4().hex
    if not is_there:
        yield f"rabbit://guest:{password}@127.0.0.1:{free_port()}/"
        return
    from tests.functional.rpc.conftest import Broker

    folder.mkdir()
    broker = Broker(folder, password=password)
    broker.start()
    try:
        yield broker.url
    finally:
        broker.end()


def main() -> int:
    """Do it; the process's exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--thorough", action="store_true")
    given = parser.parse_args()
    began = time.monotonic()
    _alone()
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp", prefix="hb-secrets-") as name,
        _broker(Path(name) / "broker", is_there=given.thorough) as url,
    ):
        folder = Path(name)
        world = World(folder, broker_url=url, thorough=given.thorough)
        try:
            world.start()
            print(f"started {time.monotonic() - began:.1f}", file=sys.stderr)
            use(world, thorough=given.thorough)
            world.end()
        finally:
            world.close()
            world.watch.stop()
        starts = world.started()
    found = {
        "secrets": sorted(world.sought.names),
        "starts": starts,
        "files": world.watch.files,
        "seconds": round(time.monotonic() - began, 1),
        "found": list(world.watch.found),
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
