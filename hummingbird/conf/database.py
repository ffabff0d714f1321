# SPDX-License-Identifier: Apache-2.0
"""The database."""

from oslo_config import cfg

GROUP = "database"

OPTS = (
    cfg.StrOpt(
        "url",
        secret=True,
        help=(
            "SQLAlchemy URL: sqlite:////path or "
            "postgresql+psycopg://user@host/name. Default: hummingbird.sqlite in "
            "the state directory."
        ),
    ),
    cfg.IntOpt(
        "pool_size",
        default=10,
        min=1,
        max=200,
        help="Connections kept open to PostgreSQL; SQLite ignores it.",
    ),
    cfg.FloatOpt(
        "busy_timeout_seconds",
        default=20.0,
        min=0.1,
        max=600,
        help=(
            "Seconds that a writer waits for another one on SQLite before it gives up."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
