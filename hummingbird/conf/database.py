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
    cfg.BoolOpt(
        "upgrade_at_start",
        default=True,
        help=(
            "Whether a process that starts brings the schema up to its release. Where "
            "not, it refuses to start on an older one, and hummingbird db-sync does it."
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
    cfg.FloatOpt(
        "connect_seconds",
        default=3.0,
        min=2,
        max=60,
        help=(
            "Seconds until a connection to PostgreSQL must be open. This and the "
            "following are for PostgreSQL alone; what [database]url says itself "
            "(connect_timeout, options, tcp_user_timeout, keepalives) goes before them."
        ),
    ),
    cfg.FloatOpt(
        "statement_seconds",
        default=10.0,
        min=1,
        max=600,
        help=(
            "Seconds until PostgreSQL ends a statement. A process gives an answer up "
            "two seconds later, also where nothing comes back at all."
        ),
    ),
    cfg.FloatOpt(
        "lock_seconds",
        default=5.0,
        min=0.1,
        max=600,
        help="Seconds until a statement gives up on a lock of another transaction.",
    ),
    cfg.FloatOpt(
        "idle_seconds",
        default=10.0,
        min=1,
        max=600,
        help=(
            "Seconds until PostgreSQL ends a transaction whose process says nothing "
            "more, and so gives back what a frozen process has locked."
        ),
    ),
    cfg.FloatOpt(
        "pool_seconds",
        default=5.0,
        min=0.1,
        max=600,
        help="Seconds until one of a process's own connections must be free.",
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
