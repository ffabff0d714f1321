# SPDX-License-Identifier: Apache-2.0
"""What a playbook does on a pretended host, called over SSH:

    two_host.py FOLDER step NAME SECONDS | join SOCKET UUID | boot_id | boot KIND

The host is the one whose address the SSH connection came to; what is done to it is a line
of its journal, e.g. "1764520000.123 begin images".
"""

import fcntl
import os
import sys
import time
from pathlib import Path
from uuid import uuid4


class Host:
    """One host's files."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder / address
        self.folder.mkdir(parents=True, exist_ok=True)

    def note(self, text: str) -> None:
        """Append a line to the journal."""
        with (self.folder / "journal").open("a") as stream:
            stream.write(f"{time.time():.3f} {text}\n")

    def boot_id(self) -> str:
        """Return which boot it is in."""
        path = self.folder / "boot_id"
        if not path.exists():
            path.write_text(str(uuid4()))
        return path.read_text()

    def boot(self, kind: str) -> None:
        """Boot anew."""
        self.note(f"power {kind}")
        draft = self.folder / "boot_id.new"
        draft.write_text(str(uuid4()))
        draft.replace(self.folder / "boot_id")

    def step(self, name: str, seconds: float) -> None:
        """Be at work for a while; say if somebody else is."""
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.note(f"overlap {name}")
            self.note(f"begin {name}")
            time.sleep(seconds)
            self.note(f"end {name}")


def main() -> None:
    """Do it."""
    _, folder, action, *words = sys.argv
    address = os.environ["SSH_CONNECTION"].split()[2]
    host = Host(Path(folder), address)
    if action == "step":
        host.step(words[0], float(words[1]))
    elif action == "boot_id":
        print(host.boot_id())
    elif action == "boot":
        host.boot(words[0])
    elif action == "join":
        sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
        from two_cluster import SharedCluster

        from hummingbird.domain.node import UUID_LABEL

        name = (host.folder / "name").read_text()
        cluster = SharedCluster(words[0])
        # As its kubelet's option node-labels says.
        labels = {UUID_LABEL: words[1]}
        cluster.join(name, internal_ip=address, boot_id=host.boot_id(), labels=labels)
        cluster.add_agents(name)


if __name__ == "__main__":
    main()
