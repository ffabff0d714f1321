# SPDX-License-Identifier: Apache-2.0
"""The REST API."""

from oslo_config import cfg

GROUP = "api"

OPTS = (
    cfg.StrOpt(
        "bind",
        default="127.0.0.1",
        help="Address to listen on.",
    ),
    cfg.PortOpt(
        "port",
        default=6385,
        help="TCP port to listen on; 6385 is sysinv's.",
    ),
    cfg.PortOpt(
        "fm_port",
        default=18002,
        help=(
            "TCP port on which alarms and events are served as well, at the same "
            "address; 18002 is FM's. 0 means that they are served at the other port "
            "alone: say so where a real FM listens on this machine."
        ),
    ),
    cfg.BoolOpt(
        "tls",
        default=True,
        help=(
            "Whether both ports speak TLS. False, plain HTTP, is taken on a loopback "
            "address alone, for a proxy on this machine that speaks TLS itself."
        ),
    ),
    cfg.StrOpt(
        "cert_file",
        help=(
            "File (PEM) with the certificate to show, and the chain behind it; read "
            "again when it changes. Default: one of our own authority, made at first "
            "start in the state directory and renewed there."
        ),
    ),
    cfg.StrOpt(
        "key_file",
        help="File (PEM) with the private key of cert_file.",
    ),
    cfg.StrOpt(
        "ca_file",
        help=(
            "File (PEM) with the authority of cert_file, for the command line on this "
            "machine. Default: the public authorities."
        ),
    ),
    cfg.ListOpt(
        "tls_names",
        default=[],
        help=(
            "More names and addresses of this machine that our own certificate is to "
            "be good for, such as a floating address."
        ),
    ),
    cfg.IntOpt(
        "audit_days",
        default=90,
        min=0,
        max=36500,
        help=(
            "Days that the audit log in the database (hummingbird audit-list) keeps "
            "who changed what; 0 writes nothing into it."
        ),
    ),
    cfg.StrOpt(
        "audit_file",
        help=(
            "File that gets a line of JSON for each change that somebody asked for; it "
            "may be rotated. Default: they go to the log, as hummingbird.audit, without "
            "what was asked."
        ),
    ),
    cfg.IntOpt(
        "threads",
        default=10,
        min=1,
        max=256,
        help="Worker threads, each answering one request at a time.",
    ),
    cfg.StrOpt(
        "auth_strategy",
        default="token",
        choices=[
            ("token", "one token, this deployment's own; who has it is admin"),
            ("keystone", "Keystone's tokens, and nothing else"),
        ],
        help=(
            "How clients show who they are. For keystone, [keystone_authtoken] says "
            "where it is and which user asks it, as in every service of OpenStack."
        ),
    ),
    cfg.StrOpt(
        "token_file",
        help=(
            "File with the token that clients send as X-Auth-Token where auth_strategy "
            "is token, made at first start with mode 0600. Default: token in the state "
            "directory."
        ),
    ),
    cfg.IntOpt(
        "idempotency_hours",
        default=24,
        min=1,
        max=720,
        help=(
            "Hours for which the answer to a POST with an Idempotency-Key is kept, and "
            "given again to who sends the same."
        ),
    ),
    cfg.IntOpt(
        "max_limit",
        default=2000,
        min=0,
        help=(
            "Most items in one page of a list when the client asks for a limit; 0 "
            "means no cap."
        ),
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register this group's options with `conf`."""
    conf.register_opts(OPTS, group=GROUP)
