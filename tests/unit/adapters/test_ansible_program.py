# SPDX-License-Identifier: Apache-2.0
"""Modules are packed once for each version of what they are packed from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hummingbird.adapters.ansible import channel, confine, modules, program

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
    first = modules.packed_modules(folder, playbooks=playbooks)
    (first / "packed").touch()
    assert modules.packed_modules(folder, playbooks=playbooks) == first
    assert (first / "packed").exists()
    (playbooks / "library" / "one.py").write_text("second\n")
    second = modules.packed_modules(folder, playbooks=playbooks)
    assert second != first
    assert list(folder.iterdir()) == [second]
    assert folder.stat().st_mode & 0o777 == 0o700


def run(folder: Path, *, packed: Path, layers: confine.Layers) -> Path:
    """Run the play in a folder of its own; return the run's own cache."""
    folder.mkdir()
    own = folder / "modules"
    events = os.open(os.devnull, os.O_WRONLY)
    done = subprocess.run(
        [
            *program.command(
                packed=packed,
                own=own,
                layers=layers,
                port=22,
                reads=[folder.parent / "play.yml"],
                writes=[folder],
            ),
            *("--connection", "local", "--inventory", "localhost,"),
            *("--extra-vars", f"ansible_python_interpreter={sys.executable}"),
            str(folder.parent / "play.yml"),
        ],
        env={
            **os.environ,
            channel.VARIABLE: str(events),
            "ANSIBLE_CALLBACK_PLUGINS": str(channel.plugin_folder()),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        },
        input="",
        cwd=folder,
        pass_fds=[events],
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(events)
    assert "ok=1" in done.stdout, done.stderr
    return own


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_what_one_run_has_packed_is_packed_for_the_next_ones(tmp_path: Path) -> None:
    packed = tmp_path / "packed" / "by this version"  # one that somebody removed
    layers = confine.probe()
    playbooks = tmp_path / "playbooks"
    playbooks.mkdir()
    (tmp_path / "play.yml").write_text(PLAY)
    own = run(tmp_path / "first", packed=packed, layers=layers)
    (made,) = (one for one in own.iterdir() if one.suffix != ".lock")
    assert not made.is_symlink()
    modules.learn(packed, names_in(own), playbooks=playbooks, layers=layers)
    (ping,) = packed.glob("[!.]*")
    assert ping.name == made.name
    assert ping.read_bytes() != b""
    stamp = ping.stat().st_mtime_ns
    own = run(tmp_path / "second", packed=packed, layers=layers)
    assert [one.readlink() for one in own.iterdir()] == [ping]
    modules.learn(packed, names_in(own), playbooks=playbooks, layers=layers)
    assert ping.stat().st_mtime_ns == stamp, "there is nothing to pack"
    left = [path.name for path in packed.iterdir() if path.name.startswith(".pack")]
    assert left == []
