# SPDX-License-Identifier: Apache-2.0
"""Finds every option, for the sample file (oslo-config-generator's entry point)."""

from types import ModuleType

from oslo_config import cfg

from hummingbird.conf import (
    agents,
    api,
    bmc,
    conductor,
    database,
    default,
    fm,
    gateway,
    kubernetes,
    liveness,
    metrics,
    network,
    provisioning,
    recovery,
    rpc,
    sysinv,
    tunnel,
    vxlan,
)

GROUPS: tuple[ModuleType, ...] = (
    default,
    agents,
    api,
    bmc,
    conductor,
    database,
    fm,
    gateway,
    kubernetes,
    liveness,
    metrics,
    network,
    provisioning,
    recovery,
    rpc,
    sysinv,
    tunnel,
    vxlan,
)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return (group, options) for every group."""
    return [(module.GROUP, list(module.OPTS)) for module in GROUPS]
