# SPDX-License-Identifier: Apache-2.0
"""Every secret that Hummingbird holds, and its home: the places in which it may stand.

`tests/attack/secrets/test_inventory.py` holds the table against the options, the columns of
the database and the page doc/security.md; `watch.py` against what a running deployment
leaves. A home is a file that nobody but its user reads.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One secret."""

    name: str
    """As doc/security.md has it."""
    homes: tuple[str, ...] = ()
    """Files with it in clear, by name below the state directory or by what they are."""
    columns: tuple[str, ...] = ()
    """Columns with it, sealed: table.column."""
    options: tuple[str, ...] = ()
    """Options that hold it, or name the file that does: [group]option."""


_RUN: Final = "runs/run-*, while the run goes on"

KEPT: Final = (
    Kept(
        name="API token",
        homes=("token",),
        columns=("deployment.content",),
        options=("[api]token_file",),
    ),
    Kept(
        name="sealing key",
        homes=(
            "secret.key",
            "secret.key.before-import",
            "what deployment-export wrote",
        ),
    ),
    Kept(
        name="gateways' secret", homes=("gateway.key",), columns=("deployment.content",)
    ),
    Kept(
        name="authority's private key",
        homes=("pki/ca.pem",),
        columns=("deployment.content",),
    ),
    Kept(
        name="private keys of our servers",
        homes=("pki/api.pem", "pki/gateway.pem"),
        options=("[api]key_file",),
    ),
    Kept(name="SSH password", homes=(_RUN,), columns=("credential.password_sealed",)),
    Kept(
        name="password for sudo",
        homes=(_RUN,),
        columns=("credential.become_password_sealed",),
    ),
    Kept(
        name="SSH private key",
        homes=(_RUN,),
        columns=("credential.private_key_sealed",),
    ),
    Kept(name="node's private key", homes=(_RUN,)),
    Kept(name="board's password", columns=("host.attributes",)),
    Kept(name="hub's private key", columns=("hub.private_key_sealed",)),
    Kept(name="claim of a bootstrap script", homes=("what host-bootstrap wrote",)),
    Kept(name="keys of agents' sessions"),
    Kept(name="agents' tokens"),
    Kept(
        name="answers kept for a repeated request",
        columns=("idempotency.answer_sealed",),
    ),
    Kept(
        name="database's password",
        homes=("the configuration",),
        options=("[database]url",),
    ),
    Kept(
        name="broker's password",
        homes=("the configuration",),
        options=("[rpc]transport_url",),
    ),
    Kept(
        name="Keystone's passwords",
        homes=("the configuration",),
        options=("[keystone_authtoken]password", "[fm]password"),
    ),
    Kept(
        name="FM's token",
        homes=("the file of [fm]token_file",),
        options=("[fm]token_file", "[fm]url"),
    ),
    Kept(name="callers' tokens of Keystone"),
    Kept(
        name="account of Kubernetes",
        homes=("the kubeconfig",),
        options=("[kubernetes]kubeconfig",),
    ),
)
