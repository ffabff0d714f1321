# SPDX-License-Identifier: Apache-2.0
"""`hummingbird-dbsync`, or `hummingbird db-sync`: brings the database to this release.

Safe at any time, beside processes of this release and of the one before, and any number of
times. Where another process does it already, that one is waited for.
"""

import logging
import sys
from collections.abc import Sequence

from hummingbird.clock import SystemClock
from hummingbird.cmd.bootstrap import setup_logging, sync_database
from hummingbird.cmd.private_files import keep_private
from hummingbird.conf import load
from hummingbird.errors import HummingbirdError

LOG = logging.getLogger("hummingbird.cmd.db_sync")


def main(argv: Sequence[str] | None = None) -> int:
    """Bring the database up; return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    conf = load(words, prog="hummingbird-dbsync")
    setup_logging(conf)
    try:
        if not conf.database.url:
            keep_private(conf)
        revision = sync_database(conf, SystemClock())
    except (HummingbirdError, OSError) as error:
        LOG.error("The database could not be brought up: %s", error)
        return 1
    print(f"The database's schema is at {revision}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
