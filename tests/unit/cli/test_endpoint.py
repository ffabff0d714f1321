# SPDX-License-Identifier: Apache-2.0
"""The server and its token are found without being told."""

import json
from pathlib import Path

import pytest

from hummingbird.cli import endpoint
from hummingbird.cli.endpoint import DEFAULT_URL, find
from hummingbird.cli.failure import Failure


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "token").write_text("left-by-up\n")
    return folder


def _left(state: Path) -> None:
    record = {"url": "http://192.0.2.1:9/", "token_file": str(state / "token")}
    (state / "client.json").write_text(json.dumps(record))


def test_what_up_left_is_found(state: Path) -> None:
    _left(state)
    found = find(url=None, token_file=None, environ={"HUMMINGBIRD_STATE": str(state)})
    assert (found.url, found.token) == ("http://192.0.2.1:9", "left-by-up")
    assert found.token_from == str(state / "token")


def test_a_token_file_alone_means_the_standard_port(state: Path) -> None:
    found = find(url=None, token_file=None, environ={"HUMMINGBIRD_STATE": str(state)})
    assert (found.url, found.token) == (DEFAULT_URL, "left-by-up")


def test_a_users_own_state_directory_is_looked_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "SYSTEM_STATE", tmp_path / "none")
    own = tmp_path / ".local/state/hummingbird"
    own.mkdir(parents=True)
    (own / "token").write_text("mine")
    found = find(url=None, token_file=None, environ={"HOME": str(tmp_path)})
    assert found.token == "mine"


def test_each_place_goes_before_the_next(state: Path, tmp_path: Path) -> None:
    _left(state)
    environ = {"HUMMINGBIRD_STATE": str(state)}
    environ |= {"SYSTEM_URL": "http://192.0.2.2:6385/v1", "OS_AUTH_TOKEN": "starlingx"}
    found = find(url=None, token_file=None, environ=environ)
    assert (found.url, found.token) == ("http://192.0.2.2:6385", "starlingx")

    environ |= {"HUMMINGBIRD_URL": "http://192.0.2.3", "HUMMINGBIRD_TOKEN": "own"}
    found = find(url=None, token_file=None, environ=environ)
    assert (found.url, found.token) == ("http://192.0.2.3", "own")

    given = tmp_path / "given"
    given.write_text("given\n")
    found = find(url="http://192.0.2.4/", token_file=given, environ=environ)
    assert (found.url, found.token) == ("http://192.0.2.4", "given")


def test_nothing_found_says_how_to_start_a_server(tmp_path: Path) -> None:
    environ = {"HUMMINGBIRD_STATE": str(tmp_path / "none")}
    with pytest.raises(Failure, match="Start it: hummingbird up"):
        find(url=None, token_file=None, environ=environ)


def test_an_unreadable_token_says_who_may_read_it(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="as the user who started"):
        find(url=None, token_file=tmp_path / "none", environ={})


def test_a_token_is_not_shown_by_accident(state: Path) -> None:
    found = find(url=None, token_file=None, environ={"HUMMINGBIRD_STATE": str(state)})
    assert "left-by-up" not in repr(found)


def test_the_authority_that_a_server_left_is_for_that_server(state: Path) -> None:
    authority = str(state / "pki" / "ca.crt")
    record = {
        "url": "https://10.0.0.1:6385",
        "token_file": str(state / "token"),
        "ca_file": authority,
    }
    (state / "client.json").write_text(json.dumps(record))
    environ = {"HUMMINGBIRD_STATE": str(state)}

    def ca_file(url: str | None = None, **more: str) -> str | None:
        found = find(url=url, token_file=None, environ=environ | more)
        return None if found.ca_file is None else str(found.ca_file)

    assert ca_file() == authority
    assert ca_file("https://127.0.0.1:6385") == authority
    assert ca_file("https://public.example:6385") is None
    assert ca_file(OS_CACERT="/stx/ca.crt") == "/stx/ca.crt"
    assert (
        ca_file(OS_CACERT="/stx/ca.crt", HUMMINGBIRD_CA_FILE="/own.crt") == "/own.crt"
    )
    given = find(url=None, token_file=None, environ=environ, ca_file=Path("/given.crt"))
    assert given.ca_file == Path("/given.crt")


def test_without_its_record_a_server_is_known_by_its_state_directory(
    state: Path,
) -> None:
    (state / "pki").mkdir()
    (state / "pki" / "ca.crt").write_text("an authority")
    found = find(url=None, token_file=None, environ={"HUMMINGBIRD_STATE": str(state)})
    assert found.ca_file == state / "pki" / "ca.crt"
    assert found.fm_url == found.url == DEFAULT_URL


def test_a_state_directory_that_is_named_goes_before_the_variables(
    state: Path, tmp_path: Path
) -> None:
    _left(state)
    environ = {"HUMMINGBIRD_STATE_DIRECTORY": str(tmp_path / "none")}
    found = find(url=None, token_file=None, environ=environ, state_directory=state)
    assert (found.url, found.token) == ("http://192.0.2.1:9", "left-by-up")
    environ = {"HUMMINGBIRD_STATE_DIRECTORY": str(state)}
    assert find(url=None, token_file=None, environ=environ).token == "left-by-up"


def test_where_no_token_is_found_it_says_how_to_name_the_directory(
    tmp_path: Path,
) -> None:
    with pytest.raises(Failure, match=f"{tmp_path}.*--state-directory DIR"):
        find(url=None, token_file=None, environ={}, state_directory=tmp_path / "none")
