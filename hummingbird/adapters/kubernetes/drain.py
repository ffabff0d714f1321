# SPDX-License-Identifier: Apache-2.0
"""Empty a node politely: evictions, which honour disruption budgets.

What `kubectl drain --ignore-daemonsets` leaves is left here too: DaemonSet pods, mirror
pods, and pods that have ended. A node that is not ready can't confirm the end of a pod:
its evictions are asked for, and nobody waits.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hummingbird.adapters.kubernetes.connection import Connection
from hummingbird.adapters.kubernetes.node import find_same
from hummingbird.clock import Clock

_MIRROR = "kubernetes.io/config.mirror"
_ROUND_SECONDS = 1.0
"""Between two looks: what a person who waits would not notice."""

_PENDING = (404, 409, 429, 500)
"""Gone; gone and made anew; a budget forbids it now; two budgets contradict (the
eviction API's documented answers)."""


@dataclass(frozen=True)
class DrainResult:
    """`evicted` evictions were accepted; `left` ("namespace/pod") are still there."""

    evicted: int
    left: tuple[str, ...]


def drain(
    connection: Connection,
    name: str,
    *,
    uid: str,
    deadline: Callable[[], bool],
    on_event: Callable[[str], None],
    clock: Clock,
) -> DrainResult:
    """Evict what runs on the node with this name and uid until it is gone or
    `deadline()` says stop; nothing of another node that has the name by then.

    `deadline` is asked each second. `on_event` is told what a person may want to know.
    """
    accepted: set[str] = set()
    told: set[str] = set()
    while True:
        pods = _to_move(connection, name)
        # Looked at after its pods: they were this node's, since no uid comes back; and
        # a pod, too, is named by its uid.
        if pods and find_same(connection, name, uid=uid) is None:
            return DrainResult(len(accepted), ())
        for pod in pods:
            pod_uid = pod["metadata"]["uid"]
            if pod_uid in accepted or pod["metadata"].get("deletionTimestamp"):
                continue
            refusal = _evict(connection, pod)
            if refusal is None:
                accepted.add(pod_uid)
                on_event(f"pod {_shown(pod)} is being moved away")
            elif pod_uid not in told:
                told.add(pod_uid)
                on_event(f"pod {_shown(pod)} can't be moved yet: {refusal}")
        if pods and not deadline() and _is_ready(connection, name, uid=uid):
            clock.wait(threading.Event(), seconds=_ROUND_SECONDS)
            continue
        return DrainResult(len(accepted), tuple(sorted(_shown(pod) for pod in pods)))


def _to_move(connection: Connection, name: str) -> list[Mapping[str, Any]]:
    pods = connection.items(
        "/api/v1/pods",
        action=f"list the pods of {name}",
        fieldSelector=f"spec.nodeName={name}",
    )
    return [pod for pod in pods if _must_go(pod)]


def _must_go(pod: Mapping[str, Any]) -> bool:
    metadata = pod["metadata"]
    if _MIRROR in (metadata.get("annotations") or {}):
        return False
    if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return False
    return not any(
        owner["kind"] == "DaemonSet" and owner.get("controller")
        for owner in metadata.get("ownerReferences") or ()
    )


def _evict(connection: Connection, pod: Mapping[str, Any]) -> str | None:
    """Ask for one eviction; return why it was refused for now, or None."""
    metadata = pod["metadata"]
    namespace, name = metadata["namespace"], metadata["name"]
    answer = connection.request(
        "POST",
        f"/api/v1/namespaces/{namespace}/pods/{name}/eviction",
        action=f"evict pod {_shown(pod)}",
        body={
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": {"preconditions": {"uid": metadata["uid"]}},
        },
        expect=_PENDING,
    )
    return answer.message if answer.status in (429, 500) else None


def _is_ready(connection: Connection, name: str, *, uid: str) -> bool:
    node = find_same(connection, name, uid=uid)
    return node is not None and node.ready


def _shown(pod: Mapping[str, Any]) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
