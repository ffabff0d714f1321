# SPDX-License-Identifier: Apache-2.0
"""A lab leaves nothing, however it ends, and two of them never meet."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from hummingbird_lab import inventory
from hummingbird_lab.errors import LabError, LabNotRunning
from hummingbird_lab.lab import Lab
from hummingbird_lab.life import down
from hummingbird_lab.sandbox import children, start_time

from tests.processes import all_pids

pytestmark = pytest.mark.lab


def descendants(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for child in children(pid):
        found += descendants(child)
    return found


def namespaces(pids: Iterable[int]) -> set[str]:
    """Return the mount, network and process namespaces that processes live in."""
    found = set()
    for pid in pids:
        for kind in ("mnt", "net", "pid"):
            try:
                found.add(str(Path(f"/proc/{pid}/ns/{kind}").readlink()))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # gone, or with more rights than any of ours
    return found


def ticks_now() -> int:
    """Return the time since boot as `start_time` counts it."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def outside(folder: Path) -> list[str]:
    """Return what this machine would show of a lab that was not closed off."""
    places = {*inventory.SWITCHES, *inventory.HOST_BY_NAME}
    places |= {port.owner for port in inventory.PORTS}
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return [
        *(line for line in mounts if str(folder) in line),
        *(str(path) for path in Path("/run/netns").glob("*") if path.name in places),
        *(str(path) for path in Path("/run/systemd/nspawn").glob("*/*")),
    ]


def groups_of(lab_id: str) -> list[Path]:
    """Return the control groups that are named after a lab."""
    return [
        Path(folder) / name
        for folder, names, _ in os.walk("/sys/fs/cgroup")
        for name in names
        if lab_id in name
    ]


def groups_below(lab_id: str) -> list[Path]:
    """Return all control groups below those of a lab."""
    return [
        Path(folder) for group in groups_of(lab_id) for folder, _, _ in os.walk(group)
    ]


def end_of(lab: Lab, how: str) -> None:
    """End a lab in one of three ways."""
    if how == "down":
        lab.down()
    else:
        os.kill(lab.first_pid, signal.SIGKILL)


@pytest.mark.parametrize("how", ["down", "killed", "killed with a frozen host"])
def test_nothing_is_left_of_a_lab(lab_folder: Path, how: str) -> None:
    lab = Lab.up(lab_folder, hosts=("edge-0", "edge-2"), kubernetes=False)
    first = lab.first_pid
    seen = {pid: start_time(pid) for pid in descendants(first)}
    lived = {pid: started for pid, started in seen.items() if started}
    assert len(lived) > 15
    spaces = namespaces(lived) - namespaces([os.getpid()])
    # The lab's three, each host's three, and the mount namespaces of some services.
    assert len(spaces) >= 8
    assert groups_of(lab.id)
    assert outside(lab_folder) == []
    if "frozen" in how:
        # A container's group, below the frozen one, must not stay frozen either.
        group = "/sys/fs/cgroup/freezer/pod"
        nested = f"mkdir {group}; sleep 300 & echo $! >{group}/cgroup.procs"
        if Path("/sys/fs/cgroup/freezer").is_dir():
            lab.ssh("edge-0", f"sudo sh -c '{nested}' >/dev/null 2>&1")
            assert any(path.name == "pod" for path in groups_below(lab.id))
        lab.fault.freeze("edge-0")

    others = {
        (pid, start_time(pid)) for pid in all_pids() if not namespaces([pid]) & spaces
    }
    ended = ticks_now() + 1
    end_of(lab, how)

    deadline = time.monotonic() + 15
    left: dict[str, object] = {"not looked": True}
    while any(left.values()) and time.monotonic() < deadline:
        time.sleep(0.05)
        left = {
            "processes": [
                pid for pid, started in lived.items() if start_time(pid) == started
            ],
            # The kernel gives the number of a namespace that ended to the next one: who
            # began later, or was seen elsewhere before, lives in somebody else's.
            "namespaces": spaces
            & namespaces(
                pid
                for pid in all_pids()
                if (start_time(pid) or ended) < ended
                and (pid, start_time(pid)) not in others
            ),
            "groups": groups_of(lab.id),
            "reapers": [pid for pid in all_pids() if _is_reaper_of(pid, first)],
        }
    assert not any(left.values()), left
    assert outside(lab_folder) == []
    with pytest.raises(LabNotRunning):
        Lab.attach(lab_folder)
    lab.down()
    assert not lab_folder.exists()


def _is_reaper_of(pid: int, first: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return b"hummingbird_lab.reaper" in words and str(first).encode() in words


def test_a_lab_ends_with_the_process_that_wanted_it(lab_folder: Path) -> None:
    script = (
        "import sys, time; from hummingbird_lab.lab import Lab\n"
        "lab = Lab.up(sys.argv[1], hosts=('edge-0',), kubernetes=False)\n"
        "print('up', flush=True); time.sleep(300)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(lab_folder)], stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        lab = Lab.attach(lab_folder)
        owner.kill()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and (lab.is_running or groups_of(lab.id)):
        time.sleep(0.05)
    assert not lab.is_running
    assert not groups_of(lab.id)
    lab.down()


def test_two_labs_side_by_side_do_not_meet(lab_folder: Path) -> None:
    other_folder = Path(tempfile.mkdtemp(prefix="hummingbird-lab-", dir="/var/tmp"))
    with (
        Lab.up(lab_folder, hosts=("edge-0",), kubernetes=False) as one,
        Lab.up(other_folder, hosts=("edge-0",), kubernetes=False) as other,
    ):
        assert one.hosts["edge-0"].address == other.hosts["edge-0"].address
        one.ssh("edge-0", "echo one >whose")
        other.ssh("edge-0", "echo other >whose")
        assert one.ssh("edge-0", "cat whose").stdout == "one\n"
        other.fault.power_off("edge-0")
        other.down()
        assert one.ssh("edge-0", "cat whose").stdout == "one\n"
        one.fault.reboot("edge-0")
        one.wait_for_ssh("edge-0")
    assert not lab_folder.exists()
    assert not other_folder.exists()


def test_a_folder_that_no_lab_made_is_left_alone(lab_folder: Path) -> None:
    (lab_folder / "precious").write_text("data")
    with pytest.raises(LabNotRunning, match="there is no lab in"):
        Lab.attach(lab_folder)
    with pytest.raises(LabNotRunning, match="there is no lab in"):
        Lab(lab_folder).down()
    with pytest.raises(LabError, match="has files that no lab made"):
        Lab.up(lab_folder, kubernetes=False)
    down(lab_folder)
    assert (lab_folder / "precious").read_text() == "data"
    (lab_folder / "precious").unlink()
