# SPDX-License-Identifier: Apache-2.0
"""Who a service-account token speaks for, as the API server says.

A projected token is bound to its pod and its node; the review fails once the pod is
deleted, which a check of the signature alone would not notice. An API server that saw
the token lately goes on for up to 10 s from its cache (kubernetes
pkg/kubeapiserver/options, tokenSuccessCacheTTL).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hummingbird.adapters.kubernetes.connection import Connection
from hummingbird.errors import TokenRefused

_EXTRA = "authentication.kubernetes.io/"
_USER = "system:serviceaccount:"


@dataclass(frozen=True)
class TokenIdentity:
    """What a valid token is bound to; "" where it is not bound to such a thing."""

    username: str
    namespace: str
    service_account: str
    node_name: str
    node_uid: str
    pod_name: str
    pod_uid: str


def review_token(connection: Connection, token: str, *, audience: str) -> TokenIdentity:
    """Return the identity of a token that is valid for `audience`.

    :raises TokenRefused: it is not, or it is no service account's.
    """
    if not token:
        raise TokenRefused(message="there is none")
    answer = connection.request(
        "POST",
        "/apis/authentication.k8s.io/v1/tokenreviews",
        action="review a token",
        body={
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [audience]},
        },
    )
    status: Mapping[str, Any] = answer.body.get("status") or {}
    if not status.get("authenticated"):
        raise TokenRefused(message=status.get("error") or "it is not valid")
    # An authenticator that knows no audiences answers without them: not for us, then.
    if audience not in (status.get("audiences") or ()):
        raise TokenRefused(message="it was made for another audience")
    user = status.get("user") or {}
    username = str(user.get("username", ""))
    namespace, colon, account = username.removeprefix(_USER).partition(":")
    if not username.startswith(_USER) or not colon:
        raise TokenRefused(message="it does not belong to a service account")
    extra = user.get("extra") or {}

    def bound(claim: str) -> str:
        return str((extra.get(_EXTRA + claim) or ("",))[0])

    return TokenIdentity(
        username=username,
        namespace=namespace,
        service_account=account,
        node_name=bound("node-name"),
        node_uid=bound("node-uid"),
        pod_name=bound("pod-name"),
        pod_uid=bound("pod-uid"),
    )


class Reviewer(Protocol):
    """What the verifier needs of a cluster."""

    def review_token(self, token: str, *, audience: str) -> TokenIdentity:
        """Return the identity of a token that is valid for `audience`."""


class TokenReviewVerifier:
    """Lets in the agents' own service accounts, each for the node it runs on.

    An account is enough to be let in, so `service_accounts` names the agents' and
    nobody else's. A token that is not bound to a node is refused: it could speak for
    any.
    """

    def __init__(
        self, cluster: Reviewer, *, namespace: str, service_accounts: Collection[str]
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._service_accounts = frozenset(service_accounts)

    def verify(self, token: str, audience: str) -> TokenIdentity:
        """Return whom `token` speaks for.

        :raises TokenRefused: nobody whom we let in.
        :raises KubernetesUnavailable: nobody could say.
        """
        identity = self._cluster.review_token(token, audience=audience)
        if identity.namespace != self._namespace:
            raise TokenRefused(message="its service account is in another namespace")
        if identity.service_account not in self._service_accounts:
            raise TokenRefused(message="its service account is not an agent's")
        if not (identity.node_name and identity.node_uid and identity.pod_uid):
            raise TokenRefused(message="it is not bound to a pod on a node")
        return identity
