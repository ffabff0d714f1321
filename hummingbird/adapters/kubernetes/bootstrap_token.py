# SPDX-License-Identifier: Apache-2.0
"""Bootstrap tokens: one for one host and one run, minutes long.

A token is a Secret of type bootstrap.kubernetes.io/token in kube-system; its label says
which run it was made for, so that an interrupted run's token can be found and deleted by
anybody. Kubernetes' own token cleaner deletes what is left at the expiry.
"""

import secrets
import string
from datetime import UTC, datetime

from hummingbird.adapters.kubernetes.connection import Connection

RUN_LABEL = "hummingbird.starlingx.io/run"
HOST_LABEL = "hummingbird.starlingx.io/host"

_SECRETS = "/api/v1/namespaces/kube-system/secrets"
_ALPHABET = string.ascii_lowercase + string.digits
_GROUP = "system:bootstrappers:kubeadm:default-node-token"
"""The group that kubeadm's own bindings let join
(kubernetes cmd/kubeadm/app/constants, NodeBootstrapTokenAuthGroup)."""


def create(
    connection: Connection, *, hostname: str, run_uuid: str, expires_at: datetime
) -> str:
    """Make a token for `hostname` and return it: "<6 characters>.<16 characters>"."""
    token_id, token_secret = _random(6), _random(16)
    expiry = expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    connection.request(
        "POST",
        _SECRETS,
        action=f"make a bootstrap token for {hostname}",
        body={
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "bootstrap.kubernetes.io/token",
            "metadata": {
                "name": f"bootstrap-token-{token_id}",
                "labels": {RUN_LABEL: run_uuid, HOST_LABEL: hostname},
            },
            "stringData": {
                "description": f"Hummingbird: host {hostname}, run {run_uuid}",
                "token-id": token_id,
                "token-secret": token_secret,
                "expiration": expiry,
                "usage-bootstrap-authentication": "true",
                "usage-bootstrap-signing": "true",
                "auth-extra-groups": _GROUP,
            },
        },
    )
    return f"{token_id}.{token_secret}"


def delete(connection: Connection, *, run_uuid: str | None) -> int:
    """Delete the tokens of one run, of all runs for None; return how many there were."""
    selector = RUN_LABEL if run_uuid is None else f"{RUN_LABEL}={run_uuid}"
    deleted = 0
    for name, _ in _ours(connection, selector):
        answer = connection.request(
            "DELETE",
            f"{_SECRETS}/{name}",
            action="delete a bootstrap token",
            expect=(404,),
        )
        deleted += answer.status != 404
    return deleted


def runs(connection: Connection) -> frozenset[str]:
    """Return the uuids of the runs that have tokens."""
    return frozenset(run for _, run in _ours(connection, RUN_LABEL))


def _ours(connection: Connection, selector: str) -> list[tuple[str, str]]:
    found = connection.items(
        _SECRETS, action="list bootstrap tokens", labelSelector=selector
    )
    return [
        (item["metadata"]["name"], item["metadata"]["labels"][RUN_LABEL])
        for item in found
        if item.get("type") == "bootstrap.kubernetes.io/token"
    ]


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
