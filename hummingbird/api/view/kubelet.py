# SPDX-License-Identifier: Apache-2.0
"""Which Kubernetes hosts run, in sysinv's words (StarlingX config
sysinv/api/controllers/v1/kube_host_upgrade.py and kube_version.py)."""

from collections.abc import Iterable
from typing import Any, Final

from hummingbird.api.contract.shape import (
    FLAG,
    NULL,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    Shape,
    Thing,
    many,
    maybe,
)
from hummingbird.api.view.link import LINKS, links
from hummingbird.domain.host import Host

NOT_APPLICABLE: Final = "N/A"
"""What sysinv says of a host without a control plane."""
UNKNOWN: Final = "unknown"


def kube_host_upgrade(host: Host, *, base: str) -> dict[str, Any]:
    """Return which kubelet a host runs; no upgrade of one is ever under way by itself."""
    return {
        "id": host.id,
        "uuid": host.uuid,
        "target_version": None,
        "status": None,
        "control_plane_version": NOT_APPLICABLE,
        "kubelet_version": host.kubelet_version or UNKNOWN,
        "host_id": host.id,
        "links": links(base, f"kube_host_upgrade/{host.uuid}"),
        "created_at": host.created_at.isoformat(),
        "updated_at": None,
    }


def kube_versions(seen: Iterable[str]) -> list[dict[str, Any]]:
    """Return the versions that kubelets of hosts run, the oldest first."""
    return [
        {
            "version": version,
            "upgrade_from": [],
            "downgrade_to": [],
            "applied_patches": [],
            "available_patches": [],
            "target": True,
            "state": "active",
        }
        for version in sorted(seen, key=_by_number)
    ]


def _by_number(version: str) -> list[tuple[int, str]]:
    parts = version.lstrip("v").split(".")
    return [(int(part) if part.isdigit() else 0, part) for part in parts]


KUBE_HOST_UPGRADE: Final[Shape] = Thing(
    "KubeHostUpgrade",
    {
        "id": NUMBER,
        "uuid": UUID,
        "target_version": maybe(TEXT),
        "status": maybe(TEXT),
        "control_plane_version": TEXT,
        "kubelet_version": TEXT,
        "host_id": NUMBER,
        "links": LINKS,
        "created_at": TIME,
        "updated_at": NULL,
    },
)
KUBE_VERSION: Final[Shape] = Thing(
    "KubeVersion",
    {
        "version": TEXT,
        "upgrade_from": many(TEXT),
        "downgrade_to": many(TEXT),
        "applied_patches": many(TEXT),
        "available_patches": many(TEXT),
        "target": FLAG,
        "state": TEXT,
    },
)
