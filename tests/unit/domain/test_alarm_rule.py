# SPDX-License-Identifier: Apache-2.0
"""Which alarms stand, by state and verdict."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from hummingbird.domain.alarm_rule import standing
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import HostState
from hummingbird.domain.liveness import Liveness
from hummingbird.domain.observation import LinkSeen
from hummingbird.domain.verdict import Judgement, Verdict
from tests.unit.domain.test_provisioning import HOST

S = HostState
L = Liveness
HEARTBEAT = ("200.005", "host=edge-0.network=Management")


def alarms(
    *hosts: Host,
    verdicts: tuple[Verdict, ...] = (),
    dark: dict[str, tuple[int, int]] | None = None,
    down: tuple[str, ...] = (),
    given_up: Mapping[str, str] = MappingProxyType({}),
) -> dict[tuple[str, str], str]:
    found = standing(
        hosts,
        judgement=Judgement(verdicts, dark or {}),
        links=[link(name, up=name not in down) for name in ("mgmt0", "mgmt1")],
        given_up=given_up,
    )
    return {key: str(alarm.severity) for key, alarm in found.items()}


def link(name: str, *, up: bool) -> LinkSeen:
    return LinkSeen(
        controller="controller-0",
        name=name,
        up_since=datetime(2026, 1, 1, tzinfo=UTC) if up else None,
        changed_seconds=1.0,
    )


def in_state(state: HostState) -> Host:
    return replace(HOST, state=state, provisioned_plan="p")


def verdict(liveness: Liveness, *, dark: bool = False) -> Verdict:
    return Verdict("edge-0", "a", liveness, 99.0, "because", site_dark=dark)


@pytest.mark.parametrize(
    ("state", "liveness", "severity"),
    [
        (S.ENABLED, L.LIVE, None),
        (S.ENABLED, L.SUSPECT, None),
        (S.ENABLED, L.LATE, "major"),
        (S.ENABLED, L.LOST, "critical"),
        (S.ENABLED, L.UNKNOWN, None),
        (S.DEGRADED, L.LATE, "major"),
        (S.DEGRADED, L.LIVE, None),
        (S.DEGRADED, L.UNKNOWN, "major"),
        (S.LOST, L.LOST, "critical"),
        (S.LOST, L.UNKNOWN, "critical"),
        (S.LOST, L.LIVE, None),
        (S.RECOVERING, L.LOST, "critical"),
        (S.RECOVERING, L.UNKNOWN, "critical"),
    ],
)
def test_silence_is_an_alarm_by_its_verdict(
    state: HostState, liveness: Liveness, severity: str | None
) -> None:
    found = alarms(in_state(state), verdicts=(verdict(liveness),))
    assert found.get(HEARTBEAT) == severity
    assert len(found) == (severity is not None)


def test_a_dark_site_is_one_alarm() -> None:
    found = alarms(
        in_state(S.LOST), verdicts=(verdict(L.LOST, dark=True),), dark={"a": (3, 4)}
    )
    assert found == {("200.005", "site=a.network=Management"): "critical"}


def test_our_own_link_is_our_own_fault() -> None:
    found = alarms(in_state(S.ENABLED), verdicts=(verdict(L.UNKNOWN),), down=("mgmt1",))
    assert found == {("100.109", "host=controller-0.interface=mgmt1"): "critical"}


def test_a_lock_is_a_warning_for_who_is_provisioned() -> None:
    assert alarms(in_state(S.LOCKED)) == {("200.001", "host=edge-0"): "warning"}
    assert not alarms(replace(HOST, state=S.LOCKED))
    assert not alarms(replace(HOST, state=S.ADDED))


def test_a_ladder_without_rungs_is_an_alarm_as_long_as_the_host_is_lost() -> None:
    given_up = {"edge-0": "Tried without success: reboot."}
    lost = alarms(in_state(S.LOST), verdicts=(verdict(L.LOST),), given_up=given_up)
    assert lost[("200.004", "host=edge-0")] == "critical"
    back = alarms(in_state(S.ENABLED), verdicts=(verdict(L.LIVE),), given_up=given_up)
    assert not back
