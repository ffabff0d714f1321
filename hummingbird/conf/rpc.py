# SPDX-License-Identifier: Apache-2.0
"""Calls from the API to the conductor."""

from oslo_config import cfg

GROUP = "rpc"

OPTS = (
    cfg.StrOpt(
        "transport_url",
        default="fake://",
        secret=True,
        help=(
            "oslo.messaging transport URL. fake:// stays inside one process "
            "(hummingbird up); rabbit://user:password@host:5672/ joins separate "
            "ones. A call only hurries the conductor: what is wanted is in the "
            "database, so a lost call loses nothing."
        ),
    ),
    cfg.FloatOpt(
        "timeout_seconds",
        default=5.0,
        min=0.1,
        max=300,
        help="Seconds that a call waits for its answer.",
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
