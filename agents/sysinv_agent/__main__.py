# SPDX-License-Identifier: Apache-2.0
"""`python3 -m agents.sysinv_agent`: reports until SIGTERM."""

import logging
import os
import random
import sys
import time
from dataclasses import replace
from pathlib import Path

from agents.link import machine, program, settings
from agents.link.datagram import UdpTransport
from agents.link.session import TokenOpener
from agents.sysinv_agent.files import HostFiles
from agents.sysinv_agent.gateway import Delivery, https_post
from agents.sysinv_agent.inventory import Collector
from agents.sysinv_agent.journal import FOLDER, Journal
from agents.sysinv_agent.lldp import LldpListener
from agents.sysinv_agent.loop import Loop
from agents.sysinv_agent.watch import Watch, kernel_events

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
    files = _host_files()
    rng = random.Random()  # noqa: S311 - spreads load, keeps no secret
    transport = UdpTransport()
    boot_id = machine.boot_id()
    lldp = _lldp()
    collector = Collector(
        files, hostname=given.node_name, boot_id=str(boot_id), lldp=lldp
    )
    loop = Loop(
        collect=collector.collect,
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
    watch = Watch([*kernel_events(), *([lldp] if lldp else [])])
    LOG.info("reporting for %s", given.node_name)
    try:
        while True:
            if watch.wait(loop.step()):
                loop.hurry()
    except program.Ended:
        transport.close()
        return 0


def _host_files() -> HostFiles:
    """Return where the chart has mounted the host's folders."""
    places = HostFiles()
    given = {
        name: Path(os.environ[f"HOST_{name.upper()}"])
        for name in vars(places)
        if os.environ.get(f"HOST_{name.upper()}")
    }
    return replace(places, **given)


def _lldp() -> LldpListener | None:
    if os.environ.get("LLDP") != "listen":
        return None
    try:
        return LldpListener(monotonic=time.monotonic)
    except OSError as error:
        LOG.warning("neighbours can't be listened for: %s", error)
        return None


if __name__ == "__main__":
    sys.exit(main())
