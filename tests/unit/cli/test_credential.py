# SPDX-License-Identifier: Apache-2.0
"""Secrets go in by a file or stdin, and nothing prints them."""

import io
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run, Server

STORED = {"id": 1, "name": "default", "user": "edge", "port": 22, "become": True}


def test_a_key_comes_from_its_file(
    hummingbird: Run, server: Server, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("-----BEGIN KEY-----\nabc\n")
    server.on("POST", "/v1/credentials", STORED)
    done = hummingbird(
        "credential-add", "default", "--user", "edge", "--private-key", str(key)
    )
    assert done.status == 0
    assert server.asked[0].body == {
        "name": "default",
        "user": "edge",
        "port": 22,
        "become": True,
        "private_key": "-----BEGIN KEY-----\nabc\n",
    }
    assert "abc" not in done.out + done.err


def test_passwords_come_from_stdin_a_line_each(
    hummingbird: Run, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("one two\nthree\n"))
    server.on("POST", "/v1/credentials", STORED)
    done = hummingbird(
        *("credential-add", "shop", "--user", "admin"),
        *("--password-stdin", "--become-password-stdin"),
        "--password-on-first-contact",
    )
    assert done.status == 0
    assert server.asked[0].body["password"] == "one two"
    assert server.asked[0].body["become_password"] == "three"
    assert server.asked[0].body["password_on_first_contact"] is True


def test_an_empty_stdin_is_refused_before_anybody_is_asked(
    hummingbird: Run, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    done = hummingbird("credential-add", "shop", "--user", "a", "--password-stdin")
    assert done.status == 1
    assert "No password came on stdin." in done.err
    assert server.asked == []


def test_a_key_file_that_is_missing_is_named(hummingbird: Run, server: Server) -> None:
    done = hummingbird(
        "credential-add", "x", "--user", "a", "--private-key", "/nonexistent"
    )
    assert done.status == 1
    assert "/nonexistent can't be read" in done.err
