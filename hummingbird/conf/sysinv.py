# SPDX-License-Identifier: Apache-2.0
"""A real sysinv that this API stands before, where there is one."""

from oslo_config import cfg

GROUP = "sysinv"

OPTS = (
    cfg.StrOpt(
        "upstream",
        help=(
            "Where a real sysinv is, such as http://controller:6385. Edgeworkers stay "
            "ours; every other host and every path that is not ours is passed on to it, "
            "with the caller's token, and lists show both. Give it to every API alike. "
            "Default: there is none."
        ),
    ),
    cfg.StrOpt(
        "ca_file",
        help=(
            "File with the authority of its certificate. Default: the public "
            "authorities."
        ),
    ),
    cfg.FloatOpt(
        "connect_seconds",
        default=1.0,
        min=0.1,
        max=60,
        help="Seconds that it may take to accept a connection.",
    ),
    cfg.FloatOpt(
        "answer_seconds",
        default=600.0,
        min=1,
        max=86400,
        help=(
            "Seconds without a word from it after which a request that was passed on "
            "fails; 600 is the patience of StarlingX's own clients."
        ),
    ),
    cfg.FloatOpt(
        "list_seconds",
        default=10.0,
        min=0.1,
        max=600,
        help=(
            "Seconds that a list waits for its part of it; then ours is answered alone, "
            "with a warning."
        ),
    ),
    cfg.FloatOpt(
        "away_seconds",
        default=5.0,
        min=0,
        max=3600,
        help=(
            "Seconds for which nobody waits for it again after it was found away; one "
            "request then tries."
        ),
    ),
    cfg.IntOpt(
        "passages",
        default=16,
        min=1,
        max=1024,
        help=(
            "Most requests that are with it at one time, each on a thread of its own "
            "beside [api]threads, so that a slow sysinv holds up no request for an "
            "edgeworker."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
