# SPDX-License-Identifier: Apache-2.0
"""What every PlaybookRunner keeps to: the real one by SSH, and the one for tests.

The real one's host is an SSH server on loopback, without the right to set the clock or to
load modules; its playbooks only look and wait.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hummingbird.adapters.ansible.playbook import (
    HostAccess,
    PlaybookEvent,
    PlaybookResult,
    PlaybookRunner,
)
from hummingbird.adapters.ansible.runner import AnsibleRunner
from hummingbird.adapters.ssh.probe import probe
from hummingbird.errors import (
    BadRequest,
    HostKeyChanged,
    HostUnreachable,
    RunFailed,
)
from tests.fakes.ansible_runner import FakeRunner, Outcome
from tests.free_port import free_port
from tests.processes import modes_below, with_argument

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
STEPS = {
    "calm": ("first", "second"),
    "fails": ("first", "second"),
    "tells": ("first",),
    "waits": ("first",),
}

PLAYS = {
    "calm": """
- name: first
  hosts: all
  gather_facts: false
  tags: [first]
  tasks:
    - name: look
      ansible.builtin.command: {argv: [echo, "{{ typed }}"]}
      register: seen
      changed_when: false
    - name: tell
      ansible.builtin.debug: {msg: "typed {{ seen.stdout }}"}
- name: second
  hosts: all
  gather_facts: false
  tags: [second]
  tasks:
    - name: change
      ansible.builtin.command: {argv: ["true"]}
      changed_when: true
""",
    "fails": """
- name: first
  hosts: all
  gather_facts: false
  tasks:
    - name: look
      ansible.builtin.command: {argv: ["true"]}
      changed_when: false
- name: second
  hosts: all
  gather_facts: false
  tasks:
    - name: break
      ansible.builtin.command: {argv: [sh, -c, "echo told to fail >&2; exit 3"]}
      changed_when: false
""",
    "tells": """
- name: first
  hosts: all
  gather_facts: false
  tasks:
    - name: tell
      ansible.builtin.set_stats: {data: {public_key: "a key", number: 7}}
""",
    "waits": """
- name: first
  hosts: all
  gather_facts: false
  tasks:
    - name: wait
      ansible.builtin.command: {argv: [sleep, "300"]}
      changed_when: false
""",
}


class Server:
    """An SSH server on loopback that knows one key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = folder / "client"
        for name in ("client", "host", "other_host"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name],
                check=True,
            )
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, host_key: str = "host") -> None:
        config = self.folder / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\n"
            f"HostKey {self.folder / host_key}\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {self.folder / 'client.pub'}\nStrictModes no\n"
            "PasswordAuthentication no\nPermitRootLogin yes\n"
        )
        sshd = shutil.which("sshd", path="/usr/sbin:/usr/bin")
        assert sshd, "these tests need an SSH server: apt-get install openssh-server"
        argv = [sshd, "-D", "-e", "-f", str(config)]
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
            drop = "--bounding-set=-sys_time,-sys_module,-sys_rawio"
            argv = ["setpriv", drop, *argv]
        self._process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not probe("127.0.0.1", port=self.port, timeout_seconds=1):
            assert time.monotonic() < deadline, "the SSH server did not come up"

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None


@dataclass
class World:
    """A runner, and how to make things happen to its host."""

    runner: PlaybookRunner
    access: HostAccess
    exchange_host_key: Callable[[], None]
    unplug: Callable[[], None]

    def run(
        self,
        playbook: str,
        *,
        access: HostAccess | None = None,
        on_event: Callable[[PlaybookEvent], None] = lambda _: None,
        should_cancel: Callable[[], bool] = lambda: False,
        timeout_seconds: float = 240.0,
        tags: tuple[str, ...] = (),
        work_directory: Path | None = None,
    ) -> PlaybookResult:
        return self.runner.run(
            playbook,
            access=access or self.access,
            hostname="edge-0",
            variables={"typed": "{{ 7 * 7 }}"},
            on_event=on_event,
            should_cancel=should_cancel,
            timeout_seconds=timeout_seconds,
            tags=tags,
            work_directory=work_directory,
        )


@pytest.fixture
def real(tmp_path: Path) -> Iterator[World]:
    playbooks = tmp_path / "playbooks"
    playbooks.mkdir()
    shutil.copy(PLAYBOOKS / "ansible.cfg", playbooks)
    for name, text in PLAYS.items():
        (playbooks / f"{name}.yml").write_text(text)
    keys = tmp_path / "keys"
    keys.mkdir()
    server = Server(keys)
    server.start()

    def exchange() -> None:
        server.stop()
        server.start("other_host")

    yield World(
        runner=AnsibleRunner(
            playbooks, tmp_path / "state", packed=tmp_path / "modules"
        ),
        access=HostAccess(
            address="127.0.0.1",
            port=server.port,
            user=os.environ.get("USER", "root"),
            private_key=server.key.read_text(),
            become=False,
        ),
        exchange_host_key=exchange,
        unplug=server.stop,
    )
    server.stop()


@pytest.fixture
def fake() -> World:
    runner = FakeRunner(steps=STEPS)
    runner.script("fails", Outcome(fail_at="second"))
    runner.script("tells", Outcome(facts={"public_key": "a key"}))
    runner.script("waits", Outcome(hangs_at="first"))
    return World(
        runner=runner,
        access=HostAccess(address="192.0.2.1", user="edge", private_key="key"),
        exchange_host_key=lambda: runner.script("calm", Outcome(key_changed=True)),
        unplug=lambda: runner.script("calm", Outcome(unreachable=True)),
    )


@pytest.fixture(params=["fake", "real"])
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(request.param)
    return found


def test_a_run_that_goes_well_tells_each_step_in_order(world: World) -> None:
    events: list[PlaybookEvent] = []
    result = world.run("calm", on_event=events.append)
    assert result.status == "successful"
    assert result.error is None
    assert list(dict.fromkeys(event.step for event in events)) == ["first", "second"]
    assert [event.status for event in events if event.step == "second"] == [
        "started",
        "changed",
    ]
    assert result.changed >= 1
    assert result.ok >= result.changed


def test_only_the_parts_that_were_asked_for_are_run(world: World) -> None:
    events: list[PlaybookEvent] = []
    result = world.run("calm", on_event=events.append, tags=("second",))
    assert result.status == "successful"
    assert {event.step for event in events} == {"second"}


def test_what_a_playbook_tells_is_in_its_result(world: World) -> None:
    assert world.run("tells").facts == {"public_key": "a key"}
    assert world.run("calm").facts == {}


def test_a_failure_names_its_step_and_says_why(world: World) -> None:
    events: list[PlaybookEvent] = []
    result = world.run("fails", on_event=events.append)
    assert (result.status, result.failed_step) == ("failed", "second")
    assert "told to fail" in str(result.message)
    assert isinstance(result.error, RunFailed)
    assert events[-1].status == "failed"
    assert events[-1].task == result.failed_task


def test_a_cancel_ends_the_run(world: World) -> None:
    events: list[PlaybookEvent] = []
    began = time.monotonic()
    result = world.run(
        "waits", on_event=events.append, should_cancel=lambda: bool(events)
    )
    assert result.status == "cancelled"
    assert result.error is None
    assert time.monotonic() - began < 240, "it slept to its end"


def test_a_run_that_takes_too_long_is_ended(world: World) -> None:
    result = world.run("waits", timeout_seconds=4)
    assert result.status == "timeout"
    assert isinstance(result.error, RunFailed)


def test_what_a_listener_raises_ends_the_run_and_comes_out(world: World) -> None:
    def refuse(_: PlaybookEvent) -> None:
        raise LookupError("no such run")

    with pytest.raises(LookupError, match="no such run"):
        world.run("waits", on_event=refuse)


def test_a_host_key_is_shown_at_first_contact_and_accepted_when_pinned(
    world: World,
) -> None:
    first = world.run("calm")
    assert first.known_hosts
    pinned = replace(world.access, known_hosts=first.known_hosts)
    second = world.run("calm", access=pinned)
    assert (second.status, second.known_hosts) == ("successful", first.known_hosts)


def test_another_host_key_is_refused(world: World) -> None:
    pinned = replace(world.access, known_hosts=world.run("calm").known_hosts)
    world.exchange_host_key()
    result = world.run("calm", access=pinned)
    assert result.status == "failed"
    assert isinstance(result.error, HostKeyChanged)
    assert result.known_hosts == pinned.known_hosts


def test_a_host_that_is_away_is_unreachable(world: World) -> None:
    events: list[PlaybookEvent] = []
    world.unplug()
    result = world.run("calm", on_event=events.append)
    assert result.status == "unreachable"
    assert isinstance(result.error, HostUnreachable)
    assert result.error.worth_a_retry
    assert events[-1].status == "unreachable"


def test_there_has_to_be_such_a_playbook(world: World) -> None:
    with pytest.raises(BadRequest):
        world.run("../calm")


def test_what_a_user_typed_is_never_evaluated(real: World) -> None:
    events: list[PlaybookEvent] = []
    real.run("calm", on_event=events.append)
    assert "typed {{ 7 * 7 }}" in [event.message for event in events]


def test_a_run_leaves_neither_files_nor_processes(real: World, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "mine"
    kept: list[str] = []

    def look(_: PlaybookEvent) -> None:
        kept.extend(
            str(path)
            for path, mode in modes_below(folder)
            if mode & 0o077 and not path.is_symlink()
        )

    result = real.run("calm", work_directory=folder, on_event=look)
    assert result.status == "successful"
    assert list((tmp_path / "state").iterdir()) == []
    assert [path for path in kept if "/key" in path or "inventory" in path] == []
    assert with_argument(str(folder)) == {}
