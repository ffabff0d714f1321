# SPDX-License-Identifier: Apache-2.0
"""The program `hummingbird-lab`, as a person types it."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hummingbird_lab.lab import Lab

pytestmark = pytest.mark.lab


def call(
    folder: Path, *words: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program on the lab of a folder."""
    return subprocess.run(
        [sys.executable, "-m", "hummingbird_lab.cli", "--dir", str(folder), *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=cwd,
    )


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """The folder of a lab with one host, started and ended by the program."""
    folder = Path(tempfile.mkdtemp(prefix="hummingbird-lab-", dir="/var/tmp"))
    up = call(folder, "up", "--hosts", "edge-0", "--no-kubernetes")
    assert up.returncode == 0, up.stderr
    assert "the lab is up" in up.stderr
    yield folder
    down = call(folder, "down")
    assert (down.returncode, down.stdout, down.stderr) == (0, "", "")
    assert not folder.exists()


def test_status_is_for_people_and_for_programs(folder: Path) -> None:
    assert "edge-0     192.168.204.101  mn   on\n" in call(folder, "status").stdout
    status = json.loads(call(folder, "status", "-f", "json").stdout)
    assert status["folder"] == str(folder)
    assert [host["name"] for host in status["hosts"]] == ["edge-0"]


def test_up_does_not_replace_a_lab_that_runs(folder: Path) -> None:
    up = call(folder, "up", "--no-kubernetes")
    assert up.returncode == 1
    assert up.stderr == (
        f"hummingbird-lab: a lab runs in {folder}; hummingbird-lab down ends it\n"
    )
    assert Lab.attach(folder).is_running


def test_ssh_and_exec_end_as_what_they_ran(folder: Path, tmp_path: Path) -> None:
    assert call(folder, "ssh", "edge-0", "exit 7").returncode == 7
    assert call(folder, "ssh", "edge-0", "hostname").stdout == "edge-0\n"
    assert call(folder, "exec", "controller", "sh", "-c", "exit 9").returncode == 9
    assert call(folder, "exec", "mn", "pwd", cwd=tmp_path).stdout == f"{tmp_path}\n"


def test_faults_show_in_the_status(folder: Path) -> None:
    for words in (("loss", "edge-0", "5"), ("delay", "edge-0", "0.01")):
        assert call(folder, "fault", *words).returncode == 0
    assert "on   delay 0.01 s, loss 5 %" in call(folder, "status").stdout
    assert call(folder, "fault", "clear", "edge-0").returncode == 0
    assert "delay" not in call(folder, "status").stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("fault", "cut", "edge-7"), "no cable edge-7; there are controller, edge-0"),
        (("fault", "delay", "edge-0"), "fault delay needs a number; see --help"),
        (("ssh", "edge-1", "true"), "no host edge-1; there are edge-0"),
        (("exec", "nowhere", "true"), "no place nowhere; there are controller"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(
    folder: Path, words: tuple[str, ...], sentence: str
) -> None:
    done = call(folder, *words)
    assert done.returncode == 1
    assert done.stderr.startswith(f"hummingbird-lab: {sentence}")
    assert done.stderr.count("\n") == 1


def test_without_a_lab_every_command_says_how_to_start_one(tmp_path: Path) -> None:
    for words in (("status",), ("ssh", "edge-0"), ("env",), ("fault", "cut", "r1")):
        done = call(tmp_path, *words)
        assert done.returncode == 1
        assert done.stderr == (
            f"hummingbird-lab: there is no lab in {tmp_path};"
            " hummingbird-lab up starts one\n"
        )
    assert call(tmp_path, "down").returncode == 0


def test_env_names_the_lab_for_a_shell(folder: Path) -> None:
    assert call(folder, "env").stdout == f"export HUMMINGBIRD_LAB={folder}\n"


def test_a_lab_in_the_foreground_ends_when_it_is_told_to(lab_folder: Path) -> None:
    words = ["up", "--hosts", "edge-0", "--no-kubernetes", "--foreground"]
    with subprocess.Popen(
        [sys.executable, "-m", "hummingbird_lab.cli", "--dir", str(lab_folder), *words],
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stderr is not None
        assert any("Ctrl-C" in line for line in program.stderr)
        assert Lab.attach(lab_folder).ssh("edge-0", "hostname").stdout == "edge-0\n"
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=120) == 0
    assert not lab_folder.exists()
