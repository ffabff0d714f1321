# SPDX-License-Identifier: Apache-2.0
"""The lists of exact versions are those that setup.cfg allows, each with its hashes."""

import configparser
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
ALL, RUNTIME, LOWEST, RELEASE = (
    ROOT / f"constraints{kind}.txt" for kind in ("", "-runtime", "-lowest", "-release")
)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def declared(*extras: str) -> dict[str, Requirement]:
    """Return what setup.cfg asks for, by name."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options"]["install_requires"].split("\n")
    for extra in extras:
        lines += config["options.extras_require"][extra].split("\n")
    found = [Requirement(line) for line in lines if line.strip()]
    return {canonicalize_name(one.name): one for one in found}


def listed(path: Path) -> dict[str, Version]:
    """Return the exact versions of a list, for this machine."""
    text = path.read_text().replace("\\\n", " ")
    found: dict[str, Version] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        assert HASH.search(line), f"{path.name}: {line.split()[0]} has no hash"
        requirement = Requirement(HASH.sub("", line).strip())
        (pin,) = requirement.specifier
        assert pin.operator == "==", line
        if requirement.marker is None or requirement.marker.evaluate(
            {"python_version": "3.11"}
        ):
            found[canonicalize_name(requirement.name)] = Version(pin.version)
    return found


@pytest.mark.parametrize(
    ("path", "extras"),
    [
        (ALL, ("test", "postgresql")),
        (RUNTIME, ("postgresql",)),
        (LOWEST, ("test", "postgresql")),
    ],
    ids=["all", "runtime", "lowest"],
)
def test_a_list_has_all_that_is_asked_for_within_its_bounds(
    path: Path, extras: tuple[str, ...]
) -> None:
    versions = listed(path)
    for name, requirement in declared(*extras).items():
        assert name in versions, f"make constraints: {path.name} has no {name}"
        assert requirement.specifier.contains(versions[name]), name
    assert "setuptools" in versions


def test_a_deployment_gets_what_was_tested() -> None:
    tested = listed(ALL)
    assert {n: v for n, v in tested.items() if n in listed(RUNTIME)} == listed(RUNTIME)


def test_the_oldest_are_the_lower_bounds() -> None:
    versions = listed(LOWEST)
    for name, requirement in declared("postgresql").items():
        bounds = [
            Version(s.version) for s in requirement.specifier if s.operator == ">="
        ]
        assert bounds, f"{name} has no lower bound"
        # 2.7 where a release is called 2.7.0 or, as the first of it, 2.7.1
        assert versions[name].release[: len(bounds[0].release)] == bounds[0].release, (
            name
        )


def test_no_list_names_where_it_came_from() -> None:
    for path in (ALL, RUNTIME, LOWEST, RELEASE):
        assert "://" not in path.read_text()
        assert listed(path)
