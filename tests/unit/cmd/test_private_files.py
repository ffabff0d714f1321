# SPDX-License-Identifier: Apache-2.0
"""What a deployment keeps for itself is its user's alone, whatever was there before."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hummingbird.cmd import private_files
from hummingbird.cmd.deployment import export_key, import_key
from hummingbird.cmd.private_files import _owner_is_foreign as owner_is_foreign
from hummingbird.cmd.private_files import keep_private
from hummingbird.conf import Conf, new
from hummingbird.errors import (
    DeploymentFileExists,
    SecretFileUnsafe,
    StateDirectoryUnsafe,
)
from hummingbird.secretbox import read_secret


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """The tests' own is another than a server's."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory as a package may have made it, with what a backup brought."""
    folder = tmp_path / "state"
    (folder / "pki").mkdir(parents=True)
    for name in ("secret.key", "hummingbird.sqlite", "pki/ca.pem", "pki/ca.crt"):
        (folder / name).write_text("x")
    return folder


def conf_of(folder: Path) -> Conf:
    conf = new()
    conf([], project="hummingbird", default_config_files=[])
    conf.set_override("state_directory", str(folder))
    return conf


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def owned_by(user: int) -> Callable[[int], os.stat_result]:
    """Return an fstat() that says so of every open file."""
    real = os.fstat

    def fstat(number: int) -> os.stat_result:
        known = list(real(number))
        known[stat.ST_UID] = user
        return os.stat_result(known)

    return fstat


def test_modes_of_a_state_directory_that_was_there_are_put_right(
    state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert (mode(state), mode(state / "secret.key")) == (0o755, 0o644)
    keep_private(conf_of(state))
    assert (mode(state), mode(state / "pki")) == (0o700, 0o700)
    for name in ("secret.key", "hummingbird.sqlite", "pki/ca.pem"):
        assert mode(state / name) == 0o600
    # Shown to everybody who connects.
    assert mode(state / "pki/ca.crt") == 0o644
    (record,) = caplog.records
    assert str(state / "secret.key") in record.getMessage()
    caplog.clear()
    keep_private(conf_of(state))
    assert not caplog.records


def test_new_files_are_made_for_this_user_alone(tmp_path: Path) -> None:
    keep_private(conf_of(tmp_path / "new"))
    assert mode(tmp_path / "new") == 0o700
    (tmp_path / "new" / "made-by-a-library").write_text("x")
    assert mode(tmp_path / "new" / "made-by-a-library") == 0o600


def test_a_link_deep_in_it_is_not_followed(state: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("x")
    (state / "runs").mkdir()
    (state / "runs" / "link").symlink_to(tmp_path / "elsewhere")
    (state / "runs" / "to-file").symlink_to(tmp_path / "elsewhere" / "file")
    keep_private(conf_of(state))
    assert mode(tmp_path / "elsewhere") == 0o755
    assert mode(tmp_path / "elsewhere" / "file") == 0o644


@pytest.mark.parametrize("name", ["secret.key", "gateway.key", "pki/ca.pem"])
def test_a_link_in_the_place_of_a_file_is_refused(
    state: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "theirs").write_text("x")
    (state / name).unlink(missing_ok=True)
    (state / name).symlink_to(tmp_path / "theirs")
    with pytest.raises(StateDirectoryUnsafe, match=f"{name} in it is a link"):
        keep_private(conf_of(state))
    assert mode(tmp_path / "theirs") == 0o644


def test_a_link_in_the_place_of_the_directory_is_refused(
    state: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(state)
    with pytest.raises(StateDirectoryUnsafe, match="a link or a file is in its place"):
        keep_private(conf_of(tmp_path / "link"))
    assert mode(state) == 0o755


def test_a_file_of_another_user_in_it_is_refused(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, real = (state / "pki" / "ca.pem").stat().st_ino, owner_is_foreign
    monkeypatch.setattr(
        private_files,
        "_owner_is_foreign",
        lambda known: known.st_ino == theirs or real(known),
    )
    with pytest.raises(StateDirectoryUnsafe, match=r"ca\.pem in it belongs to another"):
        keep_private(conf_of(state))


def test_what_a_group_could_write_is_put_right(state: Path) -> None:
    state.chmod(0o2775)
    (state / "secret.key").chmod(0o666)
    keep_private(conf_of(state))
    assert (mode(state) & 0o777, mode(state / "secret.key")) == (0o700, 0o600)


@pytest.mark.parametrize(
    ("parent_mode", "is_safe"),
    [(0o755, True), (0o1777, True), (0o777, False), (0o757, False)],
)
def test_a_directory_that_everybody_may_replace_is_refused(
    tmp_path: Path, parent_mode: int, *, is_safe: bool
) -> None:
    parent = tmp_path / "parent"
    (parent / "state").mkdir(parents=True)
    parent.chmod(parent_mode)
    if is_safe:
        keep_private(conf_of(parent / "state"))
        return
    with pytest.raises(StateDirectoryUnsafe, match="everybody may rename"):
        keep_private(conf_of(parent / "state"))


def test_a_directory_that_a_group_may_replace_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = tmp_path / "parent"
    (parent / "state").mkdir(parents=True)
    parent.chmod(0o775)
    keep_private(conf_of(parent / "state"))  # a user's own group is nobody else
    monkeypatch.setattr(os, "getegid", lambda: parent.stat().st_gid + 1000)
    with pytest.raises(StateDirectoryUnsafe, match="may rename what is in"):
        keep_private(conf_of(parent / "state"))


def test_root_takes_no_directory_of_another_user_and_makes_nothing_in_it(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a command run with sudo does, where the servers run as a user of their own."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(private_files, "_owner_is_foreign", lambda _: False)
    monkeypatch.setattr(os, "fstat", owned_by(4242))
    before = {path: mode(path) for path in state.rglob("*")}
    for work in (
        keep_private,
        lambda conf: export_key(conf, state / "new"),
        lambda conf: import_key(conf, state / "new", replaces=True),
    ):
        with pytest.raises(StateDirectoryUnsafe, match=r"4242.*run this as that user"):
            work(conf_of(state))
    assert {path: mode(path) for path in state.rglob("*")} == before


def test_a_directory_that_everybody_may_write_into_is_refused(state: Path) -> None:
    state.chmod(0o1777)
    with pytest.raises(StateDirectoryUnsafe, match="everybody may write into it"):
        keep_private(conf_of(state))
    assert mode(state) == 0o1777


def test_a_directory_of_another_user_is_refused(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = state.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1000)
    with pytest.raises(StateDirectoryUnsafe, match="belongs to another user"):
        keep_private(conf_of(state))


def test_a_secret_elsewhere_that_everybody_may_read_is_told(
    state: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("x")
    conf = conf_of(tmp_path / "new")
    conf.set_override("kubeconfig", str(kubeconfig), group="kubernetes")
    keep_private(conf)
    assert f"may read {kubeconfig}" in caplog.text
    assert mode(kubeconfig) == 0o644, "it is not ours to change"


def test_a_secret_elsewhere_that_everybody_may_write_is_refused(
    state: Path, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("x")
    kubeconfig.chmod(0o666)
    conf = conf_of(state)
    conf.set_override("kubeconfig", str(kubeconfig), group="kubernetes")
    with pytest.raises(SecretFileUnsafe, match="everybody may write it"):
        keep_private(conf)


def test_a_secret_is_read_from_a_file_of_ours_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "gateway.key"
    path.write_bytes(b"secret")
    path.chmod(0o600)
    assert read_secret(path) == b"secret"
    path.chmod(0o620)
    with pytest.raises(SecretFileUnsafe, match="others may write it"):
        read_secret(path)
    path.chmod(0o600)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(SecretFileUnsafe, match="a link is in its place"):
        read_secret(tmp_path / "link")
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(SecretFileUnsafe, match="it is no file"):
        read_secret(tmp_path / "pipe")
    monkeypatch.setattr(os, "fstat", owned_by(4242))
    with pytest.raises(SecretFileUnsafe, match="belongs to another user"):
        read_secret(path)


def test_an_export_does_not_replace_a_file_and_says_only_that(
    state: Path, tmp_path: Path
) -> None:
    target = tmp_path / "deployment.json"
    target.write_text("mine")
    with pytest.raises(DeploymentFileExists) as caught:
        export_key(conf_of(state), target)
    assert str(caught.value) == f"{target} exists already; name a new file."
    assert target.read_text() == "mine"
