# SPDX-License-Identifier: Apache-2.0
"""What an agent reported, as clients see it."""

from typing import Final

from hummingbird.api.shape import (
    DECIMAL,
    FREE,
    TEXT,
    TIME,
    UUID,
    Schema,
    Thing,
    many,
    maybe,
)
from hummingbird.api.view.link import LINKS

KERNEL: Final = Thing(
    "Kernel",
    {
        "ihost_uuid": UUID,
        "hostname": TEXT,
        "kernel_provisioned": TEXT,
        "kernel_running": maybe(TEXT),
        "links": LINKS,
    },
)
FACTS: Final = Thing(
    "Facts",
    {
        "hostname": TEXT,
        "content_hash": TEXT,
        "reported_at": TIME,
        "changed_at": TIME,
        "age_seconds": DECIMAL,
        "facts": FREE,
    },
)
ITEM: Final = Thing(
    "InventoryItem",
    {
        "uuid": UUID,
        "links": LINKS,
        "created_at": TIME,
        "updated_at": maybe(TIME),
    },
    is_open=True,
)
"""One processor, disk, port…: it has sysinv's keys, with what the host's agent said, which
is null where it said nothing."""
COLLECTION: Final[Schema] = {
    "type": "object",
    "description": "One list, under the name of the collection.",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": many(ITEM),
}
