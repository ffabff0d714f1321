# SPDX-License-Identifier: Apache-2.0
"""The gateway: sessions, heartbeats and inventory of the agents."""

from oslo_config import cfg

GROUP = "gateway"

OPTS = (
    cfg.StrOpt(
        "bind",
        help=(
            "Address to listen on, for both TCP and UDP. Default: all of this machine's, "
            "of IPv4 and, where it has that, of IPv6."
        ),
    ),
    cfg.PortOpt(
        "port",
        default=2131,
        help="TCP port of sessions and reports (TLS) and UDP port of heartbeats.",
    ),
    cfg.ListOpt(
        "advertise",
        default=[],
        help=(
            "Addresses or names at which agents reach the gateway, separated by commas "
            "and tried in that order: one of each family where some hosts have IPv4 "
            "alone and others IPv6, or those of several gateways. Default: the "
            "controller's address on the management network, of each of its families."
        ),
    ),
    cfg.FloatOpt(
        "period_seconds",
        default=10.0,
        min=1,
        max=600,
        mutable=True,
        help=(
            "Seconds between two heartbeats of one host. A host counts as late "
            "after 2 periods and as lost after 3. The default detects a dead host "
            "within 31 s."
        ),
    ),
    cfg.FloatOpt(
        "flush_seconds",
        default=1.0,
        min=0.1,
        max=60,
        help=(
            "Seconds between two batches of last-heard times written to the "
            "database; it adds to the time of detection."
        ),
    ),
    cfg.FloatOpt(
        "unwritten_seconds",
        default=5.0,
        min=1,
        max=60,
        help=(
            "Seconds for which a gateway that can't write to the database goes on as "
            "if it could. After that it acknowledges no heartbeat and sends its "
            "agents to another gateway, and the others wait for it no longer than 3 s "
            "more before they judge hosts without it. Meanwhile nobody is judged, so "
            "that it adds to the time of detection while a gateway is missing."
        ),
    ),
    cfg.IntOpt(
        "session_seconds",
        default=3600,
        min=60,
        max=86400,
        help=(
            "Seconds that an agent's session lasts before it must show its "
            "service-account token again."
        ),
    ),
    cfg.IntOpt(
        "report_max_bytes",
        default=1048576,
        min=1024,
        max=67108864,
        help="Largest inventory report that is accepted, in bytes.",
    ),
    cfg.IntOpt(
        "history_most",
        default=1000,
        min=0,
        max=1000000,
        mutable=True,
        help=(
            "Items that the history of one host's facts keeps, the latest; what is "
            "older is forgotten. 0: none."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
