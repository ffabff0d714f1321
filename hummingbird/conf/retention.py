# SPDX-License-Identifier: Apache-2.0
"""How long what has happened is kept, where it would grow without end."""

from oslo_config import cfg

GROUP = "retention"

OPTS = (
    cfg.IntOpt(
        "run_days",
        default=90,
        min=7,
        max=36500,
        help=(
            "Days for which a run that has ended is kept, with its events. Recovery "
            "counts its attempts by runs of the last day."
        ),
    ),
    cfg.IntOpt(
        "runs_most",
        default=20000,
        min=1000,
        max=10000000,
        help="Most runs that are kept; the oldest that have ended go first.",
    ),
    cfg.IntOpt(
        "event_days",
        default=365,
        min=1,
        max=36500,
        help="Days for which a line of the event log is kept.",
    ),
    cfg.IntOpt(
        "events_most",
        default=200000,
        min=4000,
        max=100000000,
        help=(
            "Most lines of the event log that are kept. StarlingX's fault management "
            "lists at most 4000, so there are never fewer."
        ),
    ),
    cfg.IntOpt(
        "batch",
        default=200,
        min=10,
        max=10000,
        help=(
            "Rows that one transaction takes away (of runs a tenth, for each has many "
            "events): short, so that nobody waits for it."
        ),
    ),
    cfg.FloatOpt(
        "period_seconds",
        default=600.0,
        min=1,
        max=86400,
        help="Seconds between two looks at what is too old.",
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
