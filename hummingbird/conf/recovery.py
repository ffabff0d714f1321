# SPDX-License-Identifier: Apache-2.0
"""How lost hosts are recovered."""

from oslo_config import cfg

GROUP = "recovery"

OPTS = (
    cfg.BoolOpt(
        "enabled",
        default=True,
        mutable=True,
        help="Whether Hummingbird acts on lost hosts by itself.",
    ),
    cfg.FloatOpt(
        "settle_seconds",
        default=60.0,
        min=1,
        max=3600,
        help="Seconds that a rung gets to take effect before the next one is tried.",
    ),
    cfg.FloatOpt(
        "reboot_gap_seconds",
        default=600.0,
        min=1,
        max=86400,
        help="Least seconds between two automatic reboots of one host.",
    ),
    cfg.IntOpt(
        "max_reboots_per_hour",
        default=2,
        min=0,
        max=100,
        help=(
            "Most automatic reboots of one host within an hour (not seconds: a count)."
        ),
    ),
    cfg.IntOpt(
        "max_attempts_per_hour",
        default=6,
        min=0,
        max=100,
        help="Most recovery runs on one host within an hour (a count).",
    ),
    cfg.BoolOpt(
        "board_reset",
        default=True,
        help=(
            "Whether a lost host is reset by its board management controller where it "
            "has one: when a reboot by SSH did not help, and once where the host does "
            "not answer by SSH."
        ),
    ),
    cfg.FloatOpt(
        "board_delay_seconds",
        default=300.0,
        min=30,
        max=3600,
        help=(
            "Seconds after the last heartbeat of a host that does not answer by SSH "
            "until its board resets it."
        ),
    ),
    cfg.FloatOpt(
        "probe_seconds",
        default=15.0,
        min=1,
        max=3600,
        help="Seconds between two looks whether a lost host answers on its SSH port.",
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
