# SPDX-License-Identifier: Apache-2.0
"""What a deployment keeps for itself is its user's alone, whatever was there before."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from hummingbird.cmd.private_files import keep_private
from hummingbird.conf import Conf, new
from hummingbird.errors import StateDirectoryUnsafe


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


def test_a_link_is_not_followed(state: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("x")
    (state / "link").symlink_to(tmp_path / "elsewhere")
    (state / "to-file").symlink_to(tmp_path / "elsewhere" / "file")
    keep_private(conf_of(state))
    assert mode(tmp_path / "elsewhere") == 0o755
    assert mode(tmp_path / "elsewhere" / "file") == 0o644


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
