# SPDX-License-Identifier: Apache-2.0
"""What a person reads of a run is short, true and without secrets."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hummingbird.adapters.ansible.event import (
    HIDDEN,
    clean,
    secrets_of,
    total,
    translate,
)
from hummingbird.adapters.ansible.playbook import MESSAGE_LIMIT, PlaybookEvent


def _event(kind: str, **data: Any) -> dict[str, Any]:
    return {
        "event": kind,
        "event_data": {"role": "images", "play": "provision", "task": "pull", **data},
    }


def _seen(kind: str, *, secrets: tuple[str, ...] = (), **data: Any) -> PlaybookEvent:
    seen = translate(_event(kind, **data), secrets=secrets)
    assert seen is not None
    return seen


@pytest.mark.parametrize(
    ("kind", "data", "status"),
    [
        ("playbook_on_task_start", {}, "started"),
        ("playbook_on_handler_task_start", {}, "started"),
        ("runner_on_ok", {"res": {"changed": False}}, "ok"),
        ("runner_on_ok", {"res": {"changed": True}}, "changed"),
        ("runner_on_skipped", {}, "skipped"),
        ("runner_on_failed", {"res": {"msg": "no"}}, "failed"),
        ("runner_on_failed", {"res": {"msg": "no"}, "ignore_errors": True}, "ok"),
        ("runner_on_unreachable", {"res": {"msg": "no"}}, "unreachable"),
    ],
)
def test_each_outcome_of_a_task(kind: str, data: dict[str, Any], status: str) -> None:
    assert _seen(kind, **data).status == status


@pytest.mark.parametrize(
    "kind", ["runner_on_start", "runner_item_on_ok", "verbose", "playbook_on_start"]
)
def test_what_says_nothing_to_a_person_is_left_out(kind: str) -> None:
    assert translate(_event(kind)) is None


def test_the_step_is_the_role_or_else_the_play() -> None:
    assert _seen("runner_on_ok").step == "images"
    assert _seen("runner_on_ok", role=None).step == "provision"


def test_a_failure_says_what_the_program_said() -> None:
    result = {"msg": "non-zero return code", "rc": 1, "stderr": "no space left"}
    message = _seen("runner_on_failed", res=result).message
    assert message == "non-zero return code: no space left"


def test_a_failure_in_a_loop_is_that_of_its_item() -> None:
    result = {
        "msg": "One or more items failed",
        "results": [
            {"failed": False, "msg": "fine"},
            {"failed": True, "msg": "broken"},
        ],
    }
    assert _seen("runner_on_failed", res=result).message == "broken"


@pytest.mark.parametrize(
    "result",
    [
        {"censored": "the output has been hidden", "msg": "TOKEN"},
        {"_ansible_no_log": True, "msg": "TOKEN", "stderr": "TOKEN"},
    ],
)
def test_a_task_with_secrets_says_nothing(result: dict[str, Any]) -> None:
    assert _seen("runner_on_failed", res=result).message == HIDDEN
    assert _seen("runner_on_ok", res=result).message == ""


@pytest.mark.parametrize(
    "said",
    [
        'you said it\'s "mine"',
        '["it\'s \\"mine\\""]',
        "sudo 'it'\"'\"'s \"mine\"'",
    ],
)
def test_a_secret_is_struck_out_however_it_is_quoted(said: str) -> None:
    found = clean(said, secrets=['it\'s "mine"'])
    assert "mine" not in found
    assert "***" in found


def test_a_line_of_a_key_is_struck_out() -> None:
    key = f"-----BEGIN X-----\n{'A' * 64}\n{'B' * 64}\n-----END X-----\n"
    assert "AAAA" not in clean(f"invalid format: {'A' * 64}", secrets=[key])


def test_secrets_of_the_run_are_struck_out() -> None:
    variables = {"kubernetes_node_join_private_key": "abcdef.0123", "name": "edge-0"}
    secrets = secrets_of(variables)
    assert secrets == ("abcdef.0123",)
    result = {"msg": "token abcdef.0123 of edge-0 is unknown"}
    message = _seen("runner_on_failed", secrets=secrets, res=result).message
    assert message == "token *** of edge-0 is unknown"


def test_a_result_is_not_passed_on() -> None:
    result = {"msg": "installed", "stdout": "pages of output", "changed": True}
    assert _seen("runner_on_ok", res=result).message == ""
    said = _seen("runner_on_ok", res=result, task_action="ansible.builtin.debug")
    assert said.message == "installed"


def test_a_long_message_keeps_its_end() -> None:
    message = _seen("runner_on_failed", res={"msg": "a" * 2000 + "the end"}).message
    assert len(message) == MESSAGE_LIMIT
    assert message.endswith("the end")


def test_a_message_cannot_move_a_terminal() -> None:
    message = _seen("runner_on_failed", res={"msg": "\x1b[31mred\x1b[0m\x07\r"}).message
    assert message == "red"


def test_the_last_event_sums_up() -> None:
    stats = {"event": "playbook_on_stats", "event_data": {"changed": {"edgeworker": 3}}}
    assert total(stats, "changed") == 3
    assert total(_event("runner_on_ok"), "changed") is None


ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
"""Whatever JSON can hold: a module returns what it likes."""

NAMED = st.fixed_dictionaries(
    {},
    optional={
        name: ANY
        for name in ("msg", "stderr", "module_stdout", "results", "failed", "changed")
    },
)


@given(
    kind=st.sampled_from(["runner_on_ok", "runner_on_failed", "runner_on_unreachable"]),
    result=ANY | NAMED,
    action=st.sampled_from(["ansible.builtin.debug", "command"]),
)
def test_whatever_a_host_returns_becomes_a_short_text(
    kind: str, result: object, action: str
) -> None:
    message = _seen(kind, res=result, task_action=action).message
    assert len(message) <= MESSAGE_LIMIT
    message.encode()
