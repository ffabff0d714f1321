# SPDX-License-Identifier: Apache-2.0
"""The rows of fault management's operations, which its own port serves too."""

from collections.abc import Mapping
from typing import Final

from hummingbird.api.contract.operation import (
    LIMIT,
    MARKER,
    SORT_DIR,
    Argument,
    Operation,
    Patch,
    sort_key,
)
from hummingbird.api.contract.shape import TEXT, listing, one_of
from hummingbird.api.schema.alarm import CHANGED_ALARM, POSTED_ALARM
from hummingbird.api.view.alarm import ALARM, ALARM_IN_LIST, ALARM_SUMMARY
from hummingbird.api.view.event_log import EVENT, EVENT_IN_LIST
from hummingbird.api.view.event_suppression import SUPPRESSION, SUPPRESSION_IN_LIST

_TRUE_OR_FALSE: Final = {"type": "string"}

FILTER: Final = (
    Argument("q.field", "What a filter is about.", is_repeated=True),
    Argument("q.op", "How it compares: eq.", is_repeated=True),
    Argument("q.type", "Of which type its value is; not read.", is_repeated=True),
    Argument("q.value", "What it looks for.", is_repeated=True),
)
"""How FM filters a list: each of these once a filter."""

_FAULTS: Final = (
    *FILTER,
    MARKER,
    LIMIT,
    sort_key("severity"),
    SORT_DIR,
    Argument("include_suppress", "True: suppressed ones as well.", _TRUE_OR_FALSE),
    Argument("expand", "True: each item whole.", _TRUE_OR_FALSE),
)
_EVENTS: Final = (
    *_FAULTS,
    Argument("alarms", "True: what alarms did.", _TRUE_OR_FALSE),
    Argument("logs", "True: what was logged.", _TRUE_OR_FALSE),
)
_ALARMS_LIST: Final = listing("alarms", one_of(ALARM_IN_LIST, ALARM), is_paged=True)
_EVENTS_LIST: Final = listing("event_log", one_of(EVENT_IN_LIST, EVENT), is_paged=True)
_SUPPRESS: Final = Patch(
    ("replace",), "/suppression_status is to be suppressed or unsuppressed."
)

FAULT_OPERATIONS: Final[Mapping[tuple[str, str], Operation]] = {
    ("GET", "/v1/alarms"): Operation("List alarms", _ALARMS_LIST, query=_FAULTS),
    ("GET", "/v1/alarms/detail"): Operation(
        "List alarms with all of each", _ALARMS_LIST, query=_FAULTS
    ),
    ("GET", "/v1/alarms/summary"): Operation(
        "Count alarms",
        ALARM_SUMMARY,
        query=(Argument("include_suppress", "True: suppressed ones as well."),),
    ),
    ("POST", "/v1/alarms"): Operation(
        "Set or clear an alarm, or log something",
        {**TEXT, "description": 'JSON in a text, as FM\'s: {"uuid": …}'},
        body=POSTED_ALARM,
    ),
    ("GET", "/v1/alarms/{uuid}"): Operation("Show an alarm", ALARM),
    ("PUT", "/v1/alarms/{uuid}"): Operation(
        "Change an alarm", ALARM, body=CHANGED_ALARM
    ),
    ("DELETE", "/v1/alarms/{uuid}"): Operation("Clear an alarm"),
    ("GET", "/v1/event_log"): Operation("List events", _EVENTS_LIST, query=_EVENTS),
    ("GET", "/v1/event_log/detail"): Operation(
        "List events with all of each", _EVENTS_LIST, query=_EVENTS
    ),
    ("GET", "/v1/event_log/{uuid}"): Operation("Show an event", EVENT),
    ("GET", "/v1/event_suppression"): Operation(
        "List alarm ids and whether they are suppressed",
        listing("event_suppression", SUPPRESSION_IN_LIST, is_paged=True),
        query=_FAULTS,
    ),
    ("GET", "/v1/event_suppression/{uuid}"): Operation("Show one", SUPPRESSION),
    ("PATCH", "/v1/event_suppression/{uuid}"): Operation(
        "Suppress an alarm id, or no longer", SUPPRESSION, body=_SUPPRESS
    ),
}
