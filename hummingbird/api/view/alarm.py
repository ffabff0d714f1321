# SPDX-License-Identifier: Apache-2.0
"""Alarms as FM shows them (StarlingX fault fm-rest-api api/controllers/v1/alarm.py)."""

from typing import Any

from hummingbird.api.contract.shape import (
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    Thing,
    maybe,
    words,
)
from hummingbird.api.view.event_suppression import SUPPRESSION_STATUS, status
from hummingbird.api.view.link import LINKS, links
from hummingbird.domain.alarm import Severity, StoredAlarm


def alarm_short(stored: StoredAlarm, *, suppressed: bool) -> dict[str, Any]:
    """Return the view that stands in a list.

    :param suppressed: whether its alarm id is.
    """
    alarm = stored.alarm
    return {
        "uuid": stored.uuid,
        "alarm_id": alarm.alarm_id,
        "entity_instance_id": alarm.entity_instance_id,
        "severity": alarm.severity.value,
        "timestamp": _timestamp(stored),
        "reason_text": alarm.reason_text,
        "suppression_status": status(suppressed),
        "mgmt_affecting": str(alarm.mgmt_affecting),
        "degrade_affecting": str(alarm.degrade_affecting),
    }


def alarm_full(stored: StoredAlarm, *, base: str, suppressed: bool) -> dict[str, Any]:
    """Return the view of one alarm."""
    alarm = stored.alarm
    updated = stored.updated_at
    return {
        "uuid": stored.uuid,
        "alarm_id": alarm.alarm_id,
        "alarm_state": "set",
        "entity_type_id": alarm.entity_type_id,
        "entity_instance_id": alarm.entity_instance_id,
        "timestamp": _timestamp(stored),
        "severity": alarm.severity.value,
        "reason_text": alarm.reason_text,
        "alarm_type": alarm.alarm_type,
        "probable_cause": alarm.probable_cause,
        "proposed_repair_action": alarm.proposed_repair_action,
        "service_affecting": alarm.service_affecting,
        "suppression": alarm.suppression,
        "suppression_status": status(suppressed),
        "mgmt_affecting": str(alarm.mgmt_affecting),
        "degrade_affecting": str(alarm.degrade_affecting),
        "links": links(base, f"alarms/{stored.uuid}"),
        "created_at": stored.raised_at.isoformat(),
        "updated_at": None if updated is None else updated.isoformat(),
    }


def _timestamp(stored: StoredAlarm) -> str:
    return (stored.updated_at or stored.raised_at).isoformat()


_TRUTH = words("True", "False")
"""FM tells these two as texts."""

_ALARM = {
    "uuid": UUID,
    "alarm_id": TEXT,
    "entity_instance_id": TEXT,
    "severity": words(*Severity),
    "timestamp": TIME,
    "reason_text": TEXT,
    "suppression_status": SUPPRESSION_STATUS,
    "mgmt_affecting": _TRUTH,
    "degrade_affecting": _TRUTH,
}
ALARM_IN_LIST = Thing("AlarmInList", _ALARM)
ALARM = Thing(
    "Alarm",
    {
        **_ALARM,
        "alarm_state": words("set"),
        "entity_type_id": TEXT,
        "alarm_type": TEXT,
        "probable_cause": TEXT,
        "proposed_repair_action": TEXT,
        "service_affecting": FLAG,
        "suppression": FLAG,
        "links": LINKS,
        "created_at": TIME,
        "updated_at": maybe(TIME),
    },
)
ALARM_SUMMARY = Thing(
    "AlarmSummary",
    {
        "critical": NUMBER,
        "major": NUMBER,
        "minor": NUMBER,
        "warnings": NUMBER,
        "status": words("OK", "degraded", "critical"),
    },
)
