# SPDX-License-Identifier: Apache-2.0
"""The conductor: runs and reconcilers."""

from oslo_config import cfg

GROUP = "conductor"

OPTS = (
    cfg.IntOpt(
        "workers",
        default=8,
        min=1,
        max=256,
        help="Runs worked on at the same time by one conductor.",
    ),
    cfg.FloatOpt(
        "lease_seconds",
        default=30.0,
        min=3,
        max=3600,
        help=(
            "Seconds after which a conductor that gave no sign of life counts as "
            "dead and its runs are taken over; it signs every third of this."
        ),
    ),
    cfg.FloatOpt(
        "fleet_lease_seconds",
        default=6.0,
        min=1,
        max=300,
        help=(
            "Seconds after which another conductor does what one does for the whole "
            "fleet (judging silence, alarms, recovery), when the one that did gave no "
            "sign of life; it signs every third of this, and stops by itself after three "
            "quarters of it without the database. One that is stopped in order is "
            "followed within a third."
        ),
    ),
    cfg.FloatOpt(
        "service_down_seconds",
        default=60.0,
        min=30,
        max=3600,
        help=(
            "Seconds without a sign of life after which a conductor, a gateway or an API "
            "counts as down, which is an alarm (400.001) until it is back or deleted "
            "(hummingbird service-delete). No less than lease_seconds in any case."
        ),
    ),
    cfg.FloatOpt(
        "poll_seconds",
        default=2.0,
        min=0.05,
        max=60,
        help=(
            "Seconds between two looks for queued runs when no call came to hurry it."
        ),
    ),
    cfg.IntOpt(
        "max_attempts",
        default=5,
        min=1,
        max=100,
        help=(
            "How many conductors may die in the same run before it is failed "
            "instead of resumed."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)


def down_seconds(conf: cfg.ConfigOpts) -> float:
    """Return after how many seconds without a sign of life a process counts as down."""
    options = conf.conductor
    return float(max(options.service_down_seconds, options.lease_seconds))
