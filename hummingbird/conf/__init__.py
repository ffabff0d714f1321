# SPDX-License-Identifier: Apache-2.0
"""Options: one file a group. There is no global configuration; `load` makes one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oslo_config import cfg
from oslo_log import log

from hummingbird import __version__
from hummingbird.conf.opts import GROUPS, set_log_defaults

Conf = Any
"""A `cfg.ConfigOpts`; oslo.config has no types to say what an option holds."""


def new(defaults: dict[str, dict[str, Any]] | None = None) -> Conf:
    """Return an empty configuration with every option registered.

    :param defaults: group -> option -> value, in place of the option's own default.
    """
    conf = cfg.ConfigOpts()
    set_log_defaults()
    log.register_options(conf)
    for module in GROUPS:
        module.register_opts(conf)
    for group, values in (defaults or {}).items():
        for name, value in values.items():
            conf.set_default(name, value, group=None if group == "DEFAULT" else group)
    return conf


def load(
    argv: Sequence[str], *, prog: str, defaults: dict[str, dict[str, Any]] | None = None
) -> Conf:
    """Return the configuration of a process: its files, then its command line.

    Files: --config-file, else /etc/hummingbird/hummingbird.conf where it exists.
    """
    conf = new(defaults)
    standard = Path("/etc/hummingbird/hummingbird.conf")
    conf(
        list(argv),
        project="hummingbird",
        prog=prog,
        version=__version__,
        default_config_files=[str(standard)] if standard.exists() else [],
    )
    return conf
