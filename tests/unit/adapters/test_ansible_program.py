# SPDX-License-Identifier: Apache-2.0
"""Modules are packed once for each version of what they are packed from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hummingbird.adapters.ansible import program

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.ping:
"""


@pytest.fixture
def playbooks(tmp_path: Path) -> Path:
    library = tmp_path / "playbooks" / "library"
    library.mkdir(parents=True)
    (library / "one.py").write_text("first\n")
    return library.parent


def test_a_changed_module_is_packed_anew_and_the_former_ones_go(
    playbooks: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "packed"
    first = program.packed_modules(folder, playbooks=playbooks)
    (first / "packed").touch()
    assert program.packed_modules(folder, playbooks=playbooks) == first
    assert (first / "packed").exists()
    (playbooks / "library" / "one.py").write_text("second\n")
    second = program.packed_modules(folder, playbooks=playbooks)
    assert second != first
    assert list(folder.iterdir()) == [second]
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_one_run_has_packed_the_next_one_uses(tmp_path: Path) -> None:
    packed = tmp_path / "packed" / "by this version"  # one that somebody removed
    (tmp_path / "play.yml").write_text(PLAY)
    stamps = []
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        done = subprocess.run(
            [
                *(sys.executable, "-P", "-m", program.__name__, str(packed)),
                *(f"--writes={tmp_path}", "--"),
                *("--connection", "local", "--inventory", "localhost,"),
                *("--extra-vars", f"ansible_python_interpreter={sys.executable}"),
                str(tmp_path / "play.yml"),
            ],
            env={
                **os.environ,
                "ANSIBLE_LOCAL_TEMP": str(tmp_path / run),
                "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote"),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "ok=1" in done.stdout, done
        assert list((tmp_path / run).iterdir()) == [], "only the modules stay"
        (ping,) = (one for one in packed.iterdir() if one.suffix != ".lock")
        stamps.append((ping.name, ping.stat().st_ino))
    assert stamps[0] == stamps[1]
