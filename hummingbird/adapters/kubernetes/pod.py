# SPDX-License-Identifier: Apache-2.0
"""The agents' pods on one host."""

from hummingbird.adapters.kubernetes.connection import Connection
from hummingbird.adapters.kubernetes.node import is_true

NAME_LABEL = "app.kubernetes.io/name"


def agent_pods(
    connection: Connection, hostname: str, *, namespace: str
) -> dict[str, bool]:
    """Return which agents have a pod on `hostname`, and whether it is ready.

    An agent is named by its pod's label app.kubernetes.io/name. A pod that is being
    ended does not count; of two (a rolling update), one that is ready is enough.
    """
    ready: dict[str, bool] = {}
    for pod in connection.items(
        f"/api/v1/namespaces/{namespace}/pods",
        action=f"list the agents of {hostname}",
        fieldSelector=f"spec.nodeName={hostname}",
        labelSelector=NAME_LABEL,
    ):
        metadata = pod["metadata"]
        if metadata.get("deletionTimestamp"):
            continue
        agent = metadata["labels"][NAME_LABEL]
        is_ready = is_true(pod.get("status") or {}, "Ready")
        ready[agent] = is_ready or ready.get(agent, False)
    return ready
