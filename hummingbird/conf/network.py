# SPDX-License-Identifier: Apache-2.0
"""The management network."""

from oslo_config import cfg

GROUP = "network"

OPTS = (
    cfg.StrOpt(
        "mn_cidr",
        default="192.168.204.0/24",
        help=(
            "The management network (MN), on which the controller itself is; made "
            "as the EMN named mn at the first start. The default is StarlingX's "
            "own. It may have two, one of IPv4 and one of IPv6, with a comma between."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
