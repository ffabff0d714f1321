# SPDX-License-Identifier: Apache-2.0
"""The audit log as clients see it."""

import json
from typing import Any

from hummingbird.api.contract.shape import NUMBER, TEXT, TIME, Thing, many, maybe
from hummingbird.domain.audit import StoredEntry


def audit_entry_view(stored: StoredEntry) -> dict[str, Any]:
    """Return the view of an entry; `asked` is JSON again."""
    entry = stored.entry
    return {
        "id": stored.id,
        "at": entry.at.isoformat(),
        "request_id": entry.request_id,
        "user": entry.user,
        "user_id": entry.user_id,
        "project": entry.project,
        "roles": list(entry.roles),
        "source": entry.source,
        "method": entry.method,
        "path": entry.path,
        "asked": None if entry.asked is None else json.loads(entry.asked),
        "status": entry.status,
    }


AUDIT_ENTRY = Thing(
    "AuditEntry",
    {
        "id": NUMBER,
        "at": TIME,
        "request_id": TEXT,
        "user": TEXT,
        "user_id": maybe(TEXT),
        "project": maybe(TEXT),
        "roles": many(TEXT),
        "source": TEXT,
        "method": TEXT,
        "path": TEXT,
        "asked": {},
        "status": NUMBER,
    },
)
