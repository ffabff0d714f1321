# SPDX-License-Identifier: Apache-2.0
"""How silence is judged."""

from oslo_config import cfg

GROUP = "liveness"

OPTS = (
    cfg.FloatOpt(
        "period_seconds",
        default=1.0,
        min=0.1,
        max=60,
        help=(
            "Seconds between two looks at who has been heard; it adds to the time "
            "of detection."
        ),
    ),
    cfg.FloatOpt(
        "return_seconds",
        default=0.0,
        min=0,
        max=3600,
        help=(
            "Seconds that a started gateway or a link of ours that came back must "
            "have listened before anybody is judged. 0 means one full allowance of "
            "each host, which is what is counted in any case."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
