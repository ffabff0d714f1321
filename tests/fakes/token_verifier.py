# SPDX-License-Identifier: Apache-2.0
"""Stands for Kubernetes' TokenReview: knows the tokens that it issued itself.

Keeps the contract of gateway.identity.TokenVerifier; the real one is
adapters/kubernetes/token_review.py.
"""

import secrets
from dataclasses import dataclass, field
from uuid import uuid4

from hummingbird.errors import KubernetesUnavailable, TokenRefused


@dataclass(frozen=True)
class FakeIdentity:
    """What a token stands for."""

    node_name: str
    service_account: str
    namespace: str = "hummingbird"
    node_uid: str = field(default_factory=lambda: str(uuid4()))
    pod_uid: str = field(default_factory=lambda: str(uuid4()))


class FakeTokenVerifier:
    """Issues and verifies; `away` is a Kubernetes that does not answer."""

    def __init__(self, *, audience: str = "hummingbird") -> None:
        self._audience = audience
        self._issued: dict[str, FakeIdentity] = {}
        self.away = False

    def issue(self, identity: FakeIdentity) -> str:
        """Return a token for this identity."""
        token = secrets.token_urlsafe(32)
        self._issued[token] = identity
        return token

    def verify(self, token: str, audience: str) -> FakeIdentity:
        """Return whom the token stands for.

        :raises TokenRefused: it was not issued, or for another audience.
        :raises KubernetesUnavailable: `away`.
        """
        if self.away:
            raise KubernetesUnavailable(message="away")
        if audience != self._audience or token not in self._issued:
            raise TokenRefused(message="it is not valid")
        return self._issued[token]
