# SPDX-License-Identifier: Apache-2.0
"""`python3 -m agents.mtc_client`: beats until SIGTERM."""

import logging
import random
import sys
import time

from agents.link import machine, program, settings
from agents.link.asking import ThreadedAsking
from agents.link.datagram import UdpTransport
from agents.link.session import TokenOpener
from agents.mtc_client.loop import Loop

LOG = logging.getLogger("mtc-client")


def main() -> int:
    """Run; return the exit code."""
    program.prepare()
    try:
        given = settings.read()
    except settings.SettingsInvalid as error:
        LOG.error("%s", error)
        return 2
    opener = TokenOpener(
        gateway=given.gateway, agent="mtc-client", token_file=given.token_file
    )
    transport = UdpTransport()
    loop = Loop(
        asking=ThreadedAsking(opener),
        transport=transport,
        boot_id=machine.boot_id(),
        uptime_seconds=machine.uptime_seconds,
        monotonic=time.monotonic,
        rng=random.Random(),  # noqa: S311 - spreads load, keeps no secret
    )
    LOG.info("beating for %s", given.node_name)
    try:
        while True:
            loop.step()
    except program.Ended:
        transport.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
