# SPDX-License-Identifier: Apache-2.0
"""What a shell learns from `hummingbird openrc`, by asking a shell."""

import json
import os
import subprocess
from pathlib import Path

import certifi
import pytest

from hummingbird.cli.endpoint import Endpoint, find
from hummingbird.cli.failure import Failure
from hummingbird.cli.openrc import both_authorities, lines
from tests.unit.cli.conftest import Run

AUTHORITY = "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory whose name a shell would misread unquoted."""
    folder = tmp_path / "it's a $(touch x) state"
    (folder / "pki").mkdir(parents=True)
    (folder / "token").write_text("the secret\n")
    (folder / "pki" / "ca.crt").write_text(AUTHORITY)
    record = {
        "url": "https://127.0.0.1:6385",
        "fm_url": "https://127.0.0.1:18002",
        "token_file": str(folder / "token"),
        "ca_file": str(folder / "pki" / "ca.crt"),
    }
    (folder / "client.json").write_text(json.dumps(record))
    return folder


def shell(text: str, folder: Path, **environ: str) -> dict[str, str]:
    """Return the environment of a POSIX shell that has evaluated the text."""
    done = subprocess.run(
        ["sh", "-c", 'eval "$(cat)"; env -0'],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environ},
    )
    assert done.stderr == ""
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)


def test_a_shell_learns_all_that_the_clients_need(
    state: Path,
    tmp_path: Path,
    hummingbird: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SYSTEM_URL", "OS_AUTH_TOKEN", "OS_CACERT", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUMMINGBIRD_STATE", str(state))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    said = hummingbird("openrc")
    assert said.status == 0
    assert "the secret" not in said.out
    known = shell(said.out, tmp_path)
    assert known["SYSTEM_URL"] == "https://127.0.0.1:6385"
    assert known["FM_URL"] == "https://127.0.0.1:18002"
    assert known["OS_AUTH_TOKEN"] == "the secret"
    assert Path(known["OS_CACERT"]).read_text() == AUTHORITY
    both = Path(known["REQUESTS_CA_BUNDLE"]).read_text()
    assert both.endswith(AUTHORITY)
    assert Path(certifi.where()).read_text().rstrip() in both
    assert known["CGTSCLIENT_NO_CACHE"] == known["FMCLIENT_NO_CACHE"] == "1"
    assert not (tmp_path / "x").exists()


def test_what_a_shell_has_learnt_leads_our_own_program_to_the_same_place(
    state: Path, tmp_path: Path
) -> None:
    first = find(url=None, token_file=None, environ={"HUMMINGBIRD_STATE": str(state)})
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    known = shell("\n".join(lines(first, environ)), tmp_path)
    known["HUMMINGBIRD_STATE"] = str(tmp_path / "none")
    again = find(url=None, token_file=None, environ=known)
    assert (again.url, again.token) == (first.url, first.token)
    assert (again.fm_url, again.ca_file) == (first.fm_url, first.ca_file)


def test_a_token_of_the_environment_is_named_and_not_shown(tmp_path: Path) -> None:
    endpoint = Endpoint(
        url="https://hb.example:6385", token="t0k'en", token_from="HUMMINGBIRD_TOKEN"
    )
    text = "\n".join(lines(endpoint, {}))
    assert "t0k" not in text
    assert (
        shell(text, tmp_path, HUMMINGBIRD_TOKEN="t0k'en")["OS_AUTH_TOKEN"] == "t0k'en"
    )
    assert "REQUESTS_CA_BUNDLE" not in text


def test_authorities_are_put_together_once(tmp_path: Path) -> None:
    ours = tmp_path / "ca.crt"
    ours.write_text(AUTHORITY)
    site = tmp_path / "site.crt"
    site.write_text("the site's own\n")
    environ = {"XDG_CACHE_HOME": str(tmp_path), "REQUESTS_CA_BUNDLE": str(site)}
    made = both_authorities(ours, environ)
    assert made.read_text() == "the site's own\n" + AUTHORITY
    assert both_authorities(ours, environ | {"REQUESTS_CA_BUNDLE": str(made)}) == made
    assert both_authorities(ours, environ) == made
    with pytest.raises(Failure, match="none"):
        both_authorities(tmp_path / "none", environ)
