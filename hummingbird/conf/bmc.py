# SPDX-License-Identifier: Apache-2.0
"""How board management controllers of hosts are spoken to."""

from oslo_config import cfg

GROUP = "bmc"

OPTS = (
    cfg.PortOpt(
        "redfish_port",
        default=443,
        help="Port of every board's Redfish service (HTTPS).",
    ),
    cfg.PortOpt(
        "ipmi_port",
        default=623,
        help="UDP port of every board that speaks IPMI.",
    ),
    cfg.IntOpt(
        "ipmi_cipher_suite",
        min=1,
        max=17,
        help=(
            "IPMI cipher suite to use (not a count: its number, such as 17 or 3). "
            "Without one each board is asked which it has; some do not answer that."
        ),
    ),
    cfg.StrOpt(
        "ca_file",
        help=(
            "PEM file of the authorities that vouch for boards' certificates. "
            "Without one, the certificate of a board's first contact is pinned, and "
            "another one later is refused."
        ),
    ),
    cfg.StrOpt(
        "ipmitool",
        default="ipmitool",
        help="Name or path of the program ipmitool, for boards of type ipmi.",
    ),
    cfg.FloatOpt(
        "timeout_seconds",
        default=20.0,
        min=1,
        max=300,
        help="Seconds that a board gets for one answer.",
    ),
    cfg.FloatOpt(
        "check_seconds",
        default=300.0,
        min=0,
        max=86400,
        help=(
            "Seconds between two looks whether a host's board lets us in, for alarm "
            "200.010; 0: it is only seen when a board is used."
        ),
    ),
    cfg.FloatOpt(
        "shutdown_seconds",
        default=60.0,
        min=0,
        max=3600,
        help=(
            "Seconds that a host gets to shut down in good order before its board "
            "switches it off; 0: it is switched off at once."
        ),
    ),
    cfg.FloatOpt(
        "boot_seconds",
        default=600.0,
        min=1,
        max=7200,
        help=(
            "Seconds that a provisioned host gets after power-on or reset until its "
            "first heartbeat."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
