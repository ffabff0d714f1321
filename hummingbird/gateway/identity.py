# SPDX-License-Identifier: Apache-2.0
"""Who an agent is: what Kubernetes says of its service-account token.

The token is bound by Kubernetes to a pod, its service account and its node, so that one
taken from host A can't speak for host B. The agent's own word counts for nothing.
"""

from typing import Final, Protocol

from hummingbird.errors import TokenRefused

SERVICE_ACCOUNTS: Final = {"mtc-client": "mtc-client", "sysinv-agent": "sysinv-agent"}
"""Agent -> the service account that the chart runs it under."""


class AgentIdentity(Protocol):
    """What a valid token says. Any object with these attributes will do."""

    @property
    def node_name(self) -> str: ...
    @property
    def node_uid(self) -> str: ...
    @property
    def pod_uid(self) -> str: ...
    @property
    def service_account(self) -> str: ...
    @property
    def namespace(self) -> str: ...


class TokenVerifier(Protocol):
    """Asks Kubernetes (TokenReview)."""

    def verify(self, token: str, audience: str) -> AgentIdentity:
        """Return whom the token stands for.

        :raises TokenRefused: Kubernetes does not vouch for it for this audience.
        :raises KubernetesUnavailable: it can't be asked now.
        """


def check(identity: AgentIdentity, *, agent: str, namespace: str) -> None:
    """Refuse what is valid in Kubernetes but is not this agent of ours.

    :raises TokenRefused: another namespace's or agent's token, or not bound to a node.
    """
    if identity.namespace != namespace:
        raise TokenRefused(message="it is of another namespace")
    if identity.service_account != SERVICE_ACCOUNTS.get(agent):
        raise TokenRefused(message=f"its service account is not that of {agent}")
    if not identity.node_name or not identity.node_uid or not identity.pod_uid:
        raise TokenRefused(message="it is not bound to a pod and a node")
