# SPDX-License-Identifier: Apache-2.0
"""Our own processes by their names, and whether they are up."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hummingbird.domain import alarm_rule
from hummingbird.domain.process import Process, is_down
from hummingbird.domain.verdict import Judgement

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ONE = Process(
    id=1,
    name="a.conductor",
    kind="conductor",
    incarnation="one",
    started_at=NOW,
    beat_at=NOW,
)


@pytest.mark.parametrize(
    ("name", "kind", "controller", "service"),
    [
        (
            "controller-0.conductor",
            "conductor",
            "controller-0",
            "hummingbird-conductor",
        ),
        ("a.b.gateway.2131", "gateway", "a.b", "hummingbird-gateway:2131"),
        ("my.api.example.api.6385", "api", "my.api.example", "hummingbird-api:6385"),
    ],
)
def test_a_name_says_the_machine_and_the_service(
    name: str, kind: str, controller: str, service: str
) -> None:
    one = replace(ONE, name=name, kind=kind)
    assert (one.controller, one.service) == (controller, service)


def test_down_is_who_ended_was_noted_or_is_silent_for_too_long() -> None:
    def down(one: Process, silent: float = 0.0) -> bool:
        return is_down(one, silent_seconds=silent, after_seconds=60)

    assert not down(ONE, 60)
    assert down(ONE, 61)
    assert down(replace(ONE, farewell=True))
    assert down(replace(ONE, down_since=NOW))


def test_the_last_of_its_kind_is_critical() -> None:
    down = replace(ONE, down_since=NOW)
    other = replace(ONE, name="b.conductor")

    def severities(*processes: Process) -> dict[str, str]:
        found = alarm_rule.standing(
            [], judgement=Judgement((), {}), processes=processes
        )
        return {entity: str(one.severity) for (_, entity), one in found.items()}

    entity = "service_domain=hummingbird.service_group=hummingbird-conductor.host=a"
    assert severities(down, other) == {entity: "major"}
    assert severities(down) == {entity: "critical"}
    assert severities(ONE, other) == {}
