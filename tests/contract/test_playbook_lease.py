# SPDX-License-Identifier: Apache-2.0
"""Real playbooks end with their lease, whatever their conductor does."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hummingbird.adapters.ansible.lease import PlaybookLease
from hummingbird.adapters.ansible.runner import AnsibleRunner
from tests.contract.test_playbook_runner import World, real
from tests.processes import with_argument

__all__ = ["real"]

PATIENCE_SECONDS = 120.0

FROZEN = """
import json, sys
from pathlib import Path
from hummingbird.adapters.ansible.playbook import HostAccess
from hummingbird.adapters.ansible.runner import AnsibleRunner

folder, port, key = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
runner = AnsibleRunner(folder / "playbooks", folder / "state", packed=folder / "modules")
runner.allow("life", 600.0)
access = HostAccess(
    address="127.0.0.1", port=port, user=sys.argv[5], private_key=key.read_text(),
    become=False,
)


def begin(event):
    runner.allow("life", float(sys.argv[4]))
    print(event.status, flush=True)


runner.run(
    "waits", access=access, hostname="edge-0", variables={"typed": ""}, on_event=begin,
    should_cancel=lambda: False, timeout_seconds=600, work_directory=folder / "work",
)
"""


def wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def of_the_run(folder: Path) -> list[str]:
    """Return the playbook's processes; the guard's own are not among them."""
    found = with_argument(str(folder / "work")).values()
    return [line for line in found if "ansible-playbook" in line or "program" in line]


@pytest.fixture
def conductor(real: World, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process with a playbook that waits for ever; its lease is two seconds from the
    playbook's first word on."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", FROZEN, str(tmp_path), str(real.access.port)),
            *(str(tmp_path / "keys" / "client"), "2", real.access.user),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()


def test_the_playbook_of_a_frozen_conductor_ends_with_its_lease(
    conductor: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    assert conductor.stdout is not None
    assert conductor.stdout.readline() == "started\n"
    assert of_the_run(tmp_path)
    os.kill(conductor.pid, signal.SIGSTOP)
    wait(lambda: not of_the_run(tmp_path))
    assert conductor.poll() is None, "it is frozen still"


def test_a_lease_that_is_prolonged_ends_nothing(real: World) -> None:
    runner = real.runner
    assert isinstance(runner, AnsibleRunner)
    runner.allow("life", 600.0)
    assert real.run("calm").status == "successful"


def test_a_lease_that_is_over_ends_what_runs_and_what_begins(real: World) -> None:
    runner = real.runner
    assert isinstance(runner, AnsibleRunner)
    runner.allow("life", 600.0)
    result = real.run("waits", on_event=lambda _: runner.allow("life", 0.0))
    assert result.status == "failed"
    assert real.run("waits").status == "failed"


def test_a_new_life_does_not_prolong_what_the_former_one_began(real: World) -> None:
    runner = real.runner
    assert isinstance(runner, AnsibleRunner)
    runner.allow("life", 600.0)
    told: list[str] = []

    def begin_anew(_: object) -> None:
        if not told:
            runner.allow("life", 0.0)
            runner.allow("another", 600.0)
            told.append("anew")

    assert real.run("waits", on_event=begin_anew).status == "failed"


def test_the_files_of_processes_that_are_gone_are_removed(tmp_path: Path) -> None:
    left = tmp_path / "state" / "lease-999999999-life"
    left.parent.mkdir(mode=0o700)
    left.touch()
    ours = PlaybookLease(left.parent)
    ours.extend("life", 1.0)
    AnsibleRunner(tmp_path, left.parent, packed=tmp_path / "modules")
    assert list(left.parent.iterdir()) == [ours.path]
