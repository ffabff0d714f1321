# SPDX-License-Identifier: Apache-2.0
"""What an agent reported, as clients see it."""

from typing import Final

from hummingbird.api.contract.shape import (
    DECIMAL,
    FREE,
    TEXT,
    TIME,
    UUID,
    Thing,
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
