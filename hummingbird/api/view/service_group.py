# SPDX-License-Identifier: Apache-2.0
"""Our processes as service management's groups (StarlingX config
sysinv/api/controllers/v1/servicegroup.py): by them distributed cloud tells whether a
subcloud is online."""

from typing import Any, Final
from uuid import NAMESPACE_DNS, uuid5

from hummingbird.api.contract.shape import TEXT, UUID, Shape, Thing, words

ACTIVE: Final = "active"
DISABLED: Final = "disabled"


def service_group(kind: str, node: str, *, is_alive: bool) -> dict[str, Any]:
    """Return a process of ours.

    :param kind: "api", "conductor" or "gateway".
    :param node: the controller that it runs on.
    """
    name = f"hummingbird-{kind}"
    return {
        "uuid": str(uuid5(NAMESPACE_DNS, f"{name}.{node}")),
        "name": name,
        "service_group_name": name,
        "node_name": node,
        "state": ACTIVE if is_alive else DISABLED,
        "desired_state": ACTIVE,
        "status": "",
        "condition": "",
    }


SERVICE_GROUP: Final[Shape] = Thing(
    "ServiceGroup",
    {
        "uuid": UUID,
        "name": TEXT,
        "service_group_name": TEXT,
        "node_name": TEXT,
        "state": words(ACTIVE, DISABLED),
        "desired_state": TEXT,
        "status": TEXT,
        "condition": TEXT,
    },
)
