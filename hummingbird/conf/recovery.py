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
        help=(
            "Least seconds between the first and the second automatic reboot of one host "
            "in one loss; doubled for each later one."
        ),
    ),
    cfg.IntOpt(
        "max_reboots_per_loss",
        default=2,
        min=0,
        max=100,
        help=(
            "Most automatic reboots of one host from its last heartbeat to its next (not "
            "seconds: a count). After them it is given up, which is an alarm."
        ),
    ),
    cfg.IntOpt(
        "max_reboots_per_day",
        default=4,
        min=0,
        max=1000,
        help="Most automatic reboots of one host within 24 hours (a count).",
    ),
    cfg.IntOpt(
        "max_attempts_per_day",
        default=12,
        min=0,
        max=1000,
        help="Most recovery runs on one host within 24 hours (a count).",
    ),
    cfg.FloatOpt(
        "not_ready_seconds",
        default=300.0,
        min=30,
        max=86400,
        help=(
            "Seconds that the node of a host which is heard may be not Ready before the "
            "host's kubelet and container runtime are restarted. It is never rebooted for "
            "that."
        ),
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
        help=(
            "Seconds between two looks whether a lost host answers on its SSH port; as its "
            "silence grows they grow to a tenth of it, and to ten minutes at most."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
