# SPDX-License-Identifier: Apache-2.0
"""Who gets a session and who doesn't, over real TLS."""

import json
import socket
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agents.link.exchange import Answer, ExchangeFailed, Gateway, post
from agents.link.session import SessionRefused, TokenOpener
from hummingbird.adapters.pki.authority import ensure_server_certificate
from hummingbird.clock import ManualClock
from hummingbird.db.repository import host as hosts
from hummingbird.tls import ServerTls
from tests.fakes.token_verifier import FakeIdentity
from tests.free_port import free_port
from tests.functional.gateway.conftest import PERIOD_SECONDS, Site


def ask(
    at: Gateway, path: str = "/v1/sessions", *, body: bytes = b"{}", **headers: str
) -> tuple[int, str]:
    answer: Answer = post(at, path, body=body, headers=headers)
    return answer.status, json.loads(answer.body)["message"]


def refusal(site: Site, opener: TokenOpener) -> str:
    with pytest.raises(SessionRefused) as refused:
        opener.open(boot_id="b")
    return str(refused.value)


def test_a_session_tells_what_an_agent_needs(site: Site) -> None:
    gateway = site.start_gateway(session_seconds=600)
    one = site.opener(gateway, node_name="edge-0").open(boot_id="b")
    other = site.opener(gateway, node_name="edge-1").open(boot_id="b")
    assert one.address == ("127.0.0.1", gateway.port)
    assert one.session.period_seconds == PERIOD_SECONDS
    assert one.session.expires_in_seconds == 600
    assert one.session.report_hash is None
    assert one.session.key != other.session.key
    assert one.session.key.hex() not in repr(one)


def test_where_one_gateway_is_away_another_one_is_asked(site: Site) -> None:
    here = site.start_gateway()
    opener = site.opener(here, node_name="edge-0")
    away = ("127.0.0.1", free_port())
    both = replace(opener.gateway, places=(away, *opener.gateway.places))
    opened = replace(opener, gateway=both).open(boot_id="b")
    assert opened.address == ("127.0.0.1", here.port)
    nobody = replace(opener.gateway, places=(away, away))
    assert refusal(site, replace(opener, gateway=nobody)).count("refused") == 2


@pytest.mark.parametrize(
    ("identity", "because"),
    [
        (FakeIdentity("edge-9", "mtc-client"), "node edge-9 is no host"),
        (FakeIdentity("1", "mtc-client"), "node 1 is no host"),
        (FakeIdentity("edge-0", "sysinv-agent"), "service account"),
        (FakeIdentity("edge-0", "default"), "service account"),
        (FakeIdentity("edge-0", "mtc-client", "default"), "another namespace"),
        (FakeIdentity("", "mtc-client"), "not bound"),
    ],
)
def test_a_valid_token_of_somebody_else_is_refused(
    site: Site, identity: FakeIdentity, because: str
) -> None:
    gateway = site.start_gateway()
    opener = site.opener(gateway, node_name="edge-0")
    opener.token_file.write_text(site.verifier.issue(identity))
    assert because in refusal(site, opener)


@pytest.mark.parametrize(
    "known", [{"node_uid": "of-its-own-node"}, {"node_uid": None, "touched": False}]
)
def test_a_node_that_is_not_the_hosts_own_opens_no_session(
    site: Site, known: dict[str, object]
) -> None:
    gateway = site.start_gateway()
    with site.database.writer() as connection:
        host = hosts.find(connection, "edge-0")
        hosts.change(connection, host, now=site.clock.now(), **known)
    opener = site.opener(gateway, node_name="edge-0")
    assert "is not the one of host edge-0" in refusal(site, opener)
    identity = FakeIdentity("edge-0", "mtc-client")
    with site.database.writer() as connection:
        host = hosts.find(connection, "edge-0")
        hosts.change(
            connection,
            host,
            now=site.clock.now(),
            node_uid=identity.node_uid,
            touched=True,
        )
    opener.token_file.write_text(site.verifier.issue(identity))
    opener.open(boot_id="b")


def test_a_token_that_kubernetes_does_not_know_is_refused(site: Site) -> None:
    gateway = site.start_gateway()
    opener = site.opener(gateway, node_name="edge-0")
    opener.token_file.write_text("made-up")
    assert refusal(site, opener).startswith("401 ")


def test_without_kubernetes_or_database_it_says_unavailable(site: Site) -> None:
    gateway = site.start_gateway()
    opener = site.opener(gateway, node_name="edge-0")
    site.verifier.away = True
    assert refusal(site, opener).startswith("503 ")
    site.verifier.away = False
    release = site.lock_database()
    assert refusal(site, opener).startswith("503 ")
    release()
    opener.open(boot_id="b")


def test_an_agent_trusts_only_its_own_authority(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway = site.start_gateway()
    foreign = ensure_server_certificate(tmp_path / "foreign", ["127.0.0.1"])
    at = replace(site.at(gateway), ca_file=foreign.ca_path)
    with pytest.raises(ExchangeFailed, match="certificate"):
        post(at, "/v1/sessions", body=b"{}")
    elsewhere = replace(site.at(gateway), places=(("localhost", gateway.port),))
    with pytest.raises(ExchangeFailed, match=r"[Hh]ostname"):
        post(elsewhere, "/v1/sessions", body=b"{}")
    gateway.stop()  # when it has ended what it was at
    assert capsys.readouterr().err == "", "a stranger is no error of ours"


def test_what_is_no_session_request_is_refused(site: Site) -> None:
    at = site.at(site.start_gateway())
    assert ask(at, body=b"nonsense")[0] == 400
    assert ask(at, body=b"[]")[0] == 400
    assert ask(at, body=b"[" * 10_000)[0] == 400
    good = {"token": "t", "agent": "mtc-client", "boot_id": "b", "wire_version": 1}
    for change in (
        {"agent": "root"},
        {"wire_version": 2},
        {"token": 1},
        {"boot_id": ""},
    ):
        assert ask(at, body=json.dumps(good | change).encode())[0] == 400
    assert ask(at, body=b" " * 20_000)[0] == 413
    assert ask(at, "/v1/hosts")[0] == 404


def test_who_connects_and_says_nothing_keeps_nobody_out(site: Site) -> None:
    gateway = site.start_gateway()
    silent = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(8)]
    begun = time.monotonic()
    site.opener(gateway, node_name="edge-0").open(boot_id="b")
    assert time.monotonic() - begun < 5.0
    for connection in silent:
        connection.close()


def test_a_renewed_certificate_is_shown_without_a_restart(site: Site) -> None:
    files = site.certificate
    tls = ServerTls(files.cert_path, files.key_path)
    assert not tls.take_new_certificate()
    before = files.cert_path.read_bytes()
    later = ManualClock(site.clock.now() + timedelta(days=380))
    again = ensure_server_certificate(
        files.cert_path.parent, ["127.0.0.1"], clock=later
    )
    assert files.cert_path.read_bytes() != before
    assert again.fingerprint == files.fingerprint
    assert tls.take_new_certificate()
