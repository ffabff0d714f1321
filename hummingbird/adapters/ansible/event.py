# SPDX-License-Identifier: Apache-2.0
"""Turns Ansible's events, as ansible-runner's plugin tells them, into ours. Pure.

Kept is what a person can use.

Results are never passed on as they are: a module returns whatever it likes. A message is
short, without the secrets of the run, and empty where a task says `no_log`.
"""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hummingbird.adapters.ansible.playbook import (
    MESSAGE_LIMIT,
    EventStatus,
    PlaybookEvent,
)

_STATUSES: dict[str, EventStatus] = {
    "playbook_on_task_start": "started",
    "playbook_on_handler_task_start": "started",
    "runner_on_ok": "ok",
    "runner_on_skipped": "skipped",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
}

_SPEAKING_ACTIONS = frozenset({"ansible.builtin.debug", "debug"})
"""Actions whose message is meant for people also when they go well."""

_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")

_KEY_LINE = 32
"""Characters from which a line of a secret is one of a key's, and none that stands elsewhere."""

_LONGEST_SECONDS = 366 * 86_400

HIDDEN = "hidden: this task works with secrets"


def secrets_of(variables: Mapping[str, object]) -> tuple[str, ...]:
    """Return the values of variables whose name says that they are secret."""
    name_says_so = re.compile(r"(token|password|secret|private_key)$")
    return tuple(
        value
        for name, value in variables.items()
        if isinstance(value, str) and value and name_says_so.search(name)
    )


def _forms(secrets: Iterable[str]) -> Iterator[str]:
    """Yield each secret as it is and as it stands in JSON and in a shell's words; of a key,
    which has lines, each long one."""
    for secret in secrets:
        yield from (secret, json.dumps(secret)[1:-1], shlex.quote(secret))
        lines = secret.splitlines()
        if len(lines) > 1:
            yield from (line for line in lines if len(line) >= _KEY_LINE)


def clean(text: str, *, secrets: Iterable[str]) -> str:
    """Return `text` fit for a table: short, printable, without `secrets`.

    Where it is too long its end is kept: programs say last what went wrong.
    """
    for form in sorted(set(_forms(secrets)), key=len, reverse=True):
        text = text.replace(form, "***")
    # half a character, as JSON can have it, goes into no database
    text = text.encode(errors="replace").decode()
    text = _CONTROL.sub("", text).strip()
    if len(text) > MESSAGE_LIMIT:
        text = "… " + text[2 - MESSAGE_LIMIT :]
    return text


def _failure(result: Mapping[str, Any]) -> str:
    """Return what a failed task's result says to a person."""
    items = result.get("results")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping) and item.get("failed"):
            result = item
            break
    said = str(result.get("msg") or "").strip()
    for stream in ("stderr", "stdout", "module_stderr", "module_stdout"):
        output = str(result.get(stream) or "").strip()
        if output:
            return f"{said}: {output}" if said else output
    return said or "failed without saying why"


def _message(status: EventStatus, data: Mapping[str, Any]) -> str:
    result = data.get("res")
    if not isinstance(result, Mapping) or status in ("started", "skipped"):
        return ""
    if result.get("_ansible_no_log") or "censored" in result:
        return HIDDEN if status == "failed" else ""
    if status in ("failed", "unreachable"):
        return _failure(result)
    if str(data.get("task_action")) in _SPEAKING_ACTIONS:
        return str(result.get("msg") or "")
    return ""


def _seconds(duration: object) -> float | None:
    """Return a duration that is one: no year, no infinity and no "not a number"."""
    if isinstance(duration, int | float) and 0 <= duration < _LONGEST_SECONDS:
        return float(duration)
    return None


def total(event: Mapping[str, Any], what: str) -> int | None:
    """Return Ansible's own count of tasks, where `event` is the one that sums up."""
    data = event.get("event_data")
    if event.get("event") != "playbook_on_stats" or not isinstance(data, Mapping):
        return None
    counts = data.get(what)
    if not isinstance(counts, Mapping):
        return 0
    return sum(one for one in counts.values() if isinstance(one, int))


def told(event: Mapping[str, Any], *, secrets: Iterable[str] = ()) -> dict[str, str]:
    """Return what a playbook told by `set_stats`, where `event` is the one that sums up."""
    data = event.get("event_data")
    if event.get("event") != "playbook_on_stats" or not isinstance(data, Mapping):
        return {}
    artifacts = data.get("artifact_data")
    if not isinstance(artifacts, Mapping):
        return {}
    return {
        str(name): clean(value, secrets=secrets)
        for name, value in artifacts.items()
        if isinstance(value, str)
    }


def translate(
    event: Mapping[str, Any], *, secrets: Iterable[str] = ()
) -> PlaybookEvent | None:
    """Return what an event of Ansible's means, or None where it means nothing.

    A failure that the playbook ignores is an "ok". Seconds are Ansible's own measure.
    """
    status = _STATUSES.get(str(event.get("event")))
    data = event.get("event_data")
    if status is None or not isinstance(data, Mapping):
        return None
    if status == "failed" and data.get("ignore_errors"):
        status = "ok"
    result = data.get("res")
    if status == "ok" and isinstance(result, Mapping) and result.get("changed"):
        status = "changed"
    return PlaybookEvent(
        step=clean(str(data.get("role") or data.get("play") or ""), secrets=secrets),
        task=clean(str(data.get("task") or ""), secrets=secrets),
        status=status,
        message=clean(_message(status, data), secrets=secrets),
        duration_seconds=_seconds(data.get("duration")),
    )
