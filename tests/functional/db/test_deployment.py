# SPDX-License-Identifier: Apache-2.0
"""What the controllers of a deployment share has one home, and who lacks its key is told."""

import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography import x509

from hummingbird.adapters.pki.authority import ensure_server_certificate
from hummingbird.clock import SystemClock
from hummingbird.cmd.deployment import adopt, export_key, import_key, rotate
from hummingbird.conf import Conf, load
from hummingbird.db.session import Database
from hummingbird.errors import (
    DeploymentFileInvalid,
    DeploymentForeign,
    DeploymentKeyMissing,
    DeploymentNotShared,
    HummingbirdError,
)

CLOCK = SystemClock()
SHARED = ("secret.key", "gateway.key", "token", "pki/ca.pem", "pki/ca.crt")


def controller(folder: Path, name: str, *, more: str = "") -> tuple[Conf, Path]:
    """Return the configuration and the state directory of a controller."""
    state = folder / name
    file = folder / f"{name}.conf"
    file.write_text(f"[DEFAULT]\nstate_directory = {state}\n{more}")
    return load(["--config-file", str(file)], prog="test"), state


def shared(state: Path) -> list[bytes]:
    return [(state / name).read_bytes() for name in SHARED]


def test_a_second_controller_gets_all_of_it_by_one_file(
    database: Database, tmp_path: Path
) -> None:
    first, first_state = controller(tmp_path, "first")
    box = adopt(first, database, CLOCK)
    sealed = box.seal("secret")
    identity = export_key(first, tmp_path / "deployment.json")
    assert stat.S_IMODE((tmp_path / "deployment.json").stat().st_mode) == 0o600
    second, second_state = controller(tmp_path, "second")
    assert import_key(second, tmp_path / "deployment.json", replaces=False) == identity
    assert adopt(second, database, CLOCK).open(sealed) == "secret"
    assert shared(first_state) == shared(second_state)
    for name in SHARED:
        mode = stat.S_IMODE((second_state / name).stat().st_mode)
        assert mode == (0o644 if name.endswith(".crt") else 0o600), name
    certificates = [
        ensure_server_certificate(state / "pki", {"localhost"}).fingerprint
        for state in (first_state, second_state)
    ]
    assert certificates[0] == certificates[1]


def test_nothing_of_it_is_in_the_database_in_clear(
    database: Database, tmp_path: Path
) -> None:
    conf, state = controller(tmp_path, "first")
    adopt(conf, database, CLOCK)
    with database.reader() as connection:
        rows = connection.exec_driver_sql("SELECT name, content FROM deployment")
        text = "\n".join(f"{row[0]} {row[1]}" for row in rows)
    assert "gateway_key" in text
    for name in ("secret.key", "token"):
        assert (state / name).read_text().strip() not in text
    assert "PRIVATE KEY" not in text


def test_a_controller_without_the_key_is_told_how_to_get_it(
    database: Database, tmp_path: Path
) -> None:
    adopt(controller(tmp_path, "first")[0], database, CLOCK)
    second, state = controller(tmp_path, "second")
    with pytest.raises(DeploymentKeyMissing, match="deployment-export"):
        adopt(second, database, CLOCK)
    assert not (state / "secret.key").exists(), "nothing was made in its place"


def test_a_controller_of_another_deployment_is_refused(
    database: Database, tmp_path: Path
) -> None:
    first, _ = controller(tmp_path, "first")
    adopt(first, database, CLOCK)
    export_key(first, tmp_path / "deployment.json")
    other, state = controller(tmp_path, "other")
    state.mkdir()
    key = "dGhpcyBpcyBhbm90aGVyIGRlcGxveW1lbnQncyBrZXk="
    (state / "secret.key").write_text(key)
    with pytest.raises(DeploymentForeign):
        adopt(other, database, CLOCK)
    with pytest.raises(DeploymentForeign):
        import_key(other, tmp_path / "deployment.json", replaces=False)
    assert (state / "secret.key").read_text() == key
    import_key(other, tmp_path / "deployment.json", replaces=True)
    assert (state / "secret.key.before-import").read_text() == key
    adopt(other, database, CLOCK)


def test_a_deployment_of_before_keeps_what_it_had(
    database: Database, tmp_path: Path
) -> None:
    conf, state = controller(tmp_path, "first")
    (state / "pki").mkdir(parents=True)
    (state / "token").write_text("the-token-of-before")
    (state / "gateway.key").write_bytes(bytes(range(32)))
    before = ensure_server_certificate(state / "pki", {"localhost"})
    adopt(conf, database, CLOCK)
    assert (state / "token").read_text() == "the-token-of-before"
    assert (state / "gateway.key").read_bytes() == bytes(range(32))
    after = ensure_server_certificate(state / "pki", {"localhost"})
    assert after.fingerprint == before.fingerprint


def test_two_controllers_of_before_end_with_one_authority(
    database: Database, tmp_path: Path
) -> None:
    first, first_state = controller(tmp_path, "first")
    adopt(first, database, CLOCK)
    second, second_state = controller(tmp_path, "second")
    (second_state / "pki").mkdir(parents=True)
    key = (first_state / "secret.key").read_bytes()
    (second_state / "secret.key").write_bytes(key)
    own = ensure_server_certificate(second_state / "pki", {"localhost"})
    adopt(second, database, CLOCK)
    assert shared(first_state) == shared(second_state)
    again = ensure_server_certificate(second_state / "pki", {"localhost"})
    assert again.fingerprint != own.fingerprint


def test_two_first_starts_at_once_make_one_deployment(
    database: Database, tmp_path: Path
) -> None:
    gate = threading.Barrier(2)
    ended: list[str] = []

    def start(name: str) -> None:
        conf, _ = controller(tmp_path, name)
        gate.wait()
        try:
            adopt(conf, database, CLOCK)
            ended.append("started")
        except HummingbirdError as error:
            ended.append(error.code)

    threads = [threading.Thread(target=start, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["hummingbird.deployment.key_missing", "started"]


@pytest.mark.parametrize("what", ["token", "gateway-key", "authority"])
def test_what_is_rotated_reaches_each_controller(
    database: Database, tmp_path: Path, what: str
) -> None:
    first, first_state = controller(tmp_path, "first")
    adopt(first, database, CLOCK)
    export_key(first, tmp_path / "deployment.json")
    second, second_state = controller(tmp_path, "second")
    import_key(second, tmp_path / "deployment.json", replaces=False)
    adopt(second, database, CLOCK)
    before = shared(first_state)
    rotate(first, database, CLOCK, what)
    assert shared(first_state) != before
    adopt(second, database, CLOCK)
    assert shared(second_state) == shared(first_state)
    if what == "authority":
        pem = (first_state / "pki" / "ca.crt").read_bytes()
        new, old = x509.load_pem_x509_certificates(pem)
        assert old == x509.load_pem_x509_certificate(before[-1])
        issued = ensure_server_certificate(first_state / "pki", {"localhost"})
        shown = x509.load_pem_x509_certificate(issued.cert_path.read_bytes())
        shown.verify_directly_issued_by(new)


def test_a_token_file_of_the_operators_is_left_alone(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    conf, state = controller(tmp_path, "first", more=f"[api]\ntoken_file = {file}\n")
    adopt(conf, database, CLOCK)
    assert not (state / "token").exists() and not file.exists()
    with pytest.raises(DeploymentNotShared):
        rotate(conf, database, CLOCK, "token")


@pytest.mark.parametrize(
    "content",
    ["", "{}", '{"hummingbird_deployment": 1, "identity": "x", "sealing_key": "y"}'],
)
def test_what_is_no_export_is_refused(tmp_path: Path, content: str) -> None:
    conf, state = controller(tmp_path, "first")
    (tmp_path / "wrong").write_text(content)
    with pytest.raises(DeploymentFileInvalid):
        import_key(conf, tmp_path / "wrong", replaces=True)
    assert not (state / "secret.key").exists()


def test_the_commands_say_what_to_do_next(tmp_path: Path) -> None:
    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "hummingbird.cli.app", *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    _, state = controller(tmp_path, "first")
    config = ("--config-file", str(tmp_path / "first.conf"))
    file = str(tmp_path / "deployment.json")
    early = run("deployment-export", file, *config)
    assert early.returncode == 1 and "no process has been started" in early.stderr
    assert run("deployment-rotate", "token", *config).stdout.startswith(
        "There is a new"
    )
    said = run("deployment-export", file, *config).stdout.splitlines()
    assert said[-1] == "  hummingbird deployment-import deployment.json"
    assert len(said) == 3
    key = (state / "secret.key").read_text().strip()
    again = run("deployment-import", file, *config)
    assert "belongs to deployment" in again.stdout
    assert key not in again.stdout + again.stderr
