# SPDX-License-Identifier: Apache-2.0
"""Conditions of a host: facts that somebody saw, as Kubernetes has them of its nodes.

Heard, Powered, Provisioned and Ready are facts apart: none is made from another. What
StarlingX's clients see of a host's state (domain/host.py) is a view of what follows from
them. Each fact names its observer, and is written when it changes and never again.

What is true of all hosts at once is no condition of each: while Kubernetes tells nothing,
or no gateway listens, that is noted once, and what was seen before stays written. `shown`
lays it over the hosts' conditions for who looks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from hummingbird.domain.board import board_of
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import HostState

HEARD: Final = "Heard"
"""Its heartbeats come in."""
POWERED: Final = "Powered"
"""It has power, as its board management controller says."""
PROVISIONED: Final = "Provisioned"
"""What our last run that provisioned it, or provisioned it anew, has established."""
READY: Final = "Ready"
"""Its node takes pods: kubelet, runtime and network are well, as Kubernetes says."""
HOST_KEY_KNOWN: Final = "HostKeyKnown"
"""It shows the SSH host key that is pinned. Kept from when it showed another one."""
TYPES: Final = (HEARD, POWERED, PROVISIONED, READY, HOST_KEY_KNOWN)
"""In the order in which they are shown."""

KUBERNETES: Final = "kubernetes"
"""The observer of READY, and its name among our neighbours."""
MESSAGE_MAX: Final = 255

UNREACHABLE: Final = "KubernetesUnreachable"
KUBELETS_SILENT: Final = "KubernetesHearsNoKubelets"
LEASES_STALE: Final = "KubernetesJudgesNoNodes"
"""Reasons why nothing that Kubernetes says of nodes means anything now."""

HEARTBEAT_HEARD: Final = "HeartbeatHeard"
NEVER_HEARD: Final = "NeverHeard"
NEVER_SEEN: Final = "NeverSeen"
NOT_PROVISIONED: Final = "NotProvisioned"
"""Reasons of what nobody has seen yet."""

STALE_MIN: Final = 2
STALE_SHARE: Final = 0.5
"""So many kubelets of hosts that are heard which stop posting at once are Kubernetes'
fault, not theirs: its store stood still, or nothing reaches it (as sites that fall silent,
domain/verdict.py)."""


class Status(StrEnum):
    """Whether a condition is met; values as Kubernetes has them."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What somebody saw of something."""

    status: Status
    reason: str
    """One word in CamelCase, for programs."""
    message: str = ""
    """A sentence for people; may be empty."""
    observer: str


@dataclass(frozen=True, kw_only=True)
class Condition(Seen):
    """One fact about one host."""

    type: str
    since: datetime | None
    """When it was first seen so, for people; None: not known."""


@dataclass(frozen=True, kw_only=True)
class NeighbourSeen(Seen):
    """What was seen of a neighbour that all hosts hang on, such as Kubernetes.

    TRUE: what it says means something. UNKNOWN: it does not, since a moment ago. FALSE: so
    long that somebody should know.
    """

    name: str
    since: datetime


def heard_or_not(is_heard: bool, *, reason: str, gateway: str) -> Seen:
    """Return whether a host is heard, as a condition.

    :param reason: of a silence, in a sentence.
    :param gateway: which heard it last.
    """
    return Seen(
        status=Status.TRUE if is_heard else Status.FALSE,
        reason=HEARTBEAT_HEARD if is_heard else "HeartbeatLost",
        message="" if is_heard else reason,
        observer=gateway,
    )


def power_seen(power: str, *, observer: str) -> Seen:
    """Return whether a host has power, as a condition.

    :param power: as its board says: "on", "off" or anything between.
    """
    status = {"on": Status.TRUE, "off": Status.FALSE}.get(power, Status.UNKNOWN)
    return Seen(
        status=status,
        reason="BoardSays" + power.capitalize(),
        observer=observer,
    )


def power_unknown(reason: str, message: str, *, observer: str) -> Seen:
    """Return that nobody knows whether a host has power."""
    return Seen(
        status=Status.UNKNOWN, reason=reason, message=message, observer=observer
    )


def is_stale(*, silent: int, nodes: int) -> bool:
    """Return whether `silent` kubelets of `nodes` that post nothing tell of Kubernetes
    and not of themselves.

    Only nodes of hosts that are heard count: of one that is away nobody expects a word.
    """
    return silent >= STALE_MIN and silent >= STALE_SHARE * nodes


def is_common(*, not_ready: int, nodes: int) -> bool:
    """Return whether so many nodes are not Ready that they have one cause, which is not on
    the hosts: Kubernetes' own control plane, or its network plugin.

    :param not_ready: those of hosts that are heard.
    :param nodes: all of hosts that are in service.
    """
    return is_stale(silent=not_ready, nodes=nodes)


def shown(
    host: Host,
    stored: Iterable[Condition],
    *,
    kubernetes: NeighbourSeen | None = None,
    deaf: str = "",
) -> list[Condition]:
    """Return all conditions of a host, in order; what was never seen is Unknown.

    :param kubernetes: what is known of Kubernetes; None: nothing is wrong with it.
    :param deaf: why no gateway is listening; empty: one is.
    """
    known = {one.type: one for one in stored}
    provisioned = known.get(PROVISIONED)
    if board_of(host) is None:
        known.pop(POWERED, None)
    is_provisioned = provisioned is not None and provisioned.status is Status.TRUE
    if is_provisioned and host.provisioned_plan is None:
        # It has another address since, say: what was put on it is not for that.
        del known[PROVISIONED]
    found = [known.get(kind) or _unseen(host, kind) for kind in TYPES]
    return [_overlaid(one, kubernetes=kubernetes, deaf=deaf) for one in found]


def _overlaid(
    one: Condition, *, kubernetes: NeighbourSeen | None, deaf: str
) -> Condition:
    if one.type == HEARD and deaf and one.reason != NEVER_HEARD:
        return Condition(
            type=HEARD,
            status=Status.UNKNOWN,
            reason="NobodyListens",
            message=f"{deaf}; before: {_before(one)}"[:MESSAGE_MAX],
            since=None,
            observer="",
        )
    if (
        one.type == READY
        and kubernetes is not None
        and kubernetes.status is not Status.TRUE
        and one.reason not in (NOT_PROVISIONED, NEVER_SEEN)
    ):
        return Condition(
            type=READY,
            status=Status.UNKNOWN,
            reason=kubernetes.reason,
            message=f"{kubernetes.message}; before: {_before(one)}"[:MESSAGE_MAX],
            since=kubernetes.since,
            observer=kubernetes.observer,
        )
    return one


def _before(one: Condition) -> str:
    return f"{one.status.value} ({one.reason})"


def _unseen(host: Host, kind: str) -> Condition:
    """Return the condition of a host of which nobody has seen it."""
    status, reason, message = _UNSEEN[kind](host)
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message=message,
        since=None,
        observer="",
    )


_Unseen = tuple[Status, str, str]


def _unseen_heard(host: Host) -> _Unseen:
    # A release before wrote `online` and no condition.
    return (
        (Status.TRUE, HEARTBEAT_HEARD, "")
        if host.online
        else (Status.UNKNOWN, NEVER_HEARD, "no heartbeat has come from it yet")
    )


def _unseen_powered(host: Host) -> _Unseen:
    if board_of(host) is None:
        return Status.UNKNOWN, "NoBoard", "it has no board management controller"
    return Status.UNKNOWN, NEVER_SEEN, "its board has not said yet"


def _unseen_provisioned(host: Host) -> _Unseen:
    if host.provisioned_plan is not None:
        return Status.TRUE, "Provisioned", ""
    if host.state is HostState.PROVISIONING:
        return Status.UNKNOWN, "Provisioning", "a run is at work"
    return (
        Status.FALSE,
        NOT_PROVISIONED,
        "nothing of ours is on it, or not as it must be",
    )


def _unseen_ready(host: Host) -> _Unseen:
    if host.provisioned_plan is None:
        return Status.UNKNOWN, NOT_PROVISIONED, "it is no node yet"
    return Status.UNKNOWN, NEVER_SEEN, "its node has not been seen yet"


def _unseen_key(host: Host) -> _Unseen:
    if host.known_hosts is None:
        return Status.UNKNOWN, "NotPinned", "nobody has logged in to it yet"
    return Status.TRUE, "Pinned", ""


_UNSEEN: Final = {
    HEARD: _unseen_heard,
    POWERED: _unseen_powered,
    PROVISIONED: _unseen_provisioned,
    READY: _unseen_ready,
    HOST_KEY_KNOWN: _unseen_key,
}
