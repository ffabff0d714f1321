# SPDX-License-Identifier: Apache-2.0
"""A claim is a secret of whoever asked for it: nobody else on the machine reads it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run, Server

CLAIM = "/v1/tunnels/kiosk-7/claim"


@pytest.fixture(autouse=True)
def script(server: Server) -> None:
    server.on("POST", CLAIM, {"tunnel": {}, "script": "#!/bin/sh\nkey=@CLAIM_KEY@\n"})


def test_a_claim_is_written_for_its_user_alone(
    hummingbird: Run, tmp_path: Path
) -> None:
    target = tmp_path / "kiosk-7.sh"
    before = os.umask(0)
    try:
        done = hummingbird("host-bootstrap", "kiosk-7", "--output", str(target))
    finally:
        os.umask(before)
    assert done.status == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    key = target.read_text().partition("key=")[2].strip()
    assert len(key) == 44
    assert key not in done.out


@pytest.mark.parametrize("there", ["file", "link", "dangling"])
def test_what_is_there_is_not_written_into_and_no_claim_is_made(
    hummingbird: Run, server: Server, tmp_path: Path, there: str
) -> None:
    target, other = tmp_path / "kiosk-7.sh", tmp_path / "other"
    if there != "dangling":
        other.write_text("mine")
    if there == "file":
        target.write_text("mine")
    else:
        target.symlink_to(other)
    done = hummingbird("host-bootstrap", "kiosk-7", "--output", str(target))
    assert done.status == 1
    assert "exists already" in done.err
    assert not server.asked
    assert not other.exists() or other.read_text() == "mine"


def test_a_folder_that_is_not_there_is_said_before_a_claim_is_made(
    hummingbird: Run, server: Server, tmp_path: Path
) -> None:
    target = tmp_path / "nowhere" / "kiosk-7.sh"
    done = hummingbird("host-bootstrap", "kiosk-7", "--output", str(target))
    assert done.status == 1
    assert not server.asked


@pytest.mark.parametrize(("mode", "status"), [(0o644, 1), (0o640, 1), (0o600, 0)])
def test_stdout_into_a_file_that_others_can_read_is_refused(
    server: Server, tmp_path: Path, mode: int, status: int
) -> None:
    target = tmp_path / "kiosk-7.sh"
    target.touch()
    target.chmod(mode)
    argv = [sys.executable, "-m", "hummingbird.cli.app", "host-bootstrap", "kiosk-7"]
    with target.open("w") as file:
        done = subprocess.run(
            argv, stdout=file, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == status, done.stderr
    assert ("key=" in target.read_text()) is (status == 0)
    assert bool(server.asked) is (status == 0)
    assert status == 0 or "--output FILE" in done.stderr


def test_a_pipe_has_no_other_readers(server: Server) -> None:
    argv = [sys.executable, "-m", "hummingbird.cli.app", "host-bootstrap", "kiosk-7"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "key=" in done.stdout


def test_what_takes_it_back_is_no_secret(hummingbird: Run, tmp_path: Path) -> None:
    target = tmp_path / "undo.sh"
    printed = hummingbird("host-bootstrap", "kiosk-7", "--undo").out
    hummingbird("host-bootstrap", "kiosk-7", "--undo", "--output", str(target))
    assert target.read_text() == printed
