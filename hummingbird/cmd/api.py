# SPDX-License-Identifier: Apache-2.0
"""`hummingbird-api`: the REST API alone, until SIGTERM or SIGINT."""

import logging
import sys

from hummingbird import core_dump
from hummingbird.api.http.server import ApiService
from hummingbird.clock import SystemClock
from hummingbird.cmd.advertise import api_certificate
from hummingbird.cmd.bootstrap import (
    open_database,
    setup_logging,
    sysinv_relay,
    wait_for_signal,
)
from hummingbird.cmd.deployment import adopt
from hummingbird.cmd.private_files import keep_private
from hummingbird.conf import load
from hummingbird.db.repository import process
from hummingbird.db.session import Database
from hummingbird.errors import HummingbirdError
from hummingbird.httpd.limits import raise_file_limit
from hummingbird.rpc.client import ConductorClient
from hummingbird.rpc.transport import open_transport

LOG = logging.getLogger("hummingbird.cmd.api")


def main() -> int:
    """Run the process; return its exit code."""
    core_dump.forbid()
    conf = load(sys.argv[1:], prog="hummingbird-api")
    setup_logging(conf)
    raise_file_limit()
    clock = SystemClock()
    try:
        keep_private(conf)
        database = open_database(conf, clock)
        conductor = ConductorClient(
            open_transport(conf), timeout_seconds=conf.rpc.timeout_seconds
        )
        service = ApiService(
            conf,
            database,
            clock,
            adopt(conf, database, clock),
            conductor.nudge,
            reconcilers=lambda: conductor.reconcilers(_leader(database)),
            sysinv=sysinv_relay(conf, clock, database),
            certificate=lambda: api_certificate(conf),
        )
        service.start()
    except (HummingbirdError, OSError) as error:
        LOG.error("Could not start: %s", error)
        return 1
    LOG.info(
        "Listening on %s, for alarms on %s; token in %s",
        service.url,
        service.fm_url,
        service.token_file,
    )
    wait_for_signal()
    service.stop()
    conductor.close()
    database.dispose()
    return 0


def _leader(database: Database) -> str | None:
    with database.snapshot() as connection:
        return process.leader(connection)


if __name__ == "__main__":
    sys.exit(main())
