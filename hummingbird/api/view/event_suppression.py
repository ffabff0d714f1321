# SPDX-License-Identifier: Apache-2.0
"""Suppressions as FM shows them (StarlingX fault fm-rest-api
api/controllers/v1/event_suppression.py)."""

from typing import Any

from hummingbird.api.contract.shape import NUMBER, TEXT, UUID, Thing, words
from hummingbird.api.view.link import LINKS, links
from hummingbird.db.repository.event_suppression import StoredSuppression


def status(suppressed: bool) -> str:
    """Return FM's word for it."""
    return "suppressed" if suppressed else "unsuppressed"


def suppression_short(stored: StoredSuppression, *, base: str) -> dict[str, Any]:
    """Return the view that stands in a list."""
    return {
        "uuid": stored.uuid,
        "alarm_id": stored.alarm_id,
        "description": stored.description,
        "suppression_status": status(stored.suppressed),
        "links": links(base, f"event_suppression/{stored.uuid}"),
    }


def suppression_full(stored: StoredSuppression, *, base: str) -> dict[str, Any]:
    """Return the view of one suppression."""
    return {"id": stored.id, **suppression_short(stored, base=base)}


SUPPRESSION_STATUS = words(status(True), status(False))

_SUPPRESSION = {
    "uuid": UUID,
    "alarm_id": TEXT,
    "description": TEXT,
    "suppression_status": SUPPRESSION_STATUS,
    "links": LINKS,
}
SUPPRESSION_IN_LIST = Thing("EventSuppressionInList", _SUPPRESSION)
SUPPRESSION = Thing("EventSuppression", {"id": NUMBER, **_SUPPRESSION})
