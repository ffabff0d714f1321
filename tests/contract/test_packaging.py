# SPDX-License-Identifier: Apache-2.0
"""A wheel installs with pip alone and brings all that runs; no test is left out."""

import configparser
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRACKED = ("hummingbird", "playbooks", "charts", "setup.py", "setup.cfg", "README.md")


def _tracked() -> list[str]:
    """Return what git has of the product: what a release is made from."""
    listed = subprocess.run(
        [
            "git",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            *TRACKED,
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listed.stdout.split("\0") if name]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources so that nothing stays in ours."""
    source = tmp_path_factory.mktemp("source")
    for name in [*_tracked(), "pyproject.toml"]:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    out = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", out, source],
        check=True,
        capture_output=True,
        text=True,
    )
    (built,) = out.glob("hummingbird-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it; what it needs is ours, by a path file."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", home], check=True, timeout=120
    )
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    python = home / "bin" / "python"
    subprocess.run(
        [*pip, "--python", python, "install", "--quiet", "--no-deps", wheel],
        check=True,
        capture_output=True,
        text=True,
    )
    (site,) = home.glob("lib/python3*/site-packages")
    neighbours = [path for path in sys.path if path.endswith("site-packages")]
    (site / "neighbours.pth").write_text("\n".join(neighbours) + "\n")
    return home


def test_the_wheel_has_every_module(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {name for name in _tracked() if name.startswith("hummingbird/")}
    wanted = {name for name in wanted if name.endswith((".py", ".mako"))}
    assert wanted - names == set()


def test_the_wheel_brings_playbooks_and_charts(wheel: Path) -> None:
    (data,) = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()} - {
        "hummingbird",
        wheel.name.rsplit("-", 3)[0] + ".dist-info",
    }
    brought = {
        name.removeprefix(f"{data}/data/share/hummingbird/")
        for name in zipfile.ZipFile(wheel).namelist()
        if name.startswith(data)
    }
    wanted = {name for name in _tracked() if name.startswith(("playbooks/", "charts/"))}
    assert wanted - brought == set()


def test_an_installation_finds_what_it_brought(installed: Path) -> None:
    script = (
        "from hummingbird.conf.share import shared\n"
        "print(shared('playbooks') / 'provision.yml')\n"
        "print(shared('charts/hummingbird-agents') / 'Chart.yaml')\n"
    )
    done = subprocess.run(
        [installed / "bin" / "python", "-P", "-c", script],
        check=True,
        capture_output=True,
        text=True,
        cwd=installed,
    )
    for line in done.stdout.splitlines():
        assert Path(line).is_relative_to(installed / "share" / "hummingbird")
        assert Path(line).is_file()


def test_an_installed_program_runs(installed: Path) -> None:
    program = installed / "bin" / "hummingbird"
    done = subprocess.run(
        [program, "--version"],
        check=True,
        capture_output=True,
        text=True,
        cwd=installed,
    )
    assert done.stdout.strip() == "hummingbird 0.1.0"


def _setup() -> configparser.ConfigParser:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return setup


@pytest.mark.parametrize("group", ["console_scripts", "hummingbird.cli"])
def test_every_entry_point_leads_somewhere(group: str) -> None:
    lines = _setup()["options.entry_points"][group].split("\n")
    points = [line.split(" = ") for line in lines if line]
    assert points
    for name, target in points:
        module, _, attribute = target.partition(":")
        assert callable(getattr(import_module(module), attribute)), name


def test_no_folder_of_tests_is_left_out() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    paths = settings["tool"]["pytest"]["ini_options"]["testpaths"]
    for test in (ROOT / "tests").rglob("test_*.py"):
        assert any(test.is_relative_to(ROOT / path) for path in paths), test


def test_the_versions_agree() -> None:
    import hummingbird

    assert _setup()["metadata"]["version"] == hummingbird.__version__
