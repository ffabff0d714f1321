# SPDX-License-Identifier: Apache-2.0
"""How hosts are provisioned."""

from oslo_config import cfg, types

GROUP = "provisioning"

OPTS = (
    cfg.StrOpt(
        "playbooks",
        help="Folder of the playbooks. Default: the one that comes with Hummingbird.",
    ),
    cfg.ListOpt(
        "confinement_required",
        item_type=types.String(choices=["landlock", "seccomp", "namespaces"]),
        default=[],
        help=(
            "Layers of confinement of what runs playbooks without which the conductor "
            "does not start: landlock, seccomp, namespaces, separated by commas. "
            "Default: none; each that can be had is used, and the conductor's log "
            "says at its start what is open without the others."
        ),
    ),
    cfg.FloatOpt(
        "timeout_seconds",
        default=1800.0,
        min=30,
        max=86400,
        help="Seconds that one playbook may take.",
    ),
    cfg.FloatOpt(
        "connect_timeout_seconds",
        default=20.0,
        min=1,
        max=3600,
        help=(
            "Seconds to wait for a host's SSH port before a run says that the host "
            "is away."
        ),
    ),
    cfg.FloatOpt(
        "ready_timeout_seconds",
        default=180.0,
        min=5,
        max=3600,
        help=(
            "Seconds to wait for the node to be Ready, for its agents to run and "
            "for the first heartbeat, each."
        ),
    ),
    cfg.FloatOpt(
        "drain_timeout_seconds",
        default=60.0,
        min=0,
        max=3600,
        help=(
            "Seconds that pods get to leave a node before a lock goes on without them."
        ),
    ),
    cfg.ListOpt(
        "package_repository_url",
        default=[],
        help=(
            "APT repository with containerd, kubelet and kubeadm, added to each "
            "host; several URLs of the same one, separated by commas, where some hosts "
            "have IPv4 alone and others IPv6. Default: none; the packages are in the "
            "host's own sources or on it already."
        ),
    ),
    cfg.StrOpt(
        "package_repository_key_file",
        help="File with that repository's public key, binary or armored.",
    ),
    cfg.StrOpt(
        "package_repository_suite",
        default="./",
        help="Its suite; ./ is a flat repository.",
    ),
    cfg.StrOpt(
        "package_repository_components",
        default="",
        help="Its components, separated by spaces; empty for a flat one.",
    ),
    cfg.ListOpt(
        "registry_mirrors",
        default=[],
        help=(
            "Registries and where hosts get them from: NAME=https://HOST:PORT, "
            "separated by commas; a NAME may have several. NAME stands in image names "
            "and need not be known to DNS; it can't be an IPv6 address, the URL can."
        ),
    ),
    cfg.StrOpt(
        "registry_ca_file",
        help="File with the certificate authority of those mirrors.",
    ),
    cfg.StrOpt(
        "sandbox_image",
        default="registry.k8s.io/pause:3.10.2",
        help="The pause image that the container runtime uses.",
    ),
    cfg.ListOpt(
        "essential_images",
        default=[],
        help=(
            "Images to have on a host before its pods start, beside the sandbox "
            "image and the agents' own."
        ),
    ),
    cfg.ListOpt(
        "ignore_preflight_errors",
        default=[],
        help=(
            "kubeadm preflight checks whose failure is only a warning, such as "
            "SystemVerification."
        ),
    ),
    cfg.BoolOpt(
        "systemd_cgroup",
        default=True,
        help=(
            "Whether containers are put into cgroups by systemd; must be as the "
            "cluster's KubeletConfiguration has it."
        ),
    ),
    cfg.BoolOpt(
        "restrict_oom_score_adj",
        default=False,
        help=(
            "Whether the container runtime leaves the out-of-memory score alone "
            "where the kernel forbids to lower it (a host that is itself a "
            "container)."
        ),
    ),
    cfg.BoolOpt(
        "pod_network",
        default=True,
        help=(
            "Whether provisioning writes a bridge CNI configuration; false where a "
            "network add-on does that."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
