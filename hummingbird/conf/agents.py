# SPDX-License-Identifier: Apache-2.0
"""The agents on the hosts."""

from oslo_config import cfg

GROUP = "agents"

OPTS = (
    cfg.StrOpt(
        "namespace",
        default="hummingbird",
        help="Kubernetes namespace of the agents.",
    ),
    cfg.StrOpt(
        "release",
        default="hummingbird-agents",
        help="Name of their helm release.",
    ),
    cfg.StrOpt(
        "chart",
        help=(
            "Folder or archive of their chart. Default: the one that comes with "
            "Hummingbird."
        ),
    ),
    cfg.StrOpt(
        "registry",
        default="localhost:5000/hummingbird",
        help=(
            "Registry, with its path, that holds the images mtc-client and "
            "sysinv-agent. Its name need not be known to DNS where "
            "[provisioning]registry_mirrors has it; it can't be an IPv6 address."
        ),
    ),
    cfg.DictOpt(
        "digests",
        default={},
        help=(
            "The images that are meant, by what is in them: "
            "mtc-client:sha256:…,sysinv-agent:sha256:… as `make images` writes it. A "
            "registry that shows others under their names gets none of them started."
        ),
    ),
    cfg.StrOpt(
        "tag",
        help=(
            "Tag of those images, instead of digests, for development: hosts run "
            "whatever the registry has under it when they pull."
        ),
    ),
    cfg.StrOpt(
        "audience",
        default="hummingbird",
        help="Audience of the service-account tokens that agents show.",
    ),
    cfg.BoolOpt(
        "lldp",
        default=False,
        help=(
            "Whether the sysinv-agents listen for what switches say of themselves "
            "(LLDP). It takes the capability NET_RAW, with which all traffic of a "
            "host's network could be read."
        ),
    ),
    cfg.BoolOpt(
        "lvm_backup",
        default=False,
        help=(
            "Whether the sysinv-agents read LVM's text in /etc/lvm/backup, for the "
            "extents of volume groups. Only where every host has that folder: the "
            "agent does not start on one without."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
