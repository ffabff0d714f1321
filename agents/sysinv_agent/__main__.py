# SPDX-License-Identifier: Apache-2.0
"""`python3 -m agents.sysinv_agent`: reports until SIGTERM."""

import logging
import os
import random
import sys
import time
from pathlib import Path

from agents.link import machine, program, settings
from agents.link.datagram import UdpTransport
from agents.link.session import TokenOpener
from agents.sysinv_agent.files import HostFiles
from agents.sysinv_agent.gateway import Delivery, https_post
from agents.sysinv_agent.inventory import collect
from agents.sysinv_agent.journal import FOLDER, Journal
from agents.sysinv_agent.loop import Loop

LOG = logging.getLogger("sysinv-agent")


def wall_ms() -> int:
    """Return the host's own time, in ms since 1970."""
    return int(time.time() * 1000)


def main() -> int:
    """Run; return the exit code."""
    program.prepare()
    try:
        given = settings.read()
    except settings.SettingsInvalid as error:
        LOG.error("%s", error)
        return 2
    files = HostFiles(
        sys=Path(os.environ.get("HOST_SYS") or "/sys"),
        proc=Path(os.environ.get("HOST_PROC") or "/proc"),
        etc=Path(os.environ.get("HOST_ETC") or "/host/etc"),
        usr_lib=Path(os.environ.get("HOST_USR_LIB") or "/host/usr/lib"),
    )
    rng = random.Random()  # noqa: S311 - spreads load, keeps no secret
    transport = UdpTransport()
    boot_id = machine.boot_id()
    loop = Loop(
        collect=lambda: collect(files, hostname=given.node_name, boot_id=str(boot_id)),
        delivery=Delivery(
            opener=TokenOpener(
                gateway=given.gateway,
                agent="sysinv-agent",
                token_file=given.token_file,
            ),
            send=https_post(given.gateway),
            transport=transport,
            boot_id=boot_id,
            uptime_seconds=machine.uptime_seconds,
            monotonic=time.monotonic,
            wall_ms=wall_ms,
            rng=rng,
        ),
        journal=Journal(Path(os.environ.get("STORE") or FOLDER)),
        monotonic=time.monotonic,
        wall_ms=wall_ms,
        rng=rng,
    )
    LOG.info("reporting for %s", given.node_name)
    try:
        while True:
            time.sleep(loop.step())
    except program.Ended:
        transport.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
