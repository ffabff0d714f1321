# SPDX-License-Identifier: Apache-2.0
"""Networks that are one L2 subnet with the management network, by VXLAN."""

from typing import Any

from oslo_config import cfg

from hummingbird.domain.vxlan import UDP_PORT, VxlanOptions

GROUP = "vxlan"

OPTS = (
    cfg.StrOpt(
        "bridge",
        default="hbvxlan",
        regex="[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}",
        help=(
            "Name of the controller's bridge of VXLANs. One that exists already is taken "
            "as it is and only gets their ports: make it with the management network's "
            "interface in it and its address on it, and hosts are at L2 with all of the "
            "management network. Otherwise one is made: then they are at L2 with the "
            "controller, which answers for the rest of it and forwards."
        ),
    ),
    cfg.PortOpt("port", default=UDP_PORT, help="UDP port of both ends."),
    cfg.ListOpt(
        "endpoints",
        default=[],
        help=(
            "Addresses below VXLAN at which hosts reach the controllers' ends: one for "
            "each controller, or a floating one. Default: this controller's own, as its "
            "route to the host has it."
        ),
    ),
    cfg.BoolOpt(
        "learning",
        default=False,
        help=(
            "Whether the controller learns from frames where a MAC address is. False: "
            "only what the inventory says counts."
        ),
    ),
    cfg.FloatOpt(
        "period_seconds",
        default=10.0,
        min=1.0,
        max=3600.0,
        help=(
            "Seconds between two looks at the bridge and its devices: within them what "
            "differs from the inventory is put right."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)


def vxlan_options(conf: Any) -> VxlanOptions:
    """Return what the options say about VXLAN."""
    options = conf.vxlan
    return VxlanOptions(
        bridge=str(options.bridge),
        port=int(options.port),
        endpoints=tuple(options.endpoints),
        learning=bool(options.learning),
    )
