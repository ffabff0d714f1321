# SPDX-License-Identifier: Apache-2.0
"""What a host's Kubernetes node should look like: labels, and whether pods may come."""

import re
from typing import Final

from hummingbird.domain.host_state import HostState

EDGEWORKER_LABEL: Final = "hummingbird.starlingx.io/edgeworker"
ADMINISTRATIVE_LABEL: Final = "hummingbird.starlingx.io/administrative"
ZONE_LABEL: Final = "topology.kubernetes.io/zone"
"""Kubernetes "Well-Known Labels": the failure domain of a node."""

_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_NOT_LABEL = re.compile(r"[^A-Za-z0-9_.-]+")
LABEL_MAX: Final = 63

OPEN: Final = frozenset({HostState.ENABLED, HostState.DEGRADED, HostState.LOST})
"""Pods may be scheduled; on a lost one Kubernetes' own taint keeps them away."""
CLOSED: Final = frozenset({HostState.LOCKED})
"""Cordoned. In the other states a run is at work, and the node is the run's."""


def label_value(text: str) -> str | None:
    """Return `text` as a label's value, or None where nothing of it can be one."""
    if _LABEL_VALUE.fullmatch(text):
        return text
    fitted = _NOT_LABEL.sub("-", text)[:LABEL_MAX].strip("-_.")
    return fitted or None


def labels(*, site: str | None, locked: bool) -> dict[str, str | None]:
    """Return the labels of an EdgeWorker's node; None: the label should not be there."""
    return {
        EDGEWORKER_LABEL: "true",
        ADMINISTRATIVE_LABEL: "locked" if locked else "unlocked",
        ZONE_LABEL: None if site is None else label_value(site),
    }
