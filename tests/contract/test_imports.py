# SPDX-License-Identifier: Apache-2.0
"""What `hummingbird up` does not import, since all of it stays in memory for good."""

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hummingbird.imports import package_alone, without
from tests.free_port import free_port

UP = "hummingbird.cmd.up, hummingbird.cmd.conductor, hummingbird.cmd.gateway"

NEVER = {
    "alembic": "the database is at its schema, as it is at most starts",
    "ansible": "playbooks are run by a process of their own",
    "eventlet": "threads do",
    "genshi": "there are no pages",
    "hypothesis": "it is for tests",
    "jinja2": "there are no pages",
    "kajiki": "there are no pages",
    "keystonemiddleware": "no Keystone is configured",
    "kubernetes.client.models.v1_pod": "its API is spoken in plain JSON",
    "oslo_messaging": "the conductor is in the same process",
    "prometheus_client": "no port for metrics is configured",
    "psutil": "it comes with parts of pyroute2 that are not used",
    "psycopg": "the database is SQLite",
    "pygments": "there are no pages",
    "pyroute2.ndb": "netlink is asked directly",
    "schemathesis": "it is for tests",
    "sqlalchemy.dialects.postgresql": "the database is SQLite",
    "sushy": "no board has been asked for anything",
}
"""What stays away, and why it can."""

USED = frozenset({"pyroute2.iproute", "kubernetes.config", "sqlite3", "pecan"})
"""What is loaded at the latest by the first look of each reconciler, and by the first
question to Kubernetes, which only a deployment with hosts asks."""

_PROGRAM = """
import json, sys, time
modules, kubeconfig, used = sys.argv.pop(1), sys.argv.pop(1), json.loads(sys.argv.pop(1))
used = set(used)
import hummingbird.cmd.up as up
from hummingbird.adapters.kubernetes.cluster import KubernetesCluster
from hummingbird.errors import KubernetesUnavailable
def tell():
    try:
        KubernetesCluster(kubeconfig).check()
    except KubernetesUnavailable:
        pass
    deadline = time.monotonic() + 120
    while not used <= sys.modules.keys() and time.monotonic() < deadline:
        time.sleep(0.1)
    with open(modules, "w") as stream:
        json.dump(sorted(sys.modules), stream)
up.wait_for_signal = tell
sys.exit(up.main())
"""

_KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: none, cluster: {{server: "https://127.0.0.1:{port}"}}}}]
users: [{{name: none, user: {{token: none}}}}]
contexts: [{{name: none, context: {{cluster: none, user: none}}}}]
current-context: none
"""


@pytest.fixture(scope="module")
def loaded(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path
) -> frozenset[str]:
    """The modules of an `up` that is ready, as at each start but the first."""
    folder = tmp_path_factory.mktemp("up")
    state = folder / "state"
    state.mkdir()
    shutil.copy(migrated_sqlite, state / "hummingbird.sqlite")
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(_KUBECONFIG.format(port=free_port()))
    config = folder / "hummingbird.conf"
    config.write_text(
        f"[DEFAULT]\nstate_directory = {state}\n"
        f"[api]\nport = {free_port()}\nfm_port = {free_port()}\n"
        f"[gateway]\nbind = 127.0.0.1\nport = {free_port()}\nadvertise = 127.0.0.1\n"
        f"[kubernetes]\nkubeconfig = {kubeconfig}\n"
    )
    modules = folder / "modules.json"
    words = [sys.executable, "-W", "ignore", "-c", _PROGRAM]
    words += [str(modules), str(kubeconfig), json.dumps(sorted(USED))]
    words += ["--config-file", str(config)]
    subprocess.run(words, check=True, timeout=240, stdout=subprocess.DEVNULL)
    return frozenset(json.loads(modules.read_text()))


def test_a_program_that_is_ready_uses_all_that_it_has(loaded: frozenset[str]) -> None:
    assert loaded >= USED


@pytest.mark.parametrize("module", sorted(NEVER))
def test_a_program_that_is_ready_is_without(
    loaded: frozenset[str], module: str
) -> None:
    assert module not in loaded, f"not needed, since {NEVER[module]}"


@pytest.mark.parametrize("package", ["alembic", "oslo_messaging", "kubernetes"])
def test_one_process_starts_without(package: str) -> None:
    script = f"import sys, {UP}; sys.exit({package!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=False)
    assert done.returncode == 0


# --- the means ----------------------------------------------------------------------------


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package whose own code loads all of its parts, and a neighbour if there is one."""
    package = tmp_path / "heavy_library"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from heavy_library.part import Thing\n"
        "from heavy_library.rest import Rest\n"
        "from heavy_library import part\n"
    )
    (package / "part.py").write_text(
        "from heavy_library import setting\nThing = setting.THING\n"
    )
    (package / "setting.py").write_text("THING = 'thing'\n")
    (package / "rest.py").write_text(
        "try:\n    import heavy_neighbour as found\n"
        "except ImportError:\n    found = None\nRest = 'rest'\n"
    )
    (tmp_path / "heavy_neighbour.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    yield "heavy_library"
    for name in [name for name in sys.modules if name.startswith("heavy_")]:
        del sys.modules[name]


def test_a_part_comes_without_the_rest(library: str) -> None:
    package_alone(library)
    part = importlib.import_module(f"{library}.part")
    assert part.Thing == "thing"
    assert f"{library}.rest" not in sys.modules


def test_who_asks_the_package_itself_gets_all_of_it(library: str) -> None:
    package_alone(library)
    package = importlib.import_module(library)
    assert package.Rest == "rest"
    assert package.Thing == "thing"
    with pytest.raises(AttributeError):
        _ = package.Nothing


def test_a_package_that_is_loaded_stays_as_it_is(library: str) -> None:
    package = importlib.import_module(library)
    package_alone(library)
    assert importlib.import_module(library) is package
    assert f"{library}.rest" in sys.modules


def test_there_must_be_such_a_package() -> None:
    with pytest.raises(ModuleNotFoundError):
        package_alone("heavy_nothing")


def test_a_neighbour_is_not_found_inside_and_found_afterwards(library: str) -> None:
    with without("heavy_neighbour"):
        rest = importlib.import_module(f"{library}.rest")
    assert rest.found is None
    assert importlib.import_module("heavy_neighbour")


def test_a_neighbour_that_was_imported_before_is_found(library: str) -> None:
    neighbour = importlib.import_module("heavy_neighbour")
    with without("heavy_neighbour"):
        rest = importlib.import_module(f"{library}.rest")
    assert rest.found is neighbour
