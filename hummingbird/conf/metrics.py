# SPDX-License-Identifier: Apache-2.0
"""What Prometheus may read."""

from oslo_config import cfg

GROUP = "metrics"

OPTS = (
    cfg.PortOpt(
        "port",
        default=0,
        help=(
            "TCP port on which the conductor answers scrapes, at /metrics. 0: none. The "
            "answers name hosts, and nobody is asked who he is: bind it to where only your "
            "Prometheus comes."
        ),
    ),
    cfg.StrOpt("bind", default="127.0.0.1", help="Address to listen on."),
    cfg.IntOpt(
        "per_host",
        default=10000,
        min=0,
        max=1000000,
        help=(
            "Of how many hosts there are series of their own (the age of the last "
            "heartbeat; state, handshake and bytes of the tunnel: five a host). 0: of none."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
