# SPDX-License-Identifier: Apache-2.0
"""Behind a real Keystone: its tokens open the API, its roles say what for."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from keystoneauth1 import adapter, identity, session

from hummingbird.adapters.fm.fault_manager import FaultManager
from hummingbird.adapters.keystone.service_user import service_user
from hummingbird.api.http.keystone import MOST_TOKENS, KeystoneDoor, TokenCache
from hummingbird.clock import ManualClock
from hummingbird.conf import load
from hummingbird.db.repository import event_log
from hummingbird.domain.fault_message import FaultMessage, MessageKind
from hummingbird.errors import FaultManagerUnavailable, KeystoneMisconfigured
from tests.functional.keystone.conftest import (
    Deployment,
    configure,
    keystone_options,
)
from tests.keystone_server import REGION, KeystoneServer

HOST = {
    "hostname": "edge-0",
    "personality": "edgeworker",
    "mgmt_mac": "52:54:00:00:00:1",
}
SERIAL = [{"op": "replace", "path": "/serialid", "value": "7"}]
CACHED_SECONDS = 300
"""What [keystone_authtoken]token_cache_time is by default."""


def fault(answer: Any) -> dict[str, Any]:
    found = json.loads(answer.json()["error_message"])
    assert isinstance(found, dict)
    return found


def test_each_role_may_do_what_is_its_own(
    keystone: KeystoneServer, deployment: Deployment
) -> None:
    reader, operator, configurator = map(
        keystone.token, ("reader", "operator", "configurator")
    )
    admin = keystone.token("admin", password="the administrator's")
    ask = deployment.ask
    host = {**HOST, "mgmt_mac": "52:54:00:00:00:01"}
    assert ask(reader).status_code == 200
    assert ask(keystone.token("stranger")).status_code == 403
    for token, status in ((reader, 403), (operator, 403), (configurator, 200)):
        assert ask(token, "POST", body=host).status_code == status
    at = "/v1/ihosts/edge-0"
    for token, status in ((reader, 403), (operator, 200), (admin, 200)):
        assert ask(token, "PATCH", at, SERIAL).status_code == status
    assert ask(operator, "DELETE", at).status_code == 403
    refused = ask(reader, "DELETE", at)
    assert fault(refused)["faultstring"] == "reader is not allowed to delete hosts."
    assert ask(admin, "DELETE", at).status_code == 204
    assert ask(reader, path="/v1/alarms", fm=True).status_code == 200
    assert ask(reader, "POST", "/v1/alarms", {}, fm=True).status_code == 403


def test_a_role_in_somebody_elses_project_is_none(
    keystone: KeystoneServer, deployment: Deployment
) -> None:
    token = keystone.token_of("configurator", "pw-configurator", "kitchen")
    assert deployment.ask(token).status_code == 403


def test_who_has_no_good_token_is_told_where_to_get_one(
    keystone: KeystoneServer, deployment: Deployment
) -> None:
    revoked = keystone.token("reader")
    keystone.revoke(revoked)
    own = (Path(deployment.conf.state_directory) / "token").exists()
    assert not own, "no second key lies about"
    for token in (None, "", "nonsense", keystone.expired_token("reader"), revoked):
        answer = deployment.ask(token)
        assert answer.status_code == 401, token
        assert fault(answer)["code"] == "hummingbird.not_authenticated"
        assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{keystone.url}"'
    assert deployment.ask(None, path="/v1/alarms", fm=True).status_code == 401


def test_what_a_client_says_of_itself_is_not_believed(
    keystone: KeystoneServer, deployment: Deployment
) -> None:
    claims = {
        "X-Identity-Status": "Confirmed",
        "X-Roles": "admin",
        "X-Project-Name": "admin",
        "X-User-Name": "admin",
    }
    assert deployment.ask(None, **claims).status_code == 401
    reader = keystone.token("reader")
    answer = deployment.ask(reader, "POST", body=HOST, **claims)
    assert answer.status_code == 403
    assert fault(answer)["faultstring"].startswith("reader ")


@pytest.fixture
def away(keystone: KeystoneServer) -> Iterator[Callable[[], None]]:
    """Takes Keystone away, until the test says or ends."""
    downs: list[bool] = []

    def away() -> None:
        downs.append(True)
        keystone.down()

    yield away
    if downs:
        keystone.up()


def test_while_keystone_is_away_those_inside_go_on(
    keystone: KeystoneServer, deployment: Deployment, away: Callable[[], None]
) -> None:
    known, unknown = keystone.token("reader"), keystone.token("operator")
    assert deployment.ask(known).status_code == 200
    away()
    assert deployment.ask(known).status_code == 200
    refused = deployment.ask(unknown)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "5"
    assert fault(refused)["worth_a_retry"] is True
    assert fault(refused)["code"] == "hummingbird.keystone.unavailable"
    assert deployment.ask(None, path="/v1/health").status_code == 200
    deployment.clock.advance(CACHED_SECONDS)
    assert deployment.ask(known).status_code == 503
    keystone.up()
    assert deployment.ask(unknown).status_code == 200
    assert deployment.ask(known).status_code == 200


def test_a_session_of_keystoneauth_finds_it_by_the_catalogue(
    keystone: KeystoneServer, deployment: Deployment
) -> None:
    auth = identity.V3Password(
        keystone.url,
        username="operator",
        password="pw-operator",
        project_name="admin",
        user_domain_id="default",
        project_domain_id="default",
    )
    asking = session.Session(auth=auth, verify=deployment.ca_file)
    for kind, path in (("platform", "/ihosts"), ("faultmanagement", "/v1/alarms")):
        client = adapter.Adapter(asking, service_type=kind, region_name=REGION)
        assert client.get(path).json() == {path.rpartition("/")[2]: []}


def test_no_token_and_no_password_is_logged(
    keystone: KeystoneServer,
    deployment: Deployment,
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = keystone.token("reader")
    with caplog.at_level(logging.DEBUG):
        assert deployment.ask(token).status_code == 200
        assert deployment.ask("a-token-that-is-wrong").status_code == 401
    for secret in (token, "a-token-that-is-wrong", "pw-hummingbird"):
        assert secret not in caplog.text


def test_what_is_known_of_tokens_gets_old_and_does_not_grow_for_ever() -> None:
    clock = ManualClock()
    cache = TokenCache(clock)
    cache.set("one", b"1", time=300)
    assert cache.get("one") == b"1"
    clock.advance(299)
    assert cache.get("one") == b"1"
    clock.advance(1)
    assert cache.get("one") is None
    for number in range(MOST_TOKENS + 1):
        cache.set(str(number), b"x", time=300)
    assert cache.get("0") is None
    assert cache.get("1") == cache.get(str(MOST_TOKENS)) == b"x"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", "auth_type is not set"),
        ("[keystone_authtoken]\nauth_type = nonsense\n", "nonsense"),
        ("[keystone_authtoken]\nauth_type = password\n", "auth_url"),
    ],
)
def test_a_keystone_that_is_not_described_does_not_start(
    tmp_path: Path, more: str, said: str
) -> None:
    with pytest.raises(KeystoneMisconfigured, match=said):
        KeystoneDoor(configure(tmp_path, more), ManualClock())


def hummingbird(environ: dict[str, str], *words: str) -> tuple[int, str, str]:
    """Run our command as a user of OpenStack's clients would."""
    kept = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-m", "hummingbird.cli.app", *words],
        capture_output=True,
        text=True,
        check=False,
        env=kept | {"HUMMINGBIRD_STATE": "/nonexistent"} | environ,
    )
    return done.returncode, done.stdout, done.stderr


def test_our_own_command_takes_the_variables_of_openstack(
    openrc: dict[str, str], deployment: Deployment
) -> None:
    words = ("host-add", "-n", "edge-0", "-m", "52:54:00:00:00:01")
    status, _, err = hummingbird(openrc, *words)
    assert (status, err) == (0, "")
    status, out, _ = hummingbird(openrc, "host-list", "-f", "json")
    assert (status, json.loads(out)[0]["hostname"]) == (0, "edge-0")
    lines = hummingbird(openrc, "openrc")[1]
    assert f"export SYSTEM_URL={deployment.service.url}\n" in lines
    assert f"export FM_URL={deployment.service.fm_url}\n" in lines
    assert "TOKEN" not in lines


def test_our_own_command_says_why_keystone_lets_nobody_in(
    openrc: dict[str, str], keystone: KeystoneServer, away: Callable[[], None]
) -> None:
    status, _, err = hummingbird(openrc | {"OS_PASSWORD": "wrong"}, "host-list")
    assert (status, "does not let configurator in" in err) == (1, True), err
    assert "wrong" not in err
    without = {k: v for k, v in openrc.items() if k != "OS_PASSWORD"}
    status, _, err = hummingbird(without, "host-list")
    assert status == 1, err
    status, _, err = hummingbird(openrc | {"OS_USERNAME": "reader"}, "host-list")
    assert status == 1
    away()
    status, _, err = hummingbird(openrc, "host-list")
    assert (status, "can't be asked" in err) == (1, True), err


def alarm(uuid: str) -> FaultMessage:
    return FaultMessage(
        kind=MessageKind.LOG,
        uuid=uuid,
        alarm_id="200.020",
        entity_instance_id="host=edge-0.event=add",
        body={
            "uuid": uuid,
            "alarm_id": "200.020",
            "alarm_state": "log",
            "entity_type_id": "host",
            "entity_instance_id": "host=edge-0.event=add",
            "severity": "warning",
            "reason_text": "edge-0 has been 'added' to the system",
            "alarm_type": "other",
            "probable_cause": "unspecified-reason",
            "proposed_repair_action": "",
            "service_affecting": False,
            "suppression": False,
        },
    )


@pytest.fixture
def fault_manager(
    keystone: KeystoneServer, deployment: Deployment, tmp_path: Path
) -> FaultManager:
    """What tells faults to a FM behind Keystone; another Hummingbird is one."""
    file = tmp_path / "fm.conf"
    file.write_text(keystone_options(keystone, "fm"))
    conf = load(["--config-file", str(file)], prog="test")
    user = service_user(conf, "fm", ca_file=None, timeout_seconds=30)
    return FaultManager(
        deployment.service.fm_url, user=user, ca_file=Path(deployment.ca_file)
    )


def logs(deployment: Deployment) -> list[str]:
    with deployment.database.reader() as connection:
        return [event.uuid for event in event_log.list_latest(connection, limit=9)]


def test_faults_go_to_a_fm_behind_keystone_as_a_user_of_it(
    fault_manager: FaultManager,
    deployment: Deployment,
    keystone: KeystoneServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    one, two = (f"0e5a4c1e-7a3c-4f6e-9a55-00000000000{n}" for n in (1, 2))
    with caplog.at_level(logging.DEBUG):
        fault_manager.deliver(alarm(one))
        token = fault_manager._user.token()  # type: ignore[union-attr]
        keystone.revoke(token)
        deployment.clock.advance(CACHED_SECONDS + 1)
        fault_manager.deliver(alarm(two))
    assert sorted(logs(deployment)) == [one, two]
    assert fault_manager._user.token() != token  # type: ignore[union-attr]
    assert token not in caplog.text
    assert "pw-hummingbird" not in caplog.text


def test_a_message_waits_while_keystone_is_away(
    fault_manager: FaultManager, keystone: KeystoneServer, away: Callable[[], None]
) -> None:
    away()
    with pytest.raises(FaultManagerUnavailable, match="Keystone"):
        fault_manager.deliver(alarm("0e5a4c1e-7a3c-4f6e-9a55-000000000003"))
