# SPDX-License-Identifier: Apache-2.0
"""`hummingbird db-sync`: a server's command, as `hummingbird up` is."""

import argparse
import logging

from hummingbird.cli.up import ServerCommand


class DbSync(ServerCommand):
    """Bring the database to this release's schema, and end.

    Processes do so by themselves when they start, unless [database]upgrade_at_start is off.
    Running processes of this release and of the one before go on meanwhile.
    """

    examples = (
        "hummingbird db-sync",
        "hummingbird db-sync --config-file hummingbird.conf",
    )

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Bring the database up."""
        logging.getLogger("alembic").setLevel(logging.WARNING)
        from hummingbird.cmd.db_sync import main

        return main(self.server_words(parsed_args))
