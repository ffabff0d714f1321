# SPDX-License-Identifier: Apache-2.0
"""The catalogue agrees with the alarms that are raised, and fits where it is kept."""

import pytest

from hummingbird.db.model import EVENT_SUPPRESSION
from hummingbird.domain import alarm
from hummingbird.domain.alarm import Alarm, Severity
from hummingbird.domain.alarm_catalogue import CATALOGUE, AlarmKind

RAISED = [
    alarm.host_locked("edge-0"),
    alarm.heartbeat_lost("edge-0", critical=True),
    alarm.heartbeat_lost("edge-0", critical=False),
    alarm.site_dark("plant", silent=2, watched=3),
    alarm.controller_link_down("controller-0", interface="mgmt0"),
    alarm.recovery_given_up("edge-0"),
]


@pytest.mark.parametrize("raised", RAISED, ids=lambda one: one.alarm_id)
def test_what_we_raise_affects_what_the_catalogue_says(raised: Alarm) -> None:
    kind = CATALOGUE[raised.alarm_id]
    assert raised.mgmt_affecting == kind.is_mgmt_affecting(raised.severity)
    assert raised.degrade_affecting == kind.is_degrade_affecting(raised.severity)


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=lambda kind: kind.alarm_id)
def test_a_kind_fits_its_row(kind: AlarmKind) -> None:
    assert 0 < len(kind.description) <= EVENT_SUPPRESSION.c.description.type.length
    if kind.degrade is Severity.CRITICAL:
        assert not kind.is_degrade_affecting(Severity.MAJOR)
