# SPDX-License-Identifier: Apache-2.0
"""The event log as FM shows it (StarlingX fault fm-rest-api
api/controllers/v1/event_log.py)."""

from typing import Any

from hummingbird.api.contract.shape import FLAG, TEXT, TIME, UUID, Thing, words
from hummingbird.api.view.event_suppression import status
from hummingbird.db.repository.event_log import StoredEvent
from hummingbird.domain.alarm import Severity


def event_short(stored: StoredEvent, *, suppressed: bool) -> dict[str, Any]:
    """Return the view that stands in a list."""
    event = stored.event
    return {
        "uuid": stored.uuid,
        "event_log_id": event.event_log_id,
        "state": event.state,
        "entity_instance_id": event.entity_instance_id,
        "timestamp": stored.at.isoformat(),
        "severity": event.severity.value,
        "reason_text": event.reason_text,
        "suppression_status": _suppression(stored, suppressed),
    }


def event_full(stored: StoredEvent, *, suppressed: bool) -> dict[str, Any]:
    """Return the view of one event."""
    event = stored.event
    return {
        "uuid": stored.uuid,
        "event_log_id": event.event_log_id,
        "state": event.state,
        "entity_type_id": event.entity_type_id,
        "entity_instance_id": event.entity_instance_id,
        "timestamp": stored.at.isoformat(),
        "severity": event.severity.value,
        "reason_text": event.reason_text,
        "event_log_type": event.event_log_type,
        "probable_cause": event.probable_cause,
        "proposed_repair_action": event.proposed_repair_action,
        "service_affecting": event.service_affecting,
        "suppression": event.suppression,
        "suppression_status": _suppression(stored, suppressed),
    }


def _suppression(stored: StoredEvent, suppressed: bool) -> str:
    # Only alarms can be suppressed; FM says so of a log with this word.
    return "None" if stored.event.state == "log" else status(suppressed)


_EVENT = {
    "uuid": UUID,
    "event_log_id": TEXT,
    "state": words("set", "clear", "log"),
    "entity_instance_id": TEXT,
    "timestamp": TIME,
    "severity": words(*Severity),
    "reason_text": TEXT,
    "suppression_status": words(status(True), status(False), "None"),
}
EVENT_IN_LIST = Thing("EventInList", _EVENT)
EVENT = Thing(
    "Event",
    {
        **_EVENT,
        "entity_type_id": TEXT,
        "event_log_type": TEXT,
        "probable_cause": TEXT,
        "proposed_repair_action": TEXT,
        "service_affecting": FLAG,
        "suppression": FLAG,
    },
)
