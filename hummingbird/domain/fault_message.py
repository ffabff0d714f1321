# SPDX-License-Identifier: Apache-2.0
"""What a fault management elsewhere is told: an alarm set, an alarm cleared, or a log.

The body is FM's own (StarlingX fault fm-rest-api api/controllers/v1/alarm.py, class
Alarm), so that what waits in the queue is what is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from hummingbird.domain.alarm import Alarm, LogEvent


class MessageKind(StrEnum):
    """What happened."""

    SET = "set"
    CLEAR = "clear"
    LOG = "log"


@dataclass(frozen=True, kw_only=True)
class FaultMessage:
    """One thing to tell. Alarms are keyed by (alarm_id, entity_instance_id), logs by uuid;
    told twice it is the same as told once."""

    kind: MessageKind
    uuid: str
    alarm_id: str
    entity_instance_id: str
    body: Mapping[str, Any]


def alarm_set(alarm: Alarm, *, now: datetime) -> FaultMessage:
    """Return the message that `alarm` stands, or says something new."""
    return FaultMessage(
        kind=MessageKind.SET,
        uuid=str(uuid4()),
        alarm_id=alarm.alarm_id,
        entity_instance_id=alarm.entity_instance_id,
        body={
            "alarm_id": alarm.alarm_id,
            "alarm_state": "set",
            "entity_type_id": alarm.entity_type_id,
            "entity_instance_id": alarm.entity_instance_id,
            "timestamp": _timestamp(now),
            "severity": alarm.severity.value,
            "reason_text": alarm.reason_text,
            "alarm_type": alarm.alarm_type,
            "probable_cause": alarm.probable_cause,
            "proposed_repair_action": alarm.proposed_repair_action,
            "service_affecting": alarm.service_affecting,
            "suppression": alarm.suppression,
        },
    )


def alarm_cleared(
    alarm_id: str, entity_instance_id: str, *, now: datetime
) -> FaultMessage:
    """Return the message that an alarm does not stand any more."""
    return FaultMessage(
        kind=MessageKind.CLEAR,
        uuid=str(uuid4()),
        alarm_id=alarm_id,
        entity_instance_id=entity_instance_id,
        body={
            "alarm_id": alarm_id,
            "alarm_state": "clear",
            "entity_instance_id": entity_instance_id,
            "timestamp": _timestamp(now),
        },
    )


def logged(event: LogEvent, *, uuid: str, now: datetime) -> FaultMessage:
    """Return the message that `event`, a log, was written under `uuid`."""
    return FaultMessage(
        kind=MessageKind.LOG,
        uuid=uuid,
        alarm_id=event.event_log_id,
        entity_instance_id=event.entity_instance_id,
        body={
            "uuid": uuid,
            "alarm_id": event.event_log_id,
            "alarm_state": "log",
            "entity_type_id": event.entity_type_id,
            "entity_instance_id": event.entity_instance_id,
            "timestamp": _timestamp(now),
            "severity": event.severity.value,
            "reason_text": event.reason_text[:255],
            "alarm_type": event.event_log_type,
            "probable_cause": event.probable_cause,
            "proposed_repair_action": event.proposed_repair_action,
            "service_affecting": event.service_affecting,
            "suppression": event.suppression,
        },
    )


def _timestamp(now: datetime) -> str:
    # FM's times are UTC and do not say so.
    return now.astimezone(UTC).replace(tzinfo=None).isoformat()
