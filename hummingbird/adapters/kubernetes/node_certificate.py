# SPDX-License-Identifier: Apache-2.0
"""The certificate by which a host joins: of one node name and one key, valid for minutes.

The request is posted and approved by us, so nobody on a host asks for a name. With the
certificate, the kubelet asks for its own of the same name, which the controller manager
approves for no other (kubernetes pkg/controller/certificates/approver, selfnodeclient).
Requests stay where they are: the controller manager deletes signed ones after an hour
(pkg/controller/certificates/cleaner). They hold no secret.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from hummingbird.adapters.kubernetes.connection import Connection
from hummingbird.errors import KubernetesRefused
from hummingbird.keypair import asks_for_node

HOST_LABEL: Final = "hummingbird.starlingx.io/host"

_REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"
_USAGES = ("digital signature", "key encipherment", "client auth")
"""What that signer takes in every release (pkg/apis/certificates/helpers.go); later ones
take an elliptic key without the second as well."""
_SHORTEST = timedelta(minutes=10)
"""The API takes no shorter life (staging/src/k8s.io/api/certificates/v1/types.go)."""


def sign(
    connection: Connection, *, hostname: str, request: str, lifetime: timedelta
) -> str | None:
    """Return the certificate (PEM) for `request`, None while it is not signed yet.

    Made to be asked again: the first call posts and approves, later ones look. The name
    of the request is the digest of what is asked for, so that no call posts a second one.

    :param request: a PKCS #10 request (PEM) for system:node:`hostname`.
    :param lifetime: of the certificate; ten minutes at least are given.
    :raises KubernetesRefused: it is for something else, or was denied.
    """
    if not asks_for_node(request, hostname):
        raise _refused(hostname, "the request is not for that node alone")
    name = f"hummingbird-{hashlib.sha256(request.encode()).hexdigest()}"
    found = connection.find(f"{_REQUESTS}/{name}", action=_action(hostname))
    if found is None:
        found = _post(connection, name, hostname, request, lifetime=lifetime)
        if found is None:
            return None
    if found["spec"].get("request") != _encoded(request):
        raise _refused(hostname, f"{name} is another request")
    for condition in _conditions(found):
        if condition["type"] in ("Denied", "Failed"):
            said = condition.get("message") or condition.get("reason") or "no reason"
            raise _refused(hostname, f"{condition['type'].lower()}: {said}")
    certificate = (found.get("status") or {}).get("certificate")
    if certificate:
        return base64.b64decode(certificate).decode()
    if not any(condition["type"] == "Approved" for condition in _conditions(found)):
        _approve(connection, found, hostname)
    return None


def _post(
    connection: Connection,
    name: str,
    hostname: str,
    request: str,
    *,
    lifetime: timedelta,
) -> Mapping[str, Any] | None:
    """Return the new request, None where one of this name appeared meanwhile."""
    answer = connection.request(
        "POST",
        _REQUESTS,
        action=_action(hostname),
        body={
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": {"name": name, "labels": {HOST_LABEL: hostname}},
            "spec": {
                "request": _encoded(request),
                "signerName": _SIGNER,
                "usages": list(_USAGES),
                "expirationSeconds": int(max(lifetime, _SHORTEST).total_seconds()),
            },
        },
        expect=(409,),
    )
    return None if answer.status == 409 else answer.body


def _approve(connection: Connection, found: Mapping[str, Any], hostname: str) -> None:
    """Approve a request as it was read; one that changed meanwhile is looked at again."""
    status = dict(found.get("status") or {})
    status["conditions"] = [
        *_conditions(found),
        {
            "type": "Approved",
            "status": "True",
            "reason": "HummingbirdProvisions",
            "message": f"Hummingbird made this key to provision {hostname}.",
        },
    ]
    connection.request(
        "PUT",
        f"{_REQUESTS}/{found['metadata']['name']}/approval",
        action=f"approve the certificate of node {hostname}",
        body={**found, "status": status},
        expect=(409,),
    )


def _conditions(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list((found.get("status") or {}).get("conditions") or ())


def _encoded(request: str) -> str:
    return base64.b64encode(request.encode()).decode()


def _action(hostname: str) -> str:
    return f"sign a certificate for node {hostname}"


def _refused(hostname: str, message: str) -> KubernetesRefused:
    return KubernetesRefused(action=_action(hostname), message=message)
