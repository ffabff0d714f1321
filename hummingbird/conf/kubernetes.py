# SPDX-License-Identifier: Apache-2.0
"""The cluster that hosts join."""

from oslo_config import cfg

GROUP = "kubernetes"

OPTS = (
    cfg.StrOpt(
        "kubeconfig",
        help=(
            "kubeconfig file of an account that may manage nodes, their certificates "
            "and the agents' namespace: etc/kubernetes-account.yaml makes one. Default: "
            "the KUBECONFIG variable, else ~/.kube/config."
        ),
    ),
    cfg.StrOpt(
        "context",
        help="Context of that file to use. Default: its current one.",
    ),
    cfg.FloatOpt(
        "timeout_seconds",
        default=10.0,
        min=1,
        max=300,
        help="Seconds that one call to the Kubernetes API may take.",
    ),
    cfg.StrOpt(
        "helm",
        default="helm",
        help="The helm program, found on PATH where no folder is given.",
    ),
    cfg.ListOpt(
        "api_endpoint",
        default=[],
        help=(
            "host:port at which hosts reach the Kubernetes API; several, separated by "
            "commas, where some hosts have IPv4 alone and others IPv6: each takes the "
            "first that it can speak to. Default: what the cluster-info ConfigMap says, "
            "else the kubeconfig's server."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
