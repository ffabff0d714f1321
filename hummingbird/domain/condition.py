# SPDX-License-Identifier: Apache-2.0
"""Conditions of a host: facts that somebody saw, as Kubernetes has them of its nodes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

READY: Final = "Ready"
"""Its node takes pods: kubelet, runtime and network are well, as Kubernetes says."""
HOST_KEY_KNOWN: Final = "HostKeyKnown"
"""It shows the SSH host key that is pinned. Kept from when it showed another one."""
KUBERNETES: Final = "kubernetes"
"""The observer of READY."""

STALE_MIN: Final = 2
STALE_SHARE: Final = 0.5
"""So many kubelets that stop posting at once are Kubernetes' fault, not theirs: its store
stood still, or nothing reaches it (as sites that fall silent, domain/verdict.py)."""


class Status(StrEnum):
    """Whether a condition is met; values as Kubernetes has them."""

    TRUE = "True"
    FALSE = "False"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One fact about one host."""

    host_id: int
    type: str
    status: Status
    reason: str
    since: datetime
    """When it was first seen so, for people."""
    observer: str


def is_stale(*, silent: int, nodes: int) -> bool:
    """Return whether `silent` kubelets of `nodes` that post nothing tell of Kubernetes
    and not of themselves."""
    return silent >= STALE_MIN and silent >= STALE_SHARE * nodes
