# SPDX-License-Identifier: Apache-2.0
"""This system as sysinv shows its isystem (StarlingX config
sysinv/api/controllers/v1/system.py, class System)."""

from typing import Any

from hummingbird.api.contract.shape import FREE, NULL, TEXT, TIME, UUID, Thing, words
from hummingbird.api.view.host import SW_VERSION
from hummingbird.api.view.link import LINKS, links
from hummingbird.db.repository.system import System


def system_view(this: System, *, base: str) -> dict[str, Any]:
    """Return the view of this system.

    Its mode is duplex: clients hide what adds hosts from a simplex system.
    """
    return {
        "uuid": this.uuid,
        "name": this.name,
        "system_type": "Standard",
        "system_mode": "duplex",
        "description": "Hummingbird",
        "contact": None,
        "location": None,
        "latitude": None,
        "longitude": None,
        "software_version": SW_VERSION,
        "timezone": "UTC",
        "links": links(base, f"isystems/{this.uuid}"),
        "capabilities": {
            "region_config": False,
            "sdn_enabled": False,
            "shared_services": "[]",
        },
        "region_name": "RegionOne",
        "distributed_cloud_role": None,
        "service_project_name": None,
        "security_feature": None,
        "created_at": this.created_at.isoformat(),
        "updated_at": None,
    }


SYSTEM = Thing(
    "System",
    {
        "uuid": UUID,
        "name": TEXT,
        "system_type": words("Standard"),
        "system_mode": words("duplex"),
        "description": TEXT,
        "contact": NULL,
        "location": NULL,
        "latitude": NULL,
        "longitude": NULL,
        "software_version": TEXT,
        "timezone": TEXT,
        "links": LINKS,
        "capabilities": FREE,
        "region_name": TEXT,
        "distributed_cloud_role": NULL,
        "service_project_name": NULL,
        "security_feature": NULL,
        "created_at": TIME,
        "updated_at": NULL,
    },
)
