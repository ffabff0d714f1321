# SPDX-License-Identifier: Apache-2.0
"""Tunnels to hosts that cannot be reached from the controller's network."""

import ipaddress
from typing import Any

from oslo_config import cfg

from hummingbird.domain.emn import networks_of
from hummingbird.domain.tunnel import HubOptions

GROUP = "tunnel"

OPTS = (
    cfg.ListOpt(
        "hub_endpoint",
        default=[],
        help=(
            "address:port at which hosts reach the WireGuard hub on this controller, "
            "for example 203.0.113.5:51820: the public address of a NAT or a floating "
            "address that moves between controllers. Several, separated by commas, where "
            "some hosts have IPv4 alone and others IPv6: each takes the first that it can "
            "speak to. Needed for tunnels."
        ),
    ),
    cfg.PortOpt(
        "hub_port",
        default=51820,
        help="UDP port that the hub listens on.",
    ),
    cfg.StrOpt(
        "hub_interface",
        default="hummingbird0",
        max_length=15,
        help="Name of the hub's network interface.",
    ),
    cfg.StrOpt(
        "overlay",
        default="100.126.0.0/16",
        help=(
            "Network of the addresses inside tunnels; the hub has the first one, each "
            "host another for life. Choose one that neither the controller nor any host "
            "uses; it may be widened later, never moved. The default is of the range "
            "that RFC 6598 shares out."
        ),
    ),
    cfg.ListOpt(
        "routes",
        default=[],
        help=(
            "Networks that hosts reach through their tunnels, beside the overlay: where "
            "the Kubernetes API, the registry and the package archive are. Default: "
            "[network]mn_cidr, as far as it is of the overlay's family."
        ),
    ),
    cfg.IntOpt(
        "keepalive_seconds",
        default=25,
        min=0,
        max=3600,
        help=(
            "Seconds after which a host that is behind NAT sends something, so that its "
            "NAT lets our packets in; 25 holds with every NAT that keeps to RFC 4787. 0: never."
        ),
    ),
    cfg.IntOpt(
        "mtu",
        default=1420,
        min=1280,
        max=9000,
        help=(
            "Largest packet inside a tunnel, in bytes; WireGuard takes 60 more of an IPv4 "
            "packet, 80 of an IPv6 one. Each host finds out how much of it fits its path."
        ),
    ),
    cfg.IntOpt(
        "claim_hours",
        default=24,
        min=1,
        max=168,
        help="Hours for which a bootstrap script that was given out can be used.",
    ),
    cfg.FloatOpt(
        "period_seconds",
        default=10.0,
        min=1.0,
        max=3600.0,
        help=(
            "Seconds between two looks at the hub: within them a peer that nobody wants "
            "is removed, and one that is missing is put back."
        ),
    ),
    cfg.StrOpt(
        "bundle",
        default="",
        regex="|/.*",
        help=(
            "Absolute folder of the conductor with the programs wg and wireguard-go, for "
            "hosts that have neither and reach a package archive only through their "
            "tunnel. For hosts of several processors: a folder in it for each, named as "
            "uname -m says, for example aarch64/wg. If it has a file SHA256SUMS (as "
            "sha256sum writes it), its programs are held to that. Empty: such hosts must "
            "have wg."
        ),
    ),
    cfg.BoolOpt(
        "check_forwarding",
        default=True,
        help=(
            "Whether the conductor looks, once a minute, if this machine forwards what "
            "comes in by the hub and by the VXLANs' bridge, and says so in the reports "
            "of the reconciler forwarding. False where a firewall lets it through in a "
            "way that is not seen (by addresses or marks), or hosts need nobody but the "
            "controller."
        ),
    ),
    cfg.IntOpt(
        "rotation_days",
        default=30,
        min=0,
        max=3650,
        help="Days after which a host's key is changed; 0: only on demand.",
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)


def hub_options(conf: Any) -> HubOptions:
    """Return what the options say about the hub."""
    options = conf.tunnel
    return HubOptions(
        endpoints=tuple(options.hub_endpoint),
        overlay=str(options.overlay),
        networks=tuple(options.routes) or _management_networks(conf),
        keepalive_seconds=int(options.keepalive_seconds),
        mtu=int(options.mtu),
        period_seconds=float(options.period_seconds),
        bundle=str(options.bundle),
    )


def _management_networks(conf: Any) -> tuple[str, ...]:
    """Return the management network: what an address of the overlay can speak to."""
    family = ipaddress.ip_network(str(conf.tunnel.overlay)).version
    networks = networks_of(str(conf.network.mn_cidr))
    return tuple(str(net) for net in networks if net.version == family)
