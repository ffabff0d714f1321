# SPDX-License-Identifier: Apache-2.0
"""Options of every process."""

from oslo_config import cfg

GROUP = "DEFAULT"
ON_LINE = "state_directory"
"""What `hummingbird --state-directory DIR up` passes on."""

OPTS = (
    cfg.StrOpt(
        "state_directory",
        help=(
            "Folder, mode 0700, of what this deployment keeps for itself: the "
            "SQLite database, its token, its keys and certificates, run scratch "
            "folders. Default: /var/lib/hummingbird for root, else "
            "~/.local/state/hummingbird."
        ),
    ),
    cfg.StrOpt(
        "controller_name",
        help=(
            "Name of this controller in alarms about itself and, with the process "
            "name, in reservations. Default: the machine's host name."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_cli_opts([option for option in OPTS if option.name == ON_LINE])
    conf.register_opts(OPTS)
