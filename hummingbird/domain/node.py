# SPDX-License-Identifier: Apache-2.0
"""Which Kubernetes node is a host's, and what it should look like: labels, and whether
pods may come.

A name says nothing: it can be a machine's that is none of ours. See `is_of`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hummingbird.domain.host_state import HostState
from hummingbird.domain.label import is_settable

EDGEWORKER_LABEL: Final = "hummingbird.starlingx.io/edgeworker"
ADMINISTRATIVE_LABEL: Final = "hummingbird.starlingx.io/administrative"
UUID_LABEL: Final = "hummingbird.starlingx.io/host-uuid"
"""What the kubelet of a host that we joined gives the node that it registers, whenever it
does so; other values of it are other hosts' or another Hummingbird's."""
MIRRORED: Final = "hummingbird.starlingx.io/labels"
"""The annotation that names the labels which a node has from its host, so that one that
the host loses goes from the node too, and no other."""
ZONE_LABEL: Final = "topology.kubernetes.io/zone"
"""Kubernetes "Well-Known Labels": the failure domain of a node."""

_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_NOT_LABEL = re.compile(r"[^A-Za-z0-9_.-]+")
LABEL_MAX: Final = 63
KUBELET_MAX: Final = 32
"""Of what a kubelet says its version is, as much is kept: "v1.36.3", or a few words more."""

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


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A provisioned host that nobody works on, as far as its node depends on it."""

    id: int
    uuid: str
    hostname: str
    state: HostState
    emn_id: int | None
    generation: int
    kubelet_version: str | None
    node_uid: str | None
    online: bool
    """Whether it is heard."""


@dataclass(frozen=True)
class Change:
    """What must be merged into a node; None: it must go. Nothing at all where the node
    is as it should be."""

    labels: Mapping[str, str | None] = field(default_factory=dict)
    annotations: Mapping[str, str | None] = field(default_factory=dict)

    def is_empty(self) -> bool:
        """Return whether the node is as it should be."""
        return not self.labels and not self.annotations


def is_of(
    host_uuid: str,
    *,
    known_uid: str | None,
    is_provisioned: bool,
    uid: str,
    labels: Mapping[str, str],
) -> bool:
    """Return whether the node of a host's name is that host's, made by our join.

    It is if its uid is the one that is kept with the host. Of another uid it is where it
    says the host's uuid: the host's kubelet registered again, or the database is older than
    the node. Without any uid kept, one that we labelled before uids were kept is taken over.
    Whoever can write labels to a node can have that node be taken for ours, and no other.

    :param known_uid: the uid that is kept with the host; None: none yet.
    :param is_provisioned: the host was provisioned to the end at some time.
    :param uid: the node's.
    :param labels: the node's.
    """
    if uid == known_uid:
        return True
    said = labels.get(UUID_LABEL)
    if said is not None:
        return said == host_uuid
    return known_uid is None and is_provisioned and EDGEWORKER_LABEL in labels


def dress(
    *,
    host_uuid: str,
    site: str | None,
    locked: bool,
    own: Mapping[str, str],
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
) -> Change:
    """Return what makes a node an EdgeWorker's with its host's labels.

    :param host_uuid: the host's.
    :param own: the host's labels.
    :param labels: the node's, as they are.
    :param annotations: the node's, as they are.
    """
    noted = annotations.get(MIRRORED, "")
    # Whoever can write to the node can write the note: it must not lead us to take what
    # is not an operator's.
    before = {key for key in noted.split(",") if is_settable(key)}
    wanted: dict[str, str | None] = {
        **{key: None for key in before if key not in own},
        **own,
        EDGEWORKER_LABEL: "true",
        UUID_LABEL: host_uuid,
        ADMINISTRATIVE_LABEL: "locked" if locked else "unlocked",
        ZONE_LABEL: None if site is None else label_value(site),
    }
    note = ",".join(sorted(own))
    return Change(
        {key: text for key, text in wanted.items() if labels.get(key) != text},
        {} if note == noted else {MIRRORED: note or None},
    )
