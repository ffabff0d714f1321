# SPDX-License-Identifier: Apache-2.0
"""The control groups of a lab: one for each host, in every hierarchy.

They are named after the lab, below the group in which the lab was started, so that
limits on the caller still hold and two labs never meet.  With cgroup v1 each
controller is a hierarchy (`/sys/fs/cgroup/NAME`); with v2 there is one.  Groups
outlive their processes, so whoever ends a lab removes them (`remove`).
"""

import contextlib
import os
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


def _hierarchies() -> list[Path]:
    """Return the group of this process in every hierarchy that is mounted.

    With v2 alone that is the root: a group with processes of its own, as a session's
    is, may not hand controllers on (cgroups(7), "no internal processes").
    """
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    found = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        mount = ROOT / controllers.removeprefix("name=")
        if not controllers:
            mount = ROOT / "unified" if (ROOT / "unified").is_dir() else ROOT
        group = mount / path.lstrip("/")
        if group.is_dir():
            found.append(group)
    return found


def lab_groups(lab_id: str) -> list[Path]:
    """Return the lab's own group in every hierarchy; they need not exist yet."""
    return [group / f"hummingbird-lab-{lab_id}" for group in _hierarchies()]


def _settle_cpuset(group: Path) -> None:
    """Give a v1 cpuset group its parent's processors; it starts with none."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (group / name).exists() and not (group / name).read_text().strip():
            (group / name).write_text((group.parent / name).read_text())


def _hand_on_controllers(group: Path) -> None:
    """Let the groups below a v2 group have all the controllers that it has."""
    listed = group / "cgroup.controllers"
    if listed.exists():
        for name in listed.read_text().split():
            with contextlib.suppress(OSError):  # one that is in use elsewhere
                (group / "cgroup.subtree_control").write_text(f"+{name}")


def make(groups: list[Path], host: str, *, memory: str) -> list[Path]:
    """Make the groups of one host, with its memory limit, and return them."""
    made = []
    for top in groups:
        group = top / host
        group.mkdir(parents=True, exist_ok=True)
        for level in (top, group):
            _settle_cpuset(level)
        if top.parent == ROOT:
            for level in (ROOT, top):
                _hand_on_controllers(level)
        for name in ("memory.limit_in_bytes", "memory.max"):
            if (group / name).exists():
                (group / name).write_text(memory)
        made.append(group)
    return made


def freeze(groups: list[Path], *, frozen: bool) -> None:
    """Stop every process of a host where it stands, or let them all go on.

    The kernel still answers for a frozen host (ping); its programs do not.
    """
    for group in groups:
        state = group / "freezer.state"
        if state.exists():
            state.write_text("FROZEN" if frozen else "THAWED")
        elif (group / "cgroup.freeze").exists() and len(groups) == 1:
            (group / "cgroup.freeze").write_text("1" if frozen else "0")


def remove(groups: list[Path], *, within_s: float) -> list[Path]:
    """Remove groups with all below them; return those that still have processes.

    They are let go on first: a frozen process of a v1 group cannot be killed.
    """
    deadline = time.monotonic() + within_s
    left = groups
    while True:
        left = [group for group in left if not _remove_tree(group)]
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(0.05)


def _remove_tree(top: Path) -> bool:
    """Remove one group and those below it; False while one is in use."""
    # From the top: a v1 group stays frozen while one above it is.
    for folder, _, _ in os.walk(top):
        state = Path(folder, "freezer.state")
        with contextlib.suppress(OSError):  # no such file, or gone meanwhile
            if state.exists():
                state.write_text("THAWED")
    for folder, _, _ in os.walk(top, topdown=False):
        try:
            Path(folder).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True
