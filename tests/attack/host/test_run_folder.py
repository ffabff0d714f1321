# SPDX-License-Identifier: Apache-2.0
"""What a run leaves in its folders is nothing that this process opens by its name.

Code inside a playbook's process plants links, pipes and more, at every name and in every
folder that it can write; an audit hook sees what the conductor opens from then on.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hummingbird.adapters.ansible import inventory, run_folder
from tests.attack.host.world import World

pytestmark = pytest.mark.timeout(300)

NAMES = (
    *("known_hosts", "key", "inventory.json", "owner.lock", "guard.lock"),
    *("stdout", "stderr", "status", "rc", "command", "modules", "env", "ansible"),
    *("artifacts", "job_events", "fact_cache", "project", "inventory", "events"),
)
"""All that this process, and ansible-runner, have ever opened in a run's folder."""

MARK = ".writable"

PLANT = """\
own=$(find "$HOME" "$ANSIBLE_SSH_CONTROL_PATH_DIR" -type d)
count=0
for folder in "$HOME/.." "$HOME/../given" $own; do
  (echo >"$folder/MARK") && cd "$folder" || continue
  count=$((count + 1))
  for name in NAMES; do
    rm -rf "$name"
    PUT
  done
done 2>&1
cd "$HOME"
BEFORE_END
echo planted in $count folders
"""

KINDS = {
    "a link to a secret": 'ln -s SECRET "$name"',
    "a link to a folder": 'ln -s STATE "$name"',
    "a link to what is not there": 'ln -s STATE/made-of-"$name" "$name"',
    "a link to a device": 'ln -s /dev/zero "$name"',
    "a hard link": 'ln SECRET "$name" || { echo x >one; ln one "$name"; }',
    "a pipe": 'mkfifo "$name"',
    "a device": 'mknod "$name" c 1 5',
    "a folder": 'mkdir -p "$name/x"; ln -s SECRET "$name/stdout"',
    "a huge file": 'truncate -s 100G "$name"',
}

DEEP = """\
import os
for _ in range(3000):
    os.mkdir("d"); os.chdir("d")
"""

ACTS_ON_A_PATH = frozenset(
    {
        *("open", "os.chmod", "os.link", "os.listdir", "os.mkdir", "os.remove"),
        *("os.rename", "os.rmdir", "os.scandir", "os.symlink", "os.truncate"),
        *("os.utime", "shutil.copyfile", "shutil.rmtree"),
    }
)


class Watch:
    """What this process does by names below folders that a run has marked."""

    is_on = False
    seen: list[str]
    relative: set[str]

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.is_on or event not in ACTS_ON_A_PATH:
            return
        given = arguments[0] if arguments else None
        if not isinstance(given, str | bytes | os.PathLike):
            return
        path = os.fsdecode(given)
        if not Path(path).is_absolute():
            self.relative.add(path)
        else:
            places = [path, *map(str, Path(path).parents)]
            # A stat is no open, and no event
            if any(os.path.lexists(f"{one}/{MARK}") for one in places):
                self.seen.append(f"{event} {path}")


WATCH = Watch()
sys.addaudithook(WATCH)


@pytest.fixture
def watch() -> Iterator[Watch]:
    WATCH.seen, WATCH.relative = [], set()
    WATCH.is_on = True
    yield WATCH
    WATCH.is_on = False


def plant(world: World, put: str, *, before_end: str = "", fails: bool = False) -> str:
    """Run a playbook that plants; return what it told."""
    script = world.playbooks / "plant.sh"
    (world.playbooks / "deep.py").write_text(DEEP)
    text = PLANT.replace("NAMES", " ".join(NAMES)).replace("MARK", MARK)
    text = text.replace("PUT", put).replace("BEFORE_END", before_end)
    text = text.replace("SECRET", str(world.state / "secret.key"))
    script.write_text(text.replace("STATE", str(world.state)))
    fail = "    - {name: fail, ansible.builtin.fail: {msg: ''}}\n" if fails else ""
    (world.playbooks / "plants.yml").write_text(
        "- name: play\n  hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - {name: plant, ansible.builtin.debug:"
        f" {{msg: \"{{{{ lookup('pipe', 'sh {script}') }}}}\"}}}}\n{fail}"
    )
    result = world.run("plants", variables={}, timeout_seconds=240)
    told = "\n".join(event.message for event in world.events)
    assert result.status == ("failed" if fails else "successful"), result
    planted = re.search(r"planted in (\d+) folders", told)
    assert planted and int(planted[1]) > 1, told
    return f"{told}\n{result}"


def outside(world: World) -> dict[str, bytes]:
    """Return the controller's files beside the runs."""
    return {
        str(path): path.read_bytes()
        for path in world.state.rglob("*")
        if path.is_file() and "runs" not in path.parts
    }


@pytest.mark.parametrize("fails", [False, True], ids=["goes well", "fails"])
@pytest.mark.parametrize("kind", KINDS)
def test_this_process_opens_nothing_by_name_that_a_run_has_planted(
    world: World, watch: Watch, kind: str, fails: bool
) -> None:
    before = outside(world)
    told = plant(world, KINDS[kind], fails=fails)
    assert watch.seen == []
    assert watch.relative <= {inventory.KNOWN_HOSTS, "modules"}
    for secret in world.secrets.values():
        assert secret not in told
    assert outside(world) == before, "something outside of the run was changed"
    assert "known_hosts=None" in told, "that is no key"
    assert list((world.state / "runs").iterdir()) == []


def test_the_watch_sees_what_is_opened_where_a_run_writes(
    watch: Watch, tmp_path: Path
) -> None:
    """Else the test above would prove nothing."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file").touch()
    assert watch.seen == []
    (tmp_path / MARK).touch()
    watch.seen.clear()
    (tmp_path / "sub" / "file").read_text()
    assert watch.seen == [f"open {tmp_path}/sub/file"]


def test_folders_nested_without_end_are_removed(world: World) -> None:
    python = f"{sys.executable} -I {world.playbooks}/deep.py"
    plant(world, ":", before_end=python)
    assert list((world.state / "runs").iterdir()) == []


def public_key(folder: Path) -> str:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "made"],
        check=True,
    )
    return " ".join((folder / "made.pub").read_text().split()[:2])


def test_a_key_that_was_written_down_is_pinned(world: World, tmp_path: Path) -> None:
    key = public_key(tmp_path)
    told = plant(world, ":", before_end=f"echo 'any {key}' >known_hosts")
    assert f"known_hosts='{inventory.ALIAS} {key}\\n'" in told


@pytest.mark.parametrize(
    "content",
    [
        "a secret of the controller",
        "{key} more",
        "x ssh-ed25519 bm8ga2V5",
        "x ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
        "x {key}\nroot:x:0:0:root",
        "x {key}\n" * 100,
        "\0\0",
        "",
    ],
)
def test_what_is_no_key_is_not_pinned(content: str, tmp_path: Path) -> None:
    text = content.replace("{key}", public_key(tmp_path))
    assert inventory.shown(text.encode()) is None


def test_a_dead_runs_folder_is_removed_whatever_its_lock_is(tmp_path: Path) -> None:
    """One of a former version, which runs could write."""
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / "runs").mkdir()
    for name in ("run-fifo", "run-link", "run-dangling"):
        (tmp_path / "runs" / name / "sub").mkdir(parents=True)
        (tmp_path / "runs" / name / "sub" / "out").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "runs" / "run-fifo" / "owner.lock")
    (tmp_path / "runs" / "run-link" / "owner.lock").symlink_to(precious)
    (tmp_path / "runs" / "run-dangling" / "owner.lock").symlink_to(tmp_path / "new")
    run_folder.sweep(tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == []
    assert precious.read_text() == "kept"
    assert not (tmp_path / "new").exists()
