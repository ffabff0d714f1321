# SPDX-License-Identifier: Apache-2.0
"""What an image is made of, and how it was built, is told as tools for that expect it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hummingbird_lab import image

TOOLS = Path(__file__).parents[2] / "tools"
DIGEST = "sha256:" + 64 * "a"
STATUS = """\
Package: libssl3
Status: install ok installed
Architecture: amd64
Version: 3.0.20-1~deb12u1
Description: line of words
 Package: not-this

Package: gone
Status: deinstall ok config-files
Version: 1

Package: tzdata
Status: install ok installed
Architecture: all
Version: 2026b-0+deb12u1
"""


def ran(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def test_an_image_is_told_by_its_packages(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text(STATUS)
    archive, out = tmp_path / "mtc-client.tar", tmp_path / "out.json"
    image.write(
        archive, files={"var/lib/dpkg/status": status}, links={}, command=["/x"]
    )
    ran(TOOLS / "image_sbom.py", archive, "r.test/edge/mtc-client", DIGEST, out)
    told: dict[str, Any] = json.loads(out.read_text())
    assert told["bomFormat"] == "CycloneDX"
    assert (
        told["metadata"]["component"]["purl"]
        == (f"pkg:oci/mtc-client@{DIGEST.replace(':', '%3A')}")
        or told["metadata"]["component"]["purl"] == f"pkg:oci/mtc-client@{DIGEST}"
    )
    packages = {one["purl"] for one in told["components"] if "deb" in one["purl"]}
    assert packages == {
        "pkg:deb/debian/libssl3@3.0.20-1~deb12u1?arch=amd64",
        "pkg:deb/debian/tzdata@2026b-0%2Bdeb12u1?arch=all",
    }


def test_a_build_says_of_what_and_by_what_it_was(tmp_path: Path) -> None:
    record = tmp_path / "images.txt"
    record.write_text(
        f"images: mtc-client:{DIGEST},sysinv-agent:{DIGEST}\n"
        "registry: r.test/edge\ntag: 1.2.3\nrevision: abc-changed\n"
        f"base: docker.io/library/python:3.11 {DIGEST}\nbuilder: buildah 1.28\n"
    )
    told = json.loads(ran(TOOLS / "provenance.py", record))
    of = told["buildDefinition"]["resolvedDependencies"]
    assert of == [
        {
            "name": "docker.io/library/python:3.11",
            "digest": {"sha256": 64 * "a"},
        },
        {"name": "sources", "digest": {"gitCommit": "abc-changed"}},
    ]
    made = told["runDetails"]["byproducts"]
    assert [one["name"] for one in made] == ["mtc-client", "sysinv-agent"]
