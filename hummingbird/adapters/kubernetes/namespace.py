# SPDX-License-Identifier: Apache-2.0
"""The agents' namespace."""

from collections.abc import Mapping

from hummingbird.adapters.kubernetes.connection import MERGE_PATCH, Connection

PRIVILEGED = {"pod-security.kubernetes.io/enforce": "privileged"}
"""The agents use the host's network and read its /proc and /sys, which every stricter
Pod Security level refuses (kubernetes.io/docs/concepts/security/pod-security-standards).
"""


def ensure_namespace(
    connection: Connection, name: str, *, labels: Mapping[str, str]
) -> None:
    """Make namespace `name`, or give the one there is these labels and PRIVILEGED."""
    wanted = {**labels, **PRIVILEGED}
    path = f"/api/v1/namespaces/{name}"
    found = connection.find(path, action=f"show namespace {name}")
    if found is None:
        connection.request(
            "POST",
            "/api/v1/namespaces",
            action=f"make namespace {name}",
            body={
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": wanted},
            },
            expect=(409,),  # a peer was faster; the next round sees its labels
        )
        return
    has = found["metadata"].get("labels") or {}
    if any(has.get(key) != value for key, value in wanted.items()):
        connection.request(
            "PATCH",
            path,
            action=f"label namespace {name}",
            body={"metadata": {"labels": wanted}},
            content_type=MERGE_PATCH,
        )
