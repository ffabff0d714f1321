# SPDX-License-Identifier: Apache-2.0
"""The host commands send what StarlingX's client would, and print what came back."""

import csv
import io
import json
from typing import Any

import pytest
import yaml

from hummingbird.cli.host import stand_in_mac
from tests.unit.cli.conftest import Asked, Run, Server

HOST: dict[str, Any] = {
    "id": 4,
    "uuid": "adde7d3e-c3bc-4629-b6ba-415cf6f831c0",
    "hostname": "edge-0",
    "personality": "edgeworker",
    "mgmt_ip": "192.168.204.101",
    "administrative": "locked",
    "operational": "disabled",
    "availability": "offline",
    "task": None,
    "location": {},
    "links": [{"href": "http://127.0.0.1/v1/ihosts/4", "rel": "self"}],
}


def test_a_host_is_added_with_the_words_of_the_inventory(
    hummingbird: Run, server: Server
) -> None:
    server.on("POST", "/v1/ihosts", HOST)
    done = hummingbird(
        *("host-add", "-n", "edge-0", "-i", "192.168.204.101"),
        *("--location", "Ulm", "--credential", "shop"),
    )
    assert (done.status, done.err) == (0, "")
    assert server.asked[0].body == {
        "hostname": "edge-0",
        "personality": "edgeworker",
        "mgmt_mac": stand_in_mac("edge-0"),
        "mgmt_ip": "192.168.204.101",
        "location": {"locn": "Ulm"},
        "credential": "shop",
    }
    assert "192.168.204.101" in done.out
    assert "links" not in done.out
    assert "task" not in done.out


def test_a_stand_in_mac_is_the_same_each_time_and_nobodys() -> None:
    first = stand_in_mac("edge-0")
    assert first == stand_in_mac("EDGE-0") != stand_in_mac("edge-1")
    octets = [int(part, 16) for part in first.split(":")]
    assert len(octets) == 6
    assert octets[0] & 0b11 == 0b10  # unicast, locally administered


def test_a_list_comes_in_every_format(hummingbird: Run, server: Server) -> None:
    server.on("GET", "/v1/ihosts", {"ihosts": [HOST]})
    assert "| edge-0 " in hummingbird("host-list").out
    parsed = json.loads(hummingbird("host-list", "-f", "json").out)
    assert parsed[0]["hostname"] == "edge-0"
    assert parsed[0]["task"] is None
    assert yaml.safe_load(hummingbird("host-list", "-f", "yaml").out) == parsed
    rows = list(csv.DictReader(io.StringIO(hummingbird("host-list", "-f", "csv").out)))
    assert rows[0]["mgmt_ip"] == "192.168.204.101"
    one = hummingbird("host-list", "-f", "value", "-c", "availability")
    assert one.out == "offline\n"


def test_a_program_is_shown_everything(hummingbird: Run, server: Server) -> None:
    server.on("GET", "/v1/ihosts/edge-0", HOST)
    assert json.loads(hummingbird("host-show", "edge-0", "-f", "json").out) == HOST


CONDITIONS = [
    {
        "type": "Ready",
        "status": "False",
        "reason": "KubeletNotReady",
        "message": "PLEG is not healthy\x1b[2J",
        "since": "2026-01-02T03:04:05+00:00",
        "observer": "kubernetes",
    }
]


def test_conditions_are_a_line_each_for_people_and_whole_for_programs(
    hummingbird: Run, server: Server
) -> None:
    server.on("GET", "/v1/ihosts/edge-0", {**HOST, "conditions": CONDITIONS})
    server.on("GET", "/v1/ihosts/edge-0/conditions", {"conditions": CONDITIONS})
    assert "Ready False (KubeletNotReady)" in hummingbird("host-show", "edge-0").out
    whole = json.loads(hummingbird("host-conditions", "edge-0", "-f", "json").out)
    assert whole == CONDITIONS
    table = hummingbird("host-conditions", "edge-0").out
    assert "2026-01-02 03:04:05Z" in table
    assert "\x1b" not in table


def test_an_update_is_a_json_patch(hummingbird: Run, server: Server) -> None:
    server.on("PATCH", "/v1/ihosts/edge-0", HOST)
    done = hummingbird(
        *("host-update", "edge-0", "serialid=A=1"),
        *("--mgmt-ip", "192.168.204.102", "--forget-host-key"),
    )
    assert done.status == 0
    assert server.asked[0].body == [
        {"op": "replace", "path": "/serialid", "value": "A=1"},
        {"op": "replace", "path": "/mgmt_ip", "value": "192.168.204.102"},
        {"op": "replace", "path": "/forget_host_key", "value": True},
    ]


def test_a_host_key_is_sent_as_it_was_given(hummingbird: Run, server: Server) -> None:
    server.on("POST", "/v1/ihosts", HOST)
    server.on("PATCH", "/v1/ihosts/edge-0", HOST)
    key = "ssh-ed25519 AAAA"
    assert hummingbird("host-add", "-n", "edge-0", "--host-key", key).status == 0
    assert hummingbird("host-update", "edge-0", "--host-key", key).status == 0
    assert server.asked[0].body["host_key"] == key
    assert server.asked[1].body == [
        {"op": "replace", "path": "/host_key", "value": key}
    ]


@pytest.mark.parametrize("words", [(), ("nonsense",), ("=x",)])
def test_an_update_of_nothing_asks_nobody(
    words: tuple[str, ...], hummingbird: Run, server: Server
) -> None:
    done = hummingbird("host-update", "edge-0", *words)
    assert done.status == 1
    assert done.err
    assert server.asked == []


class Site:
    """A server on which actions lead to runs, as on the real one."""

    def __init__(self, server: Server) -> None:
        self.runs: list[dict[str, Any]] = [_run(3, "recover", "failed")]
        self.actions: list[str] = []
        server.on("GET", "/v1/ihosts/edge-0", HOST)
        server.on("GET", "/v1/runs", lambda asked: (200, {"runs": self.runs[::-1]}))
        server.on("PATCH", "/v1/ihosts/edge-0", self.patch)

    def patch(self, asked: Asked) -> tuple[int, Any]:
        action = asked.body[0]["value"]
        self.actions.append(action)
        self.runs.append(_run(7, action, "queued"))
        self.runs.append(_run(8, "recover", "queued"))
        return 200, HOST


def _run(number: int, kind: str, state: str) -> dict[str, Any]:
    uuid = f"00000000-0000-0000-0000-{number:012}"
    return {"id": number, "uuid": uuid, "hostname": "edge-0"} | {
        "kind": kind,
        "state": state,
    }


@pytest.mark.parametrize(
    ("words", "action"),
    [
        (("host-unlock", "edge-0"), "unlock"),
        (("host-lock", "edge-0"), "lock"),
        (("host-lock", "edge-0", "--force"), "force-lock"),
        (("host-reboot", "edge-0"), "reboot"),
        (("host-reset", "edge-0"), "reset"),
        (("host-power-on", "edge-0"), "power-on"),
        (("host-power-off", "edge-0"), "power-off"),
        (("host-reinstall", "edge-0"), "reinstall"),
    ],
)
def test_an_action_names_the_run_that_it_led_to(
    words: tuple[str, ...], action: str, hummingbird: Run, server: Server
) -> None:
    site = Site(server)
    done = hummingbird(*words)
    assert done.status == 0
    assert site.actions == [action]
    assert f"{action} of edge-0 is run 7; follow it: hummingbird run-show 7" in done.out


def test_a_host_that_needed_no_work_is_gone_at_once(
    hummingbird: Run, server: Server
) -> None:
    server.on("GET", "/v1/ihosts/4", HOST)
    server.on("GET", "/v1/runs", {"runs": []})
    server.on("DELETE", "/v1/ihosts/edge-0", None, status=204)
    done = hummingbird("host-delete", "4", "--wait")
    assert (done.status, done.out) == (0, "edge-0: done\n")


def test_a_refusal_ends_with_its_sentence(hummingbird: Run, server: Server) -> None:
    Site(server)
    text = "Avoiding unlock action on already 'unlocked' host edge-0"
    fault = {"faultcode": "Client", "faultstring": text, "debuginfo": None}
    body = {"error_message": json.dumps(fault)}
    server.on("PATCH", "/v1/ihosts/edge-0", body, status=400)
    done = hummingbird("host-unlock", "edge-0", "--wait")
    assert (done.status, done.out, done.err.strip()) == (1, "", text)
