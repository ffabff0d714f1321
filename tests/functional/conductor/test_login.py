# SPDX-License-Identifier: Apache-2.0
"""Whoever logs in to a host first pins what it showed: with a real SSH server."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hummingbird
from hummingbird.adapters.ansible.playbook import HostAccess, PlaybookResult
from hummingbird.adapters.ansible.runner import AnsibleRunner
from hummingbird.conductor.login import Login, Work
from hummingbird.db.repository import condition
from hummingbird.db.repository import host as hosts
from hummingbird.domain.host import pin
from hummingbird.errors import HostKeyChanged
from tests.contract.test_playbook_runner import PLAYBOOKS, PLAYS, Server
from tests.fakes.world import World


class Meeting:
    """A host whose SSH server is real, and a login to it."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        playbooks, keys = folder / "playbooks", folder / "keys"
        playbooks.mkdir()
        keys.mkdir()
        shutil.copy(PLAYBOOKS / "ansible.cfg", playbooks)
        (playbooks / "calm.yml").write_text(PLAYS["calm"])
        self.server = Server(keys)
        self.runner = AnsibleRunner(
            playbooks, folder / "state", packed=folder / "modules"
        )

    def key(self, name: str) -> str:
        text = (self.server.folder / f"{name}.pub").read_text()
        return " ".join(text.split()[:2])

    def log_in(self, meanwhile: Callable[[], None] = lambda: None) -> PlaybookResult:
        world, host = self.world, self.world.host("edge-0")

        def write(work: Work) -> PlaybookResult:
            meanwhile()
            with world.database.writer() as connection:
                return work(connection)

        login = Login(
            host=host,
            runner=self.runner,
            database=world.database,
            clock=world.clock,
            observer="trace",
            write=write,
            say=lambda _: None,
        )
        return login.run(
            "calm",
            access=HostAccess(
                address="127.0.0.1",
                port=self.server.port,
                user=os.environ.get("USER", "root"),
                private_key=self.server.key.read_text(),
                become=False,
            ),
            variables={"typed": "text"},
            on_event=lambda _: None,
            should_cancel=lambda: False,
            timeout_seconds=240.0,
        )

    def is_key_changed(self) -> bool:
        with self.world.database.reader() as connection:
            host_id = self.world.host("edge-0").id
            return condition.key_changed_since(connection, host_id) is not None


@pytest.fixture
def meeting(world: World, tmp_path: Path) -> Iterator[Meeting]:
    met = Meeting(world, tmp_path)
    met.server.start()
    yield met
    met.server.stop()


def test_a_first_login_is_pinned_and_another_key_is_refused(meeting: Meeting) -> None:
    met = meeting.log_in()
    assert met.status == "successful", met
    pinned = meeting.world.host("edge-0").known_hosts
    assert pinned is not None and meeting.key("host") in pinned
    meeting.server.stop()
    meeting.server.start("other_host")
    assert isinstance(meeting.log_in().error, HostKeyChanged)
    assert meeting.is_key_changed()
    assert meeting.world.host("edge-0").known_hosts == pinned


@pytest.mark.parametrize("theirs", ["host", "other_host"])
def test_of_two_first_logins_the_first_pin_stands(
    meeting: Meeting, theirs: str
) -> None:
    world, pinned = meeting.world, pin("edge-0", meeting.key(theirs))

    def meanwhile() -> None:
        with world.database.writer() as connection:
            host = hosts.find(connection, "edge-0")
            hosts.change(connection, host, now=world.clock.now(), known_hosts=pinned)

    result = meeting.log_in(meanwhile)
    assert isinstance(result.error, HostKeyChanged) is (theirs == "other_host")
    assert meeting.is_key_changed() is (theirs == "other_host")
    assert world.host("edge-0").known_hosts == pinned


def test_nobody_logs_in_another_way() -> None:
    root = Path(hummingbird.__file__).parent
    found = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if "runner.run(" in path.read_text(encoding="utf-8")
    ]
    assert found == ["conductor/login.py"]
