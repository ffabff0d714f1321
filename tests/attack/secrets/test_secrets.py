# SPDX-License-Identifier: Apache-2.0
"""No secret stands anywhere in clear but in its home, when each was used."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.attack.secrets.forms import Sought
from tests.attack.secrets.kept import KEPT
from tests.attack.secrets.program import NAMESPACES
from tests.attack.secrets.watch import Watch, executions, run

SECRET = "k'\"\\ %@:/0123456789abcdef"
USED = {
    "API token",
    "sealing key",
    "gateways' secret",
    "authority's private key",
    "private keys of our servers",
    "SSH password",
    "password for sudo",
    "SSH private key",
    "node's private key",
    "board's password",
    "claim of a bootstrap script",
    "hub's private key",
    "keys of agents' sessions",
    "agents' tokens",
    "database's password",
    "broker's password",
    "FM's token",
    "account of Kubernetes",
}


def test_no_secret_stands_in_clear_when_each_was_used() -> None:
    """Needs root, for namespaces, and strace."""
    done = subprocess.run(
        [*NAMESPACES, sys.executable, "-m", "tests.attack.secrets.program"],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["found"] == [], done.stderr[-2000:]
    assert set(seen["secrets"]) == USED
    assert seen["starts"] > 20
    assert seen["files"] > 20


def test_what_is_used_is_in_the_table() -> None:
    assert {one.name for one in KEPT} >= USED


@pytest.mark.parametrize(
    "text",
    [
        SECRET.encode(),
        json.dumps({"a": SECRET}).encode(),
        f"postgresql://a:{quote(SECRET, safe='')}@b".encode(),
        repr([SECRET]).encode(),
        base64.b64encode(b"before" + SECRET.encode() + b"after"),
        base64.b64encode(b"it is" + SECRET.encode()),
        base64.b64encode(b"1234567" + SECRET.encode()),
        b"00" + SECRET.encode().hex().encode() + b"00",
    ],
)
def test_a_secret_is_found_however_it_is_written(text: bytes) -> None:
    sought = Sought()
    sought.add("it", SECRET)
    assert list(sought.found_in(text)) == ["it"]
    assert list(sought.found_in(text[::-1])) == []


def test_a_file_is_a_home_for_its_own_secret_and_its_user_alone(tmp_path: Path) -> None:
    sought = Sought()
    for name in ("one", "other"):
        sought.add(name, f"{SECRET}{name}")
    watch = Watch(sought, [tmp_path], homes={r"/home$": ("one",)})
    home = tmp_path / "home"
    home.touch(mode=0o600)
    home.write_text(f"{SECRET}one")
    watch.look()
    assert list(watch.found) == []
    home.chmod(0o640)
    home.write_text(f"{SECRET}one.")
    watch.look()
    assert list(watch.found) == [f"one in {home} (mode 640)"]
    (tmp_path / "away").write_text(f"{SECRET}other")
    watch.look()
    assert any(line.startswith(f"other in {tmp_path}/away") for line in watch.found)


def test_no_start_of_a_program_is_missed(tmp_path: Path) -> None:
    """However short it lives."""
    script = 'for i in 1 2 3 4 5; do A="$0" /bin/true; /bin/true "$0"; done'
    run(
        ["sh", "-c", script, SECRET],
        told=lambda _place, _text: None,
        trace=tmp_path / "trace",
    )
    sought = Sought()
    sought.add("it", SECRET)
    lines = [line for line in executions(tmp_path / "trace") if b"/bin/true" in line]
    assert sum(list(sought.found_in(line)) == ["it"] for line in lines) >= 10
