# SPDX-License-Identifier: Apache-2.0
"""Finds every option, for the sample file (oslo-config-generator's entry point)."""

from types import ModuleType

from oslo_config import cfg
from oslo_log import _options as log_options
from oslo_log import log

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
    retention,
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
    retention,
    rpc,
    sysinv,
    tunnel,
    vxlan,
)


QUIET = (
    "alembic=WARNING",
    "amqp=WARNING",
    "kubernetes=WARNING",
    "keystonemiddleware=WARNING",
    "oslo.messaging=WARNING",
    "oslo_messaging=WARNING",
    "oslo_service=WARNING",
    "pecan=WARNING",
    "sqlalchemy=WARNING",
    "urllib3=WARNING",
)
"""What says at INFO and DEBUG what we log ourselves, with less in it."""


WITH_CONTEXT = (
    "%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s"
    " [%(request_id)s %(user_name)s] %(instance)s%(message)s"
)
"""Of what oslo.log says of a caller, what we know of each."""


def set_log_defaults() -> None:
    """Have oslo.log's options begin as they do here: to standard error, and quiet where we
    speak ourselves. The sample file asks for this too (entry point
    oslo.config.opts.defaults)."""
    log.set_defaults(
        default_log_levels=list(QUIET), logging_context_format_string=WITH_CONTEXT
    )
    # There is no public way for this one.
    cfg.set_defaults(log_options.generic_log_opts, use_stderr=True)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return (group, options) for every group."""
    return [(module.GROUP, list(module.OPTS)) for module in GROUPS]
