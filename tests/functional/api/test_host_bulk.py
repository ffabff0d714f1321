# SPDX-License-Identifier: Apache-2.0
"""Many hosts by one file: what an export has, an import takes; what is wrong is said."""

from typing import Any

import pytest

from hummingbird.api.schema.host_bulk import MAX_BYTES
from hummingbird.domain.run import RunKind
from tests.functional.api.conftest import Answer, World

BOUNDARY = "--of-these-tests"


def upload(
    world: World, content: str | bytes, *, field: str = "file", name: str = "for_upload"
) -> Answer:
    raw = content.encode() if isinstance(content, str) else content
    head = (
        f"--{BOUNDARY}\r\nContent-Disposition: form-data;"
        f' name="{field}"; filename="{name}"\r\n\r\n'
    )
    return world.client.request(
        "POST",
        "/v1/ihosts/bulk_add",
        body=head.encode() + raw + f"\r\n--{BOUNDARY}--\r\n".encode(),
        CONTENT_TYPE=f"multipart/form-data; boundary={BOUNDARY}",
    )


def element(number: int, **more: str) -> str:
    values = {
        "personality": "edgeworker",
        "hostname": f"edge-{number}",
        "mgmt_mac": f"52:54:00:00:01:{number:02x}",
        **more,
    }
    inner = "".join(f"<{tag}>{text}</{tag}>" for tag, text in values.items())
    return f"<host>{inner}</host>"


def hosts(*elements: str) -> str:
    return f"<hosts>{''.join(elements)}</hosts>"


def names(world: World) -> list[str]:
    return [one["hostname"] for one in world.client.get("/v1/ihosts").json["ihosts"]]


def exported(world: World) -> str:
    return str(world.client.get("/v1/ihosts/bulk_export").json["content"])


def test_hosts_of_a_file_are_added(world: World) -> None:
    answer = upload(world, hosts(element(1), element(2, mgmt_ip="192.168.204.7")))
    assert answer.status == 200
    assert answer.json == {"success": "\n edge-1\n edge-2", "error": ""}
    assert names(world) == ["edge-1", "edge-2"]
    assert world.host("edge-2").mgmt_ip == "192.168.204.7"


FULL: dict[str, Any] = {
    "mgmt_ip": "192.168.204.9",
    "serialid": 'A<7>&"',
    "location": {"locn": "Halle 3", "rack": 7},
    "capabilities": {"line": "3"},
    "credential": "shop",
    "subfunctions": "edgeworker,lowlatency",
    "clock_synchronization": "ptp",
    "bm_type": "redfish",
    "bm_ip": "10.9.0.7",
    "bm_username": "admin",
    "bm_password": "never exported",
    "boot_device": "/dev/nvme0n1",
    "rootfs_device": "/dev/nvme0n1",
    "hw_settle": "5",
    "install_output": "graphical",
    "console": "tty0",
    "ttys_dcd": "True",
    "apparmor": "enabled",
}
IDENTITIES = ("id", "uuid", "created_at", "links", "updated_at")


def test_an_export_adds_the_same_hosts_again(world: World) -> None:
    world.client.post("/v1/credentials", {"name": "shop", "user": "e", "password": "x"})
    world.add("edge-0", **FULL)
    world.add("edge-1", location="Ulm")
    world.add("edge-2", location={"locn": "{ not an object }"})
    before = world.client.get("/v1/ihosts").json["ihosts"]
    content = exported(world)
    assert "never exported" not in content
    for name in names(world):
        assert world.client.delete(f"/v1/ihosts/{name}").status == 204
    answer = upload(world, content)
    assert answer.json["error"] == ""
    after = world.client.get("/v1/ihosts").json["ihosts"]
    assert [_settings(one) for one in after] == [_settings(one) for one in before]
    assert world.host("edge-0").credential_id is not None
    assert exported(world) == content


def _settings(shown: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shown.items() if key not in IDENTITIES}


def test_an_export_of_nothing_says_that_there_is_nothing(world: World) -> None:
    answer = upload(world, exported(world))
    assert answer.json == {
        "success": "",
        "error": "No hosts have been added, there are none in the file",
    }


def test_hosts_that_are_there_hold_up_no_others(world: World) -> None:
    upload(world, hosts(element(1)))
    answer = upload(
        world, hosts(element(1), element(2), element(3, mgmt_ip="10.99.0.1"))
    )
    assert answer.json["success"] == "\n edge-2"
    first, second, end = answer.json["error"].split("\n")
    assert first == " edge-1: Host-add Rejected: Hostname already exists"
    assert second.startswith(" edge-3: ")
    assert "10.99.0.1" in second
    assert end == ""
    assert names(world) == ["edge-1", "edge-2"]


@pytest.mark.parametrize(
    ("wrong", "culprit", "sentence"),
    [
        (element(7, personality="worker"), "edge-7", "invalid personality=worker"),
        (element(7, mgmt_mac="nonsense"), "edge-7", "MAC Address"),
        (
            "<host><personality>edgeworker</personality></host>",
            "with index 1",
            "hostname",
        ),
        (
            element(7, nosuch="x"),
            "edge-7",
            "Unknown attribute for argument host: nosuch",
        ),
        (element(7, bm_type="telnet"), "edge-7", "not a supported board management"),
        (element(7, mgmt_ip="a.b"), "edge-7", "a.b"),
        (element(7, location="<a/>"), "edge-7", "location should be one text"),
        (element(7, mgmt_mac="52-54-00-00-01-01"), "edge-7", "that of host edge-1 too"),
        (element(1, mgmt_mac="52:54:00:00:01:99"), "edge-1", "that of host edge-1 too"),
    ],
)
def test_where_one_is_wrong_none_is_added_and_each_is_named(
    world: World, wrong: str, culprit: str, sentence: str
) -> None:
    answer = upload(
        world, hosts(element(1), wrong, element(2), element(8, ttys_dcd="maybe"))
    )
    assert answer.status == 200
    assert answer.json["success"] == ""
    first, second = answer.json["error"].split("\n")
    start = f" No hosts have been added, error parsing host {culprit}: "
    assert first.startswith(start)
    assert sentence in first
    assert second.startswith(" No hosts have been added, error parsing host edge-8: ")
    assert names(world) == []


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE hosts [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    "<hosts><host><hostname>&b;</hostname></host></hosts>"
)
READER = (
    '<?xml version="1.0"?><!DOCTYPE hosts [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    "<hosts><host><hostname>&a;</hostname></host></hosts>"
)


@pytest.mark.parametrize(
    "content",
    [BOMB, READER, "", "<hosts>", "no xml", b"\xff\xfe\x00<", "<hosts>&nbsp;</hosts>"],
)
def test_what_is_no_such_file_is_refused(world: World, content: str | bytes) -> None:
    answer = upload(world, content)
    assert (answer.status, answer.json) == (
        200,
        {"success": "", "error": "No hosts have been added, invalid XML document"},
    )


def test_a_form_without_the_file_is_said(world: World) -> None:
    nothing = {"success": "", "error": "Error: No file uploaded"}
    assert upload(world, hosts(element(1)), field="files").json == nothing
    assert upload(world, hosts(element(1)), name="").json == nothing
    for content_type in ("application/json", "multipart/form-data", "", "é/ü"):
        answer = world.client.request(
            "POST",
            "/v1/ihosts/bulk_add",
            body=hosts(element(1)).encode(),
            CONTENT_TYPE=content_type,
        )
        assert (answer.status, answer.json) == (200, nothing)


def test_a_file_that_is_too_large_is_not_read(world: World) -> None:
    answer = upload(world, b" " * MAX_BYTES)
    assert answer.status == 413


def test_a_host_is_switched_on_where_its_board_can(world: World) -> None:
    board = {
        "bm_type": "redfish",
        "bm_ip": "10.9.0.7",
        "bm_username": "admin",
        "bm_password": "x",
        "power_on": "",
    }
    answer = upload(world, hosts(element(1, **board), element(2, power_on="")))
    assert answer.json["success"] == (
        "\n edge-1\n edge-2 Warning: Ignoring <power_on> due to insufficient board "
        "management (bm) data."
    )
    assert [run.kind for run in world.runs("edge-1")] == [RunKind.POWER_ON]
    assert world.runs("edge-2") == []
    assert world.nudges == ["run"]


def test_a_hundred_hosts_are_one_request(world: World) -> None:
    answer = upload(world, hosts(*(element(number) for number in range(100))))
    assert answer.json["error"] == ""
    assert len(names(world)) == 100
