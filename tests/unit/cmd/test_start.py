# SPDX-License-Identifier: Apache-2.0
"""What a start tells a person: what is read in vain, what is missing, what to type next."""

import logging
import sys
from pathlib import Path

import pytest

from hummingbird.cli.app import HummingbirdApp
from hummingbird.cli.up import Up
from hummingbird.cmd.conductor import warn_without_cluster
from hummingbird.cmd.program import program
from hummingbird.cmd.up import next_command
from hummingbird.conf import Conf, load
from hummingbird.conf.misspelt import misspelt

SAMPLE = Path(__file__).resolve().parents[3] / "etc" / "hummingbird.conf.sample"


def conf_of(tmp_path: Path, text: str) -> Conf:
    file = tmp_path / "hummingbird.conf"
    file.write_text(text)
    return load(["--config-file", str(file)], prog="test")


def test_a_misspelt_option_or_section_is_told_with_the_nearest_name(
    tmp_path: Path,
) -> None:
    found = misspelt(
        conf_of(
            tmp_path, "[api]\nbnd = 1\nport = 1\n[gatewy]\nport = 2\n[zzz]\na = 1\n"
        )
    )
    assert [one.partition(": ")[2] for one in found] == [
        "nobody reads [api]bnd; is it [api]bind?",
        "nobody reads [gatewy]; is it [gateway]?",
        "nobody reads [zzz]",
    ]


def test_a_value_is_not_told(tmp_path: Path) -> None:
    found = misspelt(
        conf_of(tmp_path, "[database]\nurll = postgresql://a:secret@b/c\n")
    )
    assert len(found) == 1
    assert "secret" not in found[0]


def test_what_libraries_read_is_left_alone(tmp_path: Path) -> None:
    text = (
        "[DEFAULT]\ndebug = true\nlog_file = /dev/null\ntransport_url = rabbit://\n"
        "[oslo_messaging_rabbit]\nssl = true\n[keystone_authtoken]\nauth_url = x\n"
        "[oslo_policy]\npolicy_file = x\n"
    )
    assert misspelt(conf_of(tmp_path, text)) == []


def test_every_option_of_the_sample_is_known(tmp_path: Path) -> None:
    lines = SAMPLE.read_text().splitlines()
    text = "\n".join(
        line.removeprefix("#")
        for line in lines
        if line.startswith("[") or (line[:1] == "#" and line[1:2].isalpha())
    )
    file = tmp_path / "hummingbird.conf"
    file.write_text(text)

    class Read:
        config_dir = ()
        config_file = (str(file),)

    assert misspelt(Read) == []


@pytest.mark.parametrize("text", [None, "users: [{"])
def test_a_conductor_without_a_kubeconfig_says_where_it_looked(
    tmp_path: Path, text: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "kubeconfig"
    if text is not None:
        file.write_text(text)
    conf = conf_of(tmp_path, f"[kubernetes]\nkubeconfig = {file}\n")
    with caplog.at_level(logging.WARNING):
        warn_without_cluster(conf)
    (record,) = caplog.records
    assert str(file) in record.getMessage()
    assert "$KUBECONFIG" in record.getMessage()


def test_a_state_directory_of_its_own_is_in_what_to_type_next(tmp_path: Path) -> None:
    conf = conf_of(tmp_path, f"[DEFAULT]\nstate_directory = {tmp_path / 'a b'}\n")
    assert f"--state-directory '{tmp_path / 'a b'}' host-list" in next_command(conf)


def test_the_command_lines_state_directory_is_the_servers_too(tmp_path: Path) -> None:
    app = HummingbirdApp()
    app.options = app.parser.parse_args(["--state-directory", str(tmp_path)])
    command = Up(app, None)
    words = command.server_words(command.get_parser("up").parse_args([]))
    assert load(words, prog="test").state_directory == str(tmp_path)


def test_a_program_that_is_not_on_path_is_named_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / ".venv" / "bin"
    own.mkdir(parents=True)
    (own / "hummingbird").touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(own / "python"))
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.chdir(tmp_path)
    assert program("hummingbird") == ".venv/bin/hummingbird"
    monkeypatch.chdir(own)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    (tmp_path / "hummingbird").touch(mode=0o755)
    assert program("hummingbird") == str(tmp_path / "hummingbird")
    monkeypatch.setattr(sys, "executable", str(own / "python"))
    monkeypatch.setenv("PATH", str(own))
    assert program("hummingbird") == "hummingbird"
