# SPDX-License-Identifier: Apache-2.0
"""Whoever runs code in a playbook's process finds every door closed; with a layer less, those
doors that decision 30 names and no others.

`tries.py` is run inside a real run, and tries them on real files, processes, sockets and
terminals of the controller.
"""

import json
import os
import pty
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hummingbird.adapters.ansible import confine
from hummingbird.cmd.playbooks import playbook_runner
from hummingbird.conf import Conf, new
from hummingbird.errors import PlaybooksNotConfined
from tests.attack.host.test_confinement import tried
from tests.attack.host.tries import TRIES
from tests.attack.host.world import World

pytestmark = pytest.mark.timeout(600)

VICTIM = """
import ctypes, time
held = ctypes.create_string_buffer(b"a secret")
print(ctypes.addressof(held), flush=True)
time.sleep(3600)
"""
"""A process of the controller's user. Without capabilities: the kernel keeps processes that
have more than whoever asks away from him by itself."""

OF_CALLS = {
    *("chmod", "chown", "utime", "setxattr", "chmod a program"),
    *("chmod by a path alone", "chmod a module", "limit", "nice", "affinity"),
    *("attach shared memory", "namespace", "namespace by clone", "keyring", "bpf"),
    *("perf", "userfaultfd", "io_uring", "type", "connect by MPTCP"),
    *("connect by fast open", "open a packet socket"),
}
"""What the filter of system calls alone refuses, where there are no namespaces."""

ANYWHERE = OF_CALLS - {
    *("chmod", "chown", "utime", "setxattr", "chmod a program"),
    *("chmod by a path alone", "chmod a module", "limit", "nice", "affinity"),
}
"""Of these, what has nothing to do with other processes and other people's files."""

OF_A_USER = {"stat", "connect to a path", "open shared memory", "see"}
"""What namespaces alone keep away."""

OF_THE_NET = {"connect to a port", "connect to an abstract name", "bind"}
"""What Landlock alone keeps away, where there are namespaces."""


@pytest.fixture
def targets(world: World) -> Iterator[dict[str, object]]:
    """Things of the controller that a run has no business with."""
    file = world.state / "hummingbird.sqlite"
    shutil.copy(file, f"{file}.spare")
    shared = Path("/dev/shm/hummingbird-test-" + os.urandom(8).hex())
    shared.write_text("a password")
    by_path, by_name = (socket.socket(socket.AF_UNIX) for _ in range(2))
    by_path.bind(str(world.folder / "s"))
    abstract = "hummingbird-test-" + os.urandom(8).hex()
    by_name.bind("\0" + abstract)
    by_port = socket.create_server(("127.0.0.1", 0))
    for one in (by_path, by_name):
        one.listen()
    terminal, inner = pty.openpty()
    victim = subprocess.Popen(
        [
            *("setpriv", "--bounding-set=-all", "--inh-caps=-all"),
            *(sys.executable, "-c", VICTIM),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert victim.stdout is not None
    program = world.playbooks / "program"
    program.write_text("#!/bin/sh\n")
    module = next(iter((world.packed / "modules").glob("*/ansible.*")))
    yield {
        "file": str(file),
        "pid": victim.pid,
        "memory": int(victim.stdout.readline()),
        "module": str(module),
        "program": str(program),
        "terminal": os.ttyname(inner),
        "shared": str(shared),
        "socket": str(world.folder / "s"),
        "abstract": abstract,
        "port": by_port.getsockname()[1],
    }
    victim.kill()
    victim.communicate()
    shared.unlink(missing_ok=True)
    Path(f"{module}x").unlink(missing_ok=True)
    for closing in (by_path, by_name, by_port):
        closing.close()
    os.close(terminal)
    os.close(inner)


@pytest.fixture
def packs(world: World) -> None:
    """At least one module is packed."""
    tried_modules(world)


def tried_modules(world: World) -> None:
    (world.playbooks / "asks.yml").write_text(
        "- name: play\n  hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - {name: look, ansible.builtin.find: {paths: /}}\n"
    )
    assert world.run("asks", variables={}).status == "successful"


def done_by(world: World, targets: dict[str, object]) -> set[str]:
    """Return what could be done in a run of this world."""
    script = world.playbooks / "tries.py"
    shutil.copy(Path(__file__).with_name("tries.py"), script)
    # Without the quotes of a shell, of Jinja and of YAML in each other.
    asked = world.playbooks / "asked.json"
    asked.write_text(json.dumps(targets))
    line = f'{sys.executable} -I {script} "$(cat {asked})"'
    runs = world.playbooks / "runs.sh"
    runs.write_text(f"#!/bin/sh\n{line} 2>&1 || echo broken\n")
    told = tried(world, f"lookup('pipe', 'sh {runs}')")
    assert "broken" not in told, told
    (answer,) = [text for text in told.splitlines() if text.startswith("[")]
    names = [*TRIES]
    return {names[number] for number in json.loads(answer)}


@pytest.mark.usefixtures("packs")
def test_nothing_can_be_done_where_all_layers_are(
    world: World, targets: dict[str, object]
) -> None:
    full = confine.probe()
    assert list(full.sentences()) == [], "a layer is missing on this machine"
    assert done_by(world, targets) == set()


@pytest.mark.usefixtures("packs")
def test_without_any_layer_these_tries_go_well(
    world: World, targets: dict[str, object]
) -> None:
    """Else the others would prove nothing."""
    world.layers = confine.Layers()
    done = done_by(world, targets)
    assert done >= {
        *("read", "write", "list", "stat", "chmod", "chown", "utime", "terminal"),
        *("write a module", "exchange a module", "new terminal", "open shared memory"),
        *("connect to a path", "connect to an abstract name", "connect to a port"),
        *("connect by fast open", "bind", "see", "signal", "limit", "nice"),
        *("affinity", "memory", "namespace", "keyring", "type", "io_uring"),
        *("list shared memory", "attach shared memory", "environment"),
        *("set the kernel", "set its own process"),
    }


@pytest.mark.usefixtures("packs")
def test_without_landlock_it_reaches_ports_and_names_and_no_file(
    world: World, targets: dict[str, object]
) -> None:
    world.layers = confine.Layers(seccomp=True, namespaces=True)
    assert done_by(world, targets) == OF_THE_NET


@pytest.mark.usefixtures("packs")
def test_without_a_filter_it_makes_calls_and_changes_no_file(
    world: World, targets: dict[str, object]
) -> None:
    full = confine.probe()
    world.layers = confine.Layers(landlock=full.landlock, namespaces=True)
    done = done_by(world, targets)
    assert done <= ANYWHERE
    assert done >= {"keyring", "type", "connect by fast open"}


@pytest.mark.usefixtures("packs")
def test_without_namespaces_it_sees_processes_and_sockets_and_no_file(
    world: World, targets: dict[str, object]
) -> None:
    full = confine.probe()
    world.layers = confine.Layers(landlock=full.landlock, seccomp=True)
    assert done_by(world, targets) == OF_A_USER


@pytest.mark.usefixtures("packs")
def test_an_old_landlock_alone_still_keeps_files(
    world: World, targets: dict[str, object]
) -> None:
    world.layers = confine.Layers(landlock=1)
    done = done_by(world, targets)
    assert not done & {
        *("read", "write", "unlink", "list", "terminal", "new terminal", "trace"),
        *("environment", "memory", "write a module", "unlink a module"),
        *("exchange a module", "list shared memory", "take a descriptor", "mount"),
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for path in folder.glob("*/*") if path.is_file()
    }


@pytest.mark.parametrize("name", [*confine.NAMES, "all layers"])
def test_no_run_changes_what_another_one_executes(world: World, name: str) -> None:
    """It overwrites what is packed, and plants what is not yet."""
    full = confine.probe()
    world.layers = confine.Layers(
        landlock=full.landlock,
        seccomp=full.seccomp and name != "seccomp",
        namespaces=full.namespaces and name != "namespaces",
    )
    if name == "landlock":
        world.layers = confine.Layers(seccomp=True, namespaces=True)
    tried_modules(world)
    folder = world.packed / "modules"
    before = contents(folder)
    assert any(path.startswith("ansible.modules.find") for path in before)
    (world.playbooks / "plant.sh").write_text(
        f"cd {folder}/* && for one in ansible.*; do\n"
        "  echo poison >$one; rm $one; cp ~/../given/inventory.json $one\n"
        "  ln -sf /etc/passwd $one; done\n"
        f"echo poison >{folder}/new; rm -r {folder}; mkdir {folder}\n"
        "cd ~/modules\n"
        "for one in ping setup '../../x' '..' 'a b'; do\n"
        '  echo poison >"ansible.modules.$one-ZIP_DEFLATED-none"; done\n'
        "ln -s /etc/passwd ansible.modules.file-ZIP_DEFLATED-none\n"
        "rm ansible.modules.find*; echo poison >ansible.modules.find-ZIP_DEFLATED-none\n"
    )
    told = tried(
        world, f"lookup('pipe', 'sh {world.playbooks}/plant.sh 2>&1; echo ran')"
    )
    assert "ran" in told
    after = contents(folder)
    assert {key: after[key] for key in before} == before
    for packed in after.values():
        assert b"poison" not in packed
        assert b"root:" not in packed
    assert list(folder.glob("*/.pack-*")) == []


def conf_with(*names: str) -> Conf:
    conf = new()
    conf([], project="hummingbird", default_config_files=[])
    conf.set_override("confinement_required", list(names), group="provisioning")
    return conf


@pytest.mark.parametrize("name", confine.NAMES)
def test_a_layer_that_is_missing_is_told_of_and_refused_where_it_is_required(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layers = confine.Layers(
        landlock=0 if name == "landlock" else 7,
        seccomp=name != "seccomp",
        namespaces=name != "namespaces",
    )
    playbook_runner(conf_with(), tmp_path / "state", layers=layers)
    (line,) = [text for text in caplog.messages if "confined in part" in text]
    assert name.rstrip("s") in line.lower()
    others = [one for one in confine.NAMES if one != name]
    playbook_runner(conf_with(*others), tmp_path / "state", layers=layers)
    with pytest.raises(PlaybooksNotConfined, match=name):
        playbook_runner(conf_with(name), tmp_path / "other", layers=layers)
    assert not (tmp_path / "other").exists()


def test_nothing_is_told_where_all_layers_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layers = confine.Layers(landlock=6, seccomp=True, namespaces=True)
    playbook_runner(conf_with(*confine.NAMES), tmp_path / "state", layers=layers)
    assert caplog.messages == []


def test_a_layer_that_was_promised_and_can_t_be_had_ends_the_run(world: World) -> None:
    """A filter on this very process takes the namespaces away."""
    script = (
        "from hummingbird.adapters.ansible import confine, namespace, seccomp\n"
        "from hummingbird.adapters.ansible.kernel import prctl\n"
        "prctl(38, 1); seccomp.enter()\n"
        "assert not namespace.is_possible()\n"
        "layers = confine.Layers(namespaces=True)\n"
        "try: confine.enter(layers, reads=[], writes=[])\n"
        "except PermissionError: print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout == "refused\n", done.stderr


SEES = """
import os
from hummingbird.adapters.ansible import confine
layers = confine.probe()
print(layers.namespaces)
confine.enter(layers, reads=[], writes=[])
print(sorted(name for name in os.listdir("/proc") if name.isdigit()) == ["1", "2"])
print(os.path.exists("/etc/hostname"))
"""


@pytest.mark.parametrize(
    ("powers", "seen"),
    [
        # A user's own namespace. Of root's powers it takes the one to map root into it.
        ("-all,+setfcap", ["True", "True", "False"]),
        ("-all", ["False", "False", "True"]),
    ],
)
def test_who_has_no_powers_gets_namespaces_where_the_kernel_gives_them(
    powers: str, seen: list[str]
) -> None:
    drop = [f"--bounding-set={powers}", f"--inh-caps={powers}"]
    done = subprocess.run(
        ["setpriv", *drop, sys.executable, "-c", SEES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == seen, done.stderr
