# SPDX-License-Identifier: Apache-2.0
"""Nothing that a playbook started outlives its run, whoever dies first."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from hummingbird.adapters.ansible import guard
from hummingbird.adapters.ansible.lease import PlaybookLease
from tests.processes import with_argument

STRAYS = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    time.sleep(300)
open(sys.argv[1], "w").close()
time.sleep(float(sys.argv[2]))
sys.exit(int(sys.argv[3]))
"""
"""A program like ansible-playbook with its ssh masters: a daemon, and itself."""

CONDUCTOR = """
import os, subprocess, sys
parent = f"--parent={os.getpid()}"
child = subprocess.Popen([sys.executable, "-I", sys.argv[1], parent, *sys.argv[2:]])
print(child.pid, flush=True)
child.wait()
"""


def _wait_for(condition: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def _guarded(
    folder: Path, *, seconds: float = 300, code: int = 0, parent: bool = False
) -> list[str]:
    folder.mkdir()
    arguments = [f"--lock={folder}/lock", f"--wipe={folder}", "--"]
    arguments += [sys.executable, "-c", STRAYS, f"{folder}/started"]
    arguments += [str(seconds), str(code)]
    if parent:
        return [sys.executable, "-c", CONDUCTOR, guard.__file__, *arguments]
    return [
        *(sys.executable, "-I", guard.__file__, f"--parent={os.getpid()}"),
        *arguments,
    ]


def test_it_passes_the_exit_code_on_and_ends_what_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done = subprocess.run(_guarded(folder, seconds=0, code=7), timeout=90, check=False)
    assert done.returncode == 7
    assert with_argument(str(folder)) == {}
    assert folder.exists(), "who lives removes the folder himself"


def test_a_killed_guard_takes_everything_along(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with subprocess.Popen(_guarded(folder)) as outer:
        _wait_for((folder / "started").exists, what="it did not start")
        _wait_for(
            lambda: len(with_argument(str(folder))) >= 4, what="not all of it started"
        )
        outer.kill()
        _wait_for(
            lambda: with_argument(str(folder)) == {},
            what="something outlived the guard",
        )
    assert folder.exists(), "the conductor lives, and may be reading it"


def test_a_told_guard_takes_everything_along(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with subprocess.Popen(_guarded(folder)) as outer:
        _wait_for((folder / "started").exists, what="it did not start")
        (inner,) = [
            pid
            for pid in with_argument(guard.__file__)
            if pid in with_argument(str(folder)) and pid != outer.pid
        ]
        os.kill(inner, signal.SIGTERM)
        assert outer.wait(90) == 128 + signal.SIGTERM
        assert with_argument(str(folder)) == {}


def test_a_conductor_that_is_killed_leaves_no_process_and_no_key(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    conductor = subprocess.Popen(_guarded(folder, parent=True), stdout=subprocess.PIPE)
    try:
        _wait_for((folder / "started").exists, what="it did not start")
        (folder / "key").write_text("secret")
        # not reaped yet: a zombie must count as dead
        conductor.kill()
        _wait_for(
            lambda: set(with_argument(str(folder))) <= {conductor.pid},
            what="something outlived the conductor",
        )
        _wait_for(lambda: not folder.exists(), what="the key outlived the conductor")
    finally:
        conductor.kill()
        conductor.communicate()


def test_a_guard_whose_conductor_is_gone_starts_nothing(tmp_path: Path) -> None:
    argv = _guarded(tmp_path / "run")
    argv[3] = "--parent=1"
    assert subprocess.run(argv, timeout=90, check=False).returncode != 0
    assert not (tmp_path / "run" / "started").exists()


def test_a_program_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    argv = [sys.executable, "-I", guard.__file__, f"--parent={os.getpid()}"]
    argv += [f"--lock={tmp_path}/lock", "--", "/nonexistent/program"]
    done = subprocess.run(argv, timeout=90, capture_output=True, text=True, check=False)
    assert done.returncode == 127
    assert "/nonexistent/program" in done.stderr


def test_a_lease_that_nobody_prolongs_ends_everything(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    PlaybookLease(tmp_path).extend("life", 600.0)
    held = PlaybookLease(tmp_path)
    held.extend("mine", 600.0)
    argv = _guarded(folder)
    argv.insert(argv.index("--"), f"--lease={held.path}")
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as outer:
        _wait_for((folder / "started").exists, what="it did not start")
        held.extend("mine", 0.2)
        _, said = outer.communicate(timeout=90)
        assert outer.returncode == 128 + signal.SIGTERM
        assert "no sign of life" in said
    assert with_argument(str(folder)) == {}


def test_a_namespace_goes_even_with_a_guard_that_can_t_see_to_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    argv = _guarded(folder)
    enters = (
        "import sys; from pathlib import Path\n"
        "from hummingbird.adapters.ansible import confine\n"
        "layers = confine.Layers(namespaces=True)\n"
        "confine.enter(layers, reads=[], writes=[Path(sys.argv[1]).parent])\n"
    )
    argv[argv.index(STRAYS)] = enters + STRAYS
    with subprocess.Popen(argv) as outer:
        _wait_for((folder / "started").exists, what="it did not start")
        (inner,) = [
            pid
            for pid, parent in _parents(with_argument(str(folder))).items()
            if parent == outer.pid
        ]
        os.kill(inner, signal.SIGKILL)
        outer.wait(90)
        _wait_for(
            lambda: with_argument(str(folder)) == {},
            what="something outlived its namespace",
        )


def _parents(pids: Iterable[int]) -> dict[int, int]:
    """Return the parent of each of these processes."""
    texts = {pid: Path(f"/proc/{pid}/stat").read_text() for pid in pids}
    return {
        pid: int(text[text.rindex(")") + 2 :].split()[1]) for pid, text in texts.items()
    }
