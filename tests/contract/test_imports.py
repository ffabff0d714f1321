# SPDX-License-Identifier: Apache-2.0
"""What `hummingbird up` does not import, since each costs tens of MB and half a second."""

import subprocess
import sys

import pytest

UP = "hummingbird.cmd.up, hummingbird.cmd.conductor, hummingbird.cmd.gateway"


@pytest.mark.parametrize(
    "package", ["alembic", "oslo_messaging", "eventlet", "kubernetes"]
)
def test_one_process_starts_without(package: str) -> None:
    script = f"import sys, {UP}; sys.exit({package!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=False)
    assert done.returncode == 0
