# SPDX-License-Identifier: Apache-2.0
"""The agents' images: built on what a digest names, and recorded by their digests."""

import os
import subprocess
from pathlib import Path

import pytest

from hummingbird.conductor.settings import image_values
from hummingbird.conf import new

SCRIPT = Path(__file__).parents[3] / "tools" / "build_images.sh"
BUILDER = """\
#!/bin/sh
echo "$@" >>"$CALLS"
case $1 in
save) cd "$(dirname "$6")" && echo {} >index.json && tar -cf "$6" index.json ;;
push) echo "sha256:$(echo "$4" | sha256sum | cut -d ' ' -f 1)" >"$3" ;;
--version) echo "podman of the test" ;;
esac
"""


@pytest.fixture
def builder(tmp_path: Path) -> Path:
    """A podman that builds nothing and says what it was asked."""
    program = tmp_path / "bin" / "podman"
    program.parent.mkdir()
    program.write_text(BUILDER)
    program.chmod(0o755)
    return program


def build(builder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    folder = builder.parents[1]
    return subprocess.run(
        [SCRIPT],
        env={
            "PATH": f"{builder.parent}:{os.environ['PATH']}",
            "BUILDER": "podman",
            "CALLS": str(folder / "calls"),
            "REGISTRY": "registry.test:5000/edge",
            "RECORD": str(folder / "record"),
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_what_was_pushed_is_what_hummingbird_is_told(builder: Path) -> None:
    done = build(builder, TAG="1.2.3")
    assert done.returncode == 0, done.stderr
    folder = builder.parents[1]
    conf = new()
    written = folder / "record" / "agents.conf"
    conf([], project="hummingbird", default_config_files=[str(written)])
    told = image_values(conf)
    assert told["registry"] == "registry.test:5000/edge"
    digests = told["digests"]
    assert isinstance(digests, dict)
    assert [f"{told['registry']}/{name}@{of}" for name, of in digests.items()] == (
        done.stdout.split()
    )
    assert "builder: podman of the test" in (folder / "record/images.txt").read_text()


def test_the_base_is_named_by_its_digest_in_the_build_and_in_the_image(
    builder: Path,
) -> None:
    done = build(builder)
    assert done.returncode == 0, done.stderr
    calls = (builder.parents[1] / "calls").read_text().splitlines()
    built = [line for line in calls if line.startswith("build ")]
    assert len(built) == 2
    for line in built:
        _, _, digest = line.partition(
            "BASE=docker.io/library/python:3.11-slim-bookworm@"
        )
        assert digest.startswith("sha256:")
        assert f"org.opencontainers.image.base.digest={digest.split()[0]}" in line


@pytest.mark.parametrize("base", ["python:3.11-slim", "registry.test/python"])
def test_a_base_that_could_be_any_is_refused(builder: Path, base: str) -> None:
    done = build(builder, BASE=base)
    assert done.returncode != 0
    assert "by its digest" in done.stderr
    assert not (builder.parents[1] / "calls").exists()
