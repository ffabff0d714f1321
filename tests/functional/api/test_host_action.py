# SPDX-License-Identifier: Apache-2.0
"""Locking, unlocking, rebooting: what is accepted becomes a run, in one transaction."""

import pytest

from hummingbird.db.repository import event_log
from hummingbird.domain.host_machine import Event
from hummingbird.domain.host_state import HostState
from hummingbird.domain.run import RunKind, RunState
from tests.functional.api.conftest import World


def _columns(world: World) -> tuple[object, ...]:
    shown = world.client.get("/v1/ihosts/edge-0").json
    return tuple(
        shown[key]
        for key in (
            "administrative",
            "operational",
            "availability",
            "task",
            "ihost_action",
            "invprovision",
        )
    )


def test_a_hosts_life_as_starlingx_sees_it(world: World) -> None:
    world.add_ready()
    seen = [_columns(world)]
    answer = world.client.act("edge-0", "unlock")
    assert answer.status == 200
    assert answer.json["task"] == "Unlocking"
    assert answer.json["action"] == "none"
    assert answer.json["mgmt_ip"] == "192.168.204.50"
    seen.append(_columns(world))
    world.change("edge-0", touched=True)
    seen.append(_columns(world))
    world.end_runs()
    world.move("edge-0", Event.PROVISIONED, provisioned_plan="plan")
    seen.append(_columns(world))
    world.move("edge-0", Event.IN_SERVICE, task=None)
    seen.append(_columns(world))
    world.client.act("edge-0", "lock")
    seen.append(_columns(world)[:1] + _columns(world)[3:])
    world.end_runs()
    world.move("edge-0", Event.LOCK_DONE, online=True, task=None)
    seen.append(_columns(world))
    assert seen == [
        ("locked", "disabled", "offline", None, None, None),
        ("locked", "disabled", "offline", "Unlocking", "unlock", None),
        ("locked", "disabled", "offline", "Unlocking", "unlock", "provisioning"),
        ("unlocked", "disabled", "intest", "Unlocking", "unlock", "provisioned"),
        ("unlocked", "enabled", "available", "", "unlock", "provisioned"),
        ("unlocked", "Locking", "lock", "provisioned"),
        ("locked", "disabled", "online", "", "lock", "provisioned"),
    ]


def test_an_unlock_is_a_queued_run_an_event_and_a_nudge(world: World) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    assert world.nudges == ["run"]
    (run,) = world.runs()
    assert (run.kind, run.state) == (RunKind.UNLOCK, RunState.QUEUED)
    assert run.requested_by == "admin"
    with world.database.reader() as connection:
        stored = event_log.list_latest(connection, limit=1)[0].event
    assert stored.event_log_id == "200.021"
    assert stored.entity_instance_id == "host=edge-0.command=unlock"
    assert stored.reason_text == "edge-0 manual 'unlock' request"


def test_a_conductor_that_can_not_be_nudged_fails_no_request(world: World) -> None:
    def away(_name: str) -> None:
        raise OSError("no broker")

    object.__setattr__(world.dependencies, "nudge", away)
    world.add_ready()
    assert world.client.act("edge-0", "unlock").status == 200
    assert len(world.runs()) == 1


def test_an_unlock_needs_an_address_and_a_way_in(world: World) -> None:
    world.add()
    answer = world.client.act("edge-0", "unlock")
    assert answer.status == 400
    assert "without a management address" in answer.sentence
    world.client.update("edge-0", mgmt_ip="192.168.204.9")
    answer = world.client.act("edge-0", "unlock")
    assert answer.status == 400
    assert answer.fault["code"] == "hummingbird.credential.missing"
    assert world.host().state is HostState.ADDED
    assert world.runs() == []
    assert world.nudges == []


def test_a_second_unlock_is_refused_while_the_first_runs(world: World) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    answer = world.client.act("edge-0", "unlock")
    assert answer.status == 409
    assert "unlock run 1" in answer.sentence
    world.end_runs()
    world.move("edge-0", Event.PROVISIONED)
    answer = world.client.act("edge-0", "unlock")
    assert answer.status == 400
    assert answer.sentence == (
        "Avoiding 'unlock' action on already 'unlocked' host edge-0"
    )


def test_a_provisioned_host_is_only_enabled(world: World) -> None:
    world.add_ready()
    world.enable()
    world.lock()
    assert world.client.act("edge-0", "force-unlock").status == 200
    assert world.host().state is HostState.ENABLING


def test_a_reinstalled_host_is_provisioned_again(world: World) -> None:
    world.add_ready()
    world.enable()
    refused = world.client.act("edge-0", "reinstall")
    assert refused.sentence == (
        "Can not 'Reinstall' an 'unlocked' host edge-0; Please 'Lock' first"
    )
    world.lock()
    answer = world.client.act("edge-0", "reinstall")
    assert answer.status == 200
    assert [answer.json[key] for key in ("administrative", "task", "inv_state")] == [
        "locked",
        "Reinstalling",
        "reinstalling",
    ]
    assert world.runs()[0].kind is RunKind.REINSTALL
    assert world.client.act("edge-0", "unlock").status == 409
    world.end_runs()
    world.move("edge-0", Event.REINSTALLED, provisioned_plan="plan")
    shown = world.client.get("/v1/ihosts/edge-0").json
    assert (shown["install_state"], shown["invprovision"]) == (
        "completed",
        "provisioned",
    )
    world.client.act("edge-0", "unlock")
    assert world.host().state is HostState.ENABLING


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("lock", RunKind.LOCK),
        ("force-lock", RunKind.FORCE_LOCK),
        ("force-unsafe-lock", RunKind.FORCE_LOCK),
    ],
)
def test_a_lock_overtakes_what_was_going_on(
    world: World, action: str, kind: RunKind
) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    world.move("edge-0", Event.PROVISIONED, provisioned_plan="plan")
    assert world.client.act("edge-0", action).status == 200
    latest, unlock = world.runs()
    assert latest.kind is kind
    assert not latest.cancel_requested
    assert unlock.cancel_requested
    assert world.host().state is HostState.LOCKING
    assert world.client.act("edge-0", action).status == 409


@pytest.mark.parametrize("state", [Event.LATE, Event.SILENT])
def test_a_host_that_is_not_well_can_be_locked(world: World, state: Event) -> None:
    world.add_ready()
    world.enable()
    world.move("edge-0", state)
    assert world.client.act("edge-0", "lock").status == 200


def test_a_locked_host_is_not_locked_again(world: World) -> None:
    world.add_ready()
    for action in ("lock", "force-lock"):
        answer = world.client.act("edge-0", action)
        assert answer.status == 400
        assert answer.sentence == (
            "Avoiding lock action on already 'locked' host edge-0"
        )


def test_only_a_forced_lock_cancels_a_provisioning(world: World) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    assert world.client.act("edge-0", "lock").status == 409
    assert not world.runs()[0].cancel_requested
    assert world.client.act("edge-0", "force-lock").status == 200
    (run,) = world.runs()
    assert run.cancel_requested
    assert world.host().state is HostState.PROVISIONING


def test_a_locked_provisioned_host_can_be_rebooted_once_at_a_time(world: World) -> None:
    world.add_ready()
    assert "not provisioned" in world.client.act("edge-0", "reboot").sentence
    world.enable()
    answer = world.client.act("edge-0", "reboot")
    assert answer.sentence == (
        "Can not 'Reboot' an 'unlocked' host edge-0; Please 'Lock' first"
    )
    world.lock()
    assert world.client.act("edge-0", "reboot").status == 200
    assert world.runs()[0].kind is RunKind.REBOOT
    assert world.client.act("edge-0", "reboot").status == 409


def test_a_host_is_not_unlocked_while_it_goes_off_or_is_off(world: World) -> None:
    world.add_ready()
    world.enable()
    world.lock()
    assert world.client.act("edge-0", "power-off").json["task"] == "Powering-off"
    assert world.client.act("edge-0", "unlock").status == 409
    world.end_runs()
    world.change("edge-0", powered_off=True, online=False, task=None)
    shown = world.client.get("/v1/ihosts/edge-0").json
    assert [shown[key] for key in ("operational", "availability", "task")] == [
        "disabled",
        "power-off",
        "",
    ]
    refused = world.client.act("edge-0", "unlock")
    assert refused.sentence == (
        "Can not 'Unlock a Powered-Off' host edge-0; Power-on, wait for 'online' status "
        "and then 'unlock'"
    )
    assert world.client.act("edge-0", "force-unlock").status == 200


BOARD = {
    "bm_type": "redfish",
    "bm_ip": "10.9.0.7",
    "bm_username": "admin",
    "bm_password": "the board's own word",
}


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("power-on", RunKind.POWER_ON),
        ("power-off", RunKind.POWER_OFF),
        ("reset", RunKind.RESET),
    ],
)
def test_a_board_works_on_a_host_on_which_nothing_is(
    world: World, action: str, kind: RunKind
) -> None:
    world.add(**BOARD)
    assert world.client.act("edge-0", action).status == 200
    assert world.runs()[0].kind is kind
    assert world.client.act("edge-0", action).status == 409


@pytest.mark.parametrize("missing", sorted(BOARD))
def test_half_a_board_is_none(world: World, missing: str) -> None:
    world.add(**{**BOARD, missing: "none" if missing == "bm_type" else None})
    answer = world.client.act("edge-0", "power-on")
    assert (answer.status, answer.fault["code"]) == (
        400,
        "hummingbird.host.board_missing",
    )
    assert world.runs() == []


def test_the_power_of_an_unlocked_host_is_left_alone(world: World) -> None:
    world.add_ready()
    world.client.update("edge-0", **BOARD)
    world.enable()
    answers = [
        world.client.act("edge-0", action).sentence
        for action in ("power-on", "power-off", "reset")
    ]
    assert answers == [
        "Can not 'Power-On' an already Powered-on and 'unlocked' host edge-0",
        "Can not 'Power-Off' an 'unlocked' host edge-0; Please 'Lock' first",
        "Can not 'Reset' an 'unlocked' host edge-0; Please 'Lock' first",
    ]


def test_a_boards_password_is_sealed_and_never_shown(world: World) -> None:
    added = world.client.post(
        "/v1/ihosts",
        {
            "hostname": "edge-0",
            "personality": "edgeworker",
            "mgmt_mac": "52:54:00:00:00:01",
            **BOARD,
        },
    )
    shown = world.client.get("/v1/ihosts/edge-0")
    for answer in (added, shown, world.client.get("/v1/ihosts")):
        assert answer.status == 200
        assert b"own word" not in answer.body
        assert b"bm_password" not in answer.body
    attributes = world.host().attributes
    assert "own word" not in str(attributes)
    assert world.box.open(str(attributes["bm_password_sealed"])) == BOARD["bm_password"]


@pytest.mark.parametrize(
    ("change", "is_pinned"),
    [
        ({"bm_password": "another"}, False),
        ({"bm_ip": "10.9.0.8"}, False),
        ({"bm_type": "none"}, False),
        ({"bm_username": "root"}, True),
        ({"location": "Ulm"}, True),
    ],
)
def test_a_pin_is_for_one_board_and_one_password(
    world: World, change: dict[str, object], is_pinned: bool
) -> None:
    world.add(**BOARD)
    attributes = {**world.host().attributes, "bm_fingerprint": "ab" * 32}
    world.change("edge-0", attributes=attributes)
    assert world.client.update("edge-0", **change).status == 200
    assert ("bm_fingerprint" in world.host().attributes) is is_pinned


def test_a_reset_overtakes_what_waits_for_the_host(world: World) -> None:
    world.add_ready()
    world.enable()
    world.lock()
    world.client.act("edge-0", "reboot")
    assert world.client.act("edge-0", "reset").status == 200
    reset, reboot, *_ = world.runs()
    assert (reset.kind, reset.cancel_requested) == (RunKind.RESET, False)
    assert reboot.cancel_requested


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        ("swact", "Swact action not allowed for non controller host edge-0."),
        ("force-swact", "Swact action not allowed for non controller host edge-0."),
        ("bogus", "'bogus' is not a supported maintenance action"),
        ("services-enabled", "is not a supported maintenance action"),
        ("power-off", "Can not 'Power-Off' host edge-0: it is not provisioned"),
        ("reset", "Can not 'Reset' host edge-0: it is not provisioned"),
        ("power-on", "Can not 'Power-On' host edge-0: no board management controller"),
    ],
)
def test_what_is_not_done_here_is_refused(
    world: World, action: str, sentence: str
) -> None:
    world.add_ready()
    answer = world.client.act("edge-0", action)
    assert answer.status == 400
    assert sentence in answer.sentence


def test_a_change_and_an_action_happen_together_or_not_at_all(world: World) -> None:
    world.add()
    refused = world.client.update("edge-0", location="Ulm", action="unlock")
    assert refused.status == 400
    assert world.client.get("/v1/ihosts/edge-0").json["location"] == {}
    world.add_ready("edge-1")
    accepted = world.client.update("edge-1", location="Ulm", action="unlock")
    assert accepted.status == 200
    assert accepted.json["location"] == {"locn": "Ulm"}
    assert accepted.json["task"] == "Unlocking"
