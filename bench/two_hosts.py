# SPDX-License-Identifier: Apache-2.0
"""The pretended hosts: one SSH server at all of their addresses, and each one's heartbeat.

A process of its own, in the hosts' network namespace. A host beats while its node has joined
and its chart is installed, as its pods would: with the real loop of mtc-client, a token of
the pretended Kubernetes, and the addresses and the authority that the chart's values name.
"""

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from two_cluster import SharedCluster
from two_host import Host

from agents.link.asking import ThreadedAsking
from agents.link.datagram import UdpTransport
from agents.link.exchange import Gateway
from agents.link.session import TokenOpener
from agents.mtc_client.loop import Loop
from hummingbird.errors import HummingbirdError

BOOT_SECONDS: Final = 4.0
"""From the end of a boot to the first heartbeat's agent."""
LOOK_SECONDS: Final = 0.5


class Beating:
    """One host's agent, started anew with each boot and each change of the chart."""

    def __init__(self, host: Host, name: str, cluster: SharedCluster) -> None:
        self._host = host
        self._name = name
        self._cluster = cluster
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._of: tuple[str, Any] | None = None

    def look(self, values: Any) -> None:
        """Have the agent run as it should."""
        if values is None or self._cluster.node(self._name) is None:
            self.end()
            return
        wanted = (self._host.boot_id(), values)
        if wanted == self._of:
            return
        booted = self._of is not None and self._of[0] != wanted[0]
        self.end()
        self._of = wanted
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run,
            args=(self._stop, *wanted, BOOT_SECONDS if booted else 0.0),
            name=self._name,
            daemon=True,
        )
        self._thread.start()

    def end(self) -> None:
        """End the agent."""
        self._stop.set()
        self._thread, self._of = None, None

    def _run(
        self, stop: threading.Event, boot_id: str, values: Any, delay: float
    ) -> None:
        if stop.wait(delay):
            return
        began = time.monotonic()
        folder = self._host.folder
        (folder / "ca.crt").write_text(values["gateway"]["caCertificate"])
        (folder / "token").write_text(self._cluster.issue_token(node_name=self._name))
        port = values["gateway"]["port"]
        places = ",".join(
            f"{one}:{port}" for one in values["gateway"]["address"].split(",")
        )
        opener = TokenOpener(
            gateway=Gateway.parse(places, ca_file=folder / "ca.crt"),
            agent="mtc-client",
            token_file=folder / "token",
        )
        transport = UdpTransport()
        loop = Loop(
            asking=ThreadedAsking(opener),
            transport=transport,
            boot_id=UUID(boot_id),
            uptime_seconds=lambda: int(time.monotonic() - began),
            monotonic=time.monotonic,
            rng=random.Random(),  # noqa: S311 - spreads load, keeps no secret
        )
        while not stop.is_set():
            loop.step()
        transport.close()


def serve_ssh(folder: Path) -> "subprocess.Popen[bytes]":
    """Start the SSH server of all hosts; its keys are in `folder`."""
    sshd = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    if sshd is None:
        raise SystemExit("an SSH server is needed: apt-get install openssh-server")
    config = folder / "sshd_config"
    config.write_text(
        f"Port 22\nHostKey {folder / 'host'}\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {folder / 'client.pub'}\nStrictModes no\n"
        "PasswordAuthentication no\nPermitRootLogin yes\nMaxStartups 100\n"
        "MaxSessions 100\nUseDNS no\n"
    )
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    drop = "--bounding-set=-sys_time,-sys_module,-sys_rawio"
    return subprocess.Popen(["setpriv", drop, sshd, "-D", "-f", str(config)])


def main() -> None:
    """Play the hosts until somebody ends the process."""
    _, folder, socket, *addresses = sys.argv
    server = serve_ssh(Path(folder))
    cluster = SharedCluster(socket)
    beating = []
    for address in addresses:
        host = Host(Path(folder) / "hosts", address)
        name = (host.folder / "name").read_text()
        beating.append(Beating(host, name, cluster))
    while server.poll() is None:
        try:
            values = cluster.release_values()
            for one in beating:
                one.look(values)
        except (HummingbirdError, OSError) as error:
            print(error, file=sys.stderr, flush=True)
        time.sleep(LOOK_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
