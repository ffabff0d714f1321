# SPDX-License-Identifier: Apache-2.0
"""Labels by the command line: named, overwritten, removed."""

from tests.unit.cli.conftest import Run, Server

LABEL = {"uuid": "u-1", "label_key": "line", "label_value": "3", "host_uuid": "h"}


def test_labels_are_assigned_in_one_request(hummingbird: Run, server: Server) -> None:
    server.on("POST", "/v1/labels/edge-0", {"labels": [LABEL]})
    done = hummingbird("host-label-assign", "edge-0", "line=3", "a.b/c=", "--overwrite")
    assert (done.status, done.err) == (0, "")
    asked = server.asked[0]
    assert asked.body == {"line": "3", "a.b/c": ""}
    assert asked.query == {"overwrite": "True"}
    assert "| line " in done.out


def test_a_word_that_is_no_label_asks_nobody(hummingbird: Run, server: Server) -> None:
    for words in (("line",), ("=3",), ("line=3", "line=4")):
        assert hummingbird("host-label-assign", "edge-0", *words).status == 1
    assert server.asked == []


def test_labels_are_removed_by_their_keys(hummingbird: Run, server: Server) -> None:
    server.on("GET", "/v1/ihosts/edge-0/labels", {"labels": [LABEL]})
    server.on("DELETE", "/v1/labels/u-1", None, status=204)
    missing = hummingbird("host-label-remove", "edge-0", "line", "row")
    assert missing.status == 1
    assert "no label row" in missing.err
    assert [asked.method for asked in server.asked] == ["GET"]
    done = hummingbird("host-label-remove", "edge-0", "line")
    assert (done.status, done.out) == (0, "line: removed\n")


def test_labels_are_listed(hummingbird: Run, server: Server) -> None:
    server.on("GET", "/v1/ihosts/edge-0/labels", {"labels": [LABEL]})
    listed = hummingbird("host-label-list", "edge-0", "-f", "value")
    assert listed.out == "line 3\n"
