# SPDX-License-Identifier: Apache-2.0
"""StarlingX's own fault management, where there is one."""

from oslo_config import cfg

GROUP = "fm"

OPTS = (
    cfg.StrOpt(
        "url",
        secret=True,
        help=(
            "Where a real FM is, such as http://controller:18002. Alarms and logs go "
            "there as well, from a queue that waits while it is away; our own lists do "
            "not depend on it. Give it to every process alike. Default: there is none."
        ),
    ),
    cfg.StrOpt(
        "token_file",
        help=(
            "File with the token that it wants as X-Auth-Token, read for each call. For "
            "a FM that asks Keystone say here, in [fm], which user to be, as in every "
            "service of OpenStack: auth_type = password, auth_url, username, password, "
            "project_name, user_domain_name, project_domain_name; or auth_section = "
            "keystone_authtoken. Default: none is sent."
        ),
    ),
    cfg.StrOpt(
        "ca_file",
        help=(
            "File with the authority of its certificate, and of Keystone's. Default: "
            "the public authorities."
        ),
    ),
    cfg.FloatOpt(
        "timeout_seconds",
        default=10.0,
        min=0.1,
        max=300,
        help="Seconds that one call to it may take.",
    ),
    cfg.FloatOpt(
        "retry_seconds",
        default=5.0,
        min=0.1,
        max=3600,
        help=(
            "Seconds between two looks at the queue, and so between two attempts while "
            "it is away; 5 is what StarlingX's maintenance waits."
        ),
    ),
    cfg.FloatOpt(
        "audit_seconds",
        default=300.0,
        min=1,
        max=86400,
        help=(
            "Seconds between two comparisons of its alarms with ours; what it lacks is "
            "sent again."
        ),
    ),
    cfg.IntOpt(
        "queue_limit",
        default=10000,
        min=100,
        max=1000000,
        help=(
            "Most items that wait in the queue. Over it, what later messages about the "
            "same alarm make void goes first, then the oldest logs; the last message "
            "about each alarm stays."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
