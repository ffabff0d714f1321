# SPDX-License-Identifier: Apache-2.0
"""What a client sends to set, change or clear an alarm, or to log an event (StarlingX
fault fm-rest-api api/controllers/v1/alarm.py, class Alarm)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from hummingbird.api.schema.attribute import (
    Anything,
    Attribute,
    Body,
    By,
    Flag,
    Lines,
    OrNull,
    Text,
    Words,
)
from hummingbird.api.schema.fault_query import parse_time
from hummingbird.api.schema.text import invalid
from hummingbird.domain.alarm import Alarm, LogEvent, Severity
from hummingbird.domain.alarm_catalogue import CATALOGUE
from hummingbird.errors import AlarmIdUnknown, BadRequest

STATES: Final = ("set", "clear", "log", "msg")
"""`msg` is a log too, under the name that FM's library gives it."""

_LENGTHS: Final = {
    "alarm_id": 32,
    "alarm_type": 64,
    "probable_cause": 64,
    "entity_type_id": 255,
    "entity_instance_id": 255,
    "reason_text": 255,
    "proposed_repair_action": 512,
}
_LONG: Final = ("reason_text", "proposed_repair_action")
"""Whoever writes these may break lines; the lists of clients have one."""
_KEY: Final = ("alarm_id", "entity_instance_id")
_MANDATORY: Final = (*_KEY, "severity", "alarm_type", "probable_cause")
_FLAGS: Final = ("service_affecting", "suppression")
_SAID_BY_US: Final = (
    "suppression_status",
    "mgmt_affecting",
    "degrade_affecting",
    "links",
    "created_at",
    "updated_at",
)
"""What an answer has; a client that sends an answer back is not refused for it."""


@dataclass(frozen=True, kw_only=True)
class Posted:
    """One body, checked; which of its texts must be there depends on what is done."""

    state: str
    uuid: str | None
    at: datetime | None
    """When it happened, where the client knows; else it is now."""
    severity: Severity | None
    texts: Mapping[str, str]
    flags: Mapping[str, bool]

    @property
    def key(self) -> tuple[str, str]:
        """What it is about: alarm id and entity.

        :raises BadRequest: one is missing.
        """
        self._demand(*_KEY)
        return self.texts["alarm_id"], self.texts["entity_instance_id"]

    def alarm(self) -> Alarm:
        """Return the alarm that is to stand.

        :raises BadRequest: something mandatory is missing.
        :raises AlarmIdUnknown: its id is not in the catalogue.
        """
        return make_alarm(self._fields(), severity=self._severity())

    def log(self) -> LogEvent:
        """Return the line that is to be logged; its id may be any.

        :raises BadRequest: something mandatory is missing.
        """
        fields = self._fields()
        return LogEvent(
            event_log_id=fields.pop("alarm_id"),
            event_log_type=fields.pop("alarm_type"),
            state="log",
            severity=self._severity(),
            **fields,
        )

    def over(self, alarm: Alarm) -> Alarm:
        """Return `alarm` with what the body says in place of what it had.

        :raises BadRequest: the body is about another alarm.
        """
        for name in _KEY:
            if self.texts.get(name, getattr(alarm, name)) != getattr(alarm, name):
                raise BadRequest(message=f"{name} of an alarm can not be changed.")
        names = (*_LENGTHS, "service_affecting", "suppression")
        fields = {name: getattr(alarm, name) for name in names}
        return make_alarm(
            {**fields, **self.texts, **self.flags},
            severity=self.severity or alarm.severity,
        )

    def _fields(self) -> dict[str, Any]:
        self._demand(*_MANDATORY)
        return {
            "entity_type_id": "",
            "reason_text": "",
            "proposed_repair_action": "",
            "service_affecting": False,
            "suppression": False,
            **self.texts,
            **self.flags,
        }

    def _severity(self) -> Severity:
        assert self.severity is not None
        return self.severity

    def _demand(self, *names: str) -> None:
        for name in names:
            there = self.severity if name == "severity" else self.texts.get(name)
            if not there:
                raise invalid("alarm", name, None, should="given: it is mandatory")


def make_alarm(fields: Mapping[str, Any], *, severity: Severity) -> Alarm:
    """Return the alarm of `fields`, with what its kind says of such a severity.

    :raises AlarmIdUnknown: its id is not in the catalogue.
    """
    kind = CATALOGUE.get(fields["alarm_id"])
    if kind is None:
        raise AlarmIdUnknown(alarm_id=fields["alarm_id"])
    return Alarm(
        severity=severity,
        mgmt_affecting=kind.is_mgmt_affecting(severity),
        degrade_affecting=kind.is_degrade_affecting(severity),
        **fields,
    )


def parse_alarm(body: Mapping[str, Any], *, state: str | None = None) -> Posted:
    """Return what a body says.

    :param state: what the body's `alarm_state` is when it says none.
    :raises BadRequest: an attribute is unknown, or holds what it can't.
    """
    POSTED_ALARM.refuse_unknown(body)
    found = POSTED_ALARM.read(body, "alarm_state", state)
    texts = {
        name: value
        for name in _LENGTHS
        if (value := POSTED_ALARM.read(body, name)) is not None
    }
    flags = {
        name: value
        for name in _FLAGS
        if (value := POSTED_ALARM.read(body, name)) is not None
    }
    return Posted(
        state=found,
        uuid=POSTED_ALARM.read(body, "uuid"),
        at=POSTED_ALARM.read(body, "timestamp"),
        severity=POSTED_ALARM.read(body, "severity"),
        texts=texts,
        flags=flags,
    )


def _state(_name: str, value: object) -> str:
    if value not in STATES:
        raise BadRequest(message=f"The alarm_state {value!s:.40} does not support!")
    return str(value)


def _uuid(name: str, value: object) -> str:
    try:
        return str(UUID(str(value)))
    except ValueError as error:
        raise invalid("alarm", name, value, should="a UUID") from error


def _time(name: str, value: object) -> datetime:
    if not isinstance(value, str):
        raise invalid("alarm", name, value, should="an ISO 8601 time")
    return parse_time(value)


def _severity(name: str, value: object) -> Severity:
    return Severity(_SEVERITIES.read("alarm", name, value))


_SEVERITIES: Final = Words(*Severity)
_ATTRIBUTES: Final = {
    "uuid": Attribute(OrNull(By(_uuid, {"type": "string", "format": "uuid"}))),
    **{
        name: Attribute(
            Lines(maximum=length) if name in _LONG else Text(maximum=length)
        )
        for name, length in _LENGTHS.items()
    },
    "timestamp": Attribute(
        OrNull(By(_time, {"type": "string"})),
        "When it happened, in ISO 8601, or as 20160131 10:23:45; without it, now.",
    ),
    "severity": Attribute(OrNull(By(_severity, _SEVERITIES.schema))),
    **{name: Attribute(OrNull(Flag())) for name in _FLAGS},
    **{name: Attribute(Anything(), "Not read.") for name in _SAID_BY_US},
}
_UNKNOWN: Final = 'Unknown attribute: "{name}"'

POSTED_ALARM: Final = Body(
    "alarm",
    {
        **_ATTRIBUTES,
        "alarm_state": Attribute(By(_state, Words(*STATES).schema), must=True),
    },
    unknown=_UNKNOWN,
)
CHANGED_ALARM: Final = Body(
    "alarm", {**_ATTRIBUTES, "alarm_state": Attribute(Words("set"))}, unknown=_UNKNOWN
)
