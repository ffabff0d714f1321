# SPDX-License-Identifier: Apache-2.0
"""Labels as clients see them (StarlingX config sysinv/api/controllers/v1/label.py)."""

from typing import Any

from hummingbird.api.contract.shape import TEXT, UUID, Thing
from hummingbird.domain.label import Label


def label_view(label: Label) -> dict[str, Any]:
    """Return the view of a label."""
    return {
        "uuid": label.uuid,
        "label_key": label.label_key,
        "label_value": label.label_value,
        "host_uuid": label.host_uuid,
    }


LABEL = Thing(
    "Label",
    {"uuid": UUID, "label_key": TEXT, "label_value": TEXT, "host_uuid": UUID},
)
