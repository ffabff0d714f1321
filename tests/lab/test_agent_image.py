# SPDX-License-Identifier: Apache-2.0
"""The same sources make the same images, so that anybody can build them and compare."""

import os
import subprocess
from pathlib import Path

import pytest
from hummingbird_lab import agent_image


@pytest.mark.lab
def test_two_builds_of_the_same_sources_have_the_same_digests(tmp_path: Path) -> None:
    base = agent_image.make_base(say=print)

    def build(folder: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [agent_image.SCRIPT],
            env={
                **os.environ,
                "HUMMINGBIRD_IMAGE_BASE": str(base),
                "HUMMINGBIRD_IMAGE_OUT": str(folder),
            },
            stdout=subprocess.DEVNULL,
        )

    folders = [tmp_path / "one", tmp_path / "other"]
    building = [build(folder) for folder in folders]
    assert [one.wait(timeout=300) for one in building] == [0, 0]
    one, other = (agent_image.digests_in(folder) for folder in folders)
    assert one == other
    assert set(one) == set(agent_image.AGENTS)
