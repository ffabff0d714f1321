# SPDX-License-Identifier: Apache-2.0
"""Session messages and the signature of reports: checked on both sides."""

import json
from dataclasses import replace

import pytest

from hummingbird.wire import session
from hummingbird.wire.document import MessageInvalid
from hummingbird.wire.session import Session, SessionRequest

KEY = bytes(range(32))
REQUEST = SessionRequest(token="secret-token", agent="mtc-client", boot_id="b")
SESSION = Session(
    session=2**62,
    key=KEY,
    period_seconds=10.0,
    retransmit_seconds=1.0,
    expires_in_seconds=3600,
    udp_port=2131,
    report_hash="ab" * 32,
)


def test_messages_survive_their_way() -> None:
    assert session.decode_request(session.encode_request(REQUEST)) == REQUEST
    for given in (SESSION, replace(SESSION, report_hash=None)):
        assert session.decode_session(session.encode_session(given)) == given


def test_secrets_do_not_show_in_a_log() -> None:
    assert "secret-token" not in repr(REQUEST)
    assert str(KEY) not in repr(SESSION)


@pytest.mark.parametrize(
    "change",
    [
        {"token": ""},
        {"token": "x" * 20_000},
        {"token": None},
        {"agent": "other"},
        {"boot_id": 5},
        {"wire_version": 2},
        {"wire_version": True},
        {"wire_version": "1"},
    ],
)
def test_a_request_with_a_wrong_field_is_refused(change: dict[str, object]) -> None:
    document = json.loads(session.encode_request(REQUEST)) | change
    with pytest.raises(MessageInvalid):
        session.decode_request(json.dumps(document).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"session": 0},
        {"session": 2**63},
        {"key": "AAAA"},
        {"key": "not base64"},
        {"period_seconds": 0},
        {"period_seconds": float("nan")},
        {"period_seconds": float("inf")},
        {"expires_in_seconds": -1},
        {"udp_port": 70_000},
        {"report_hash": 5},
    ],
)
def test_a_session_with_a_wrong_field_is_refused(change: dict[str, object]) -> None:
    document = json.loads(session.encode_session(SESSION)) | change
    with pytest.raises(MessageInvalid):
        session.decode_session(json.dumps(document).encode())


def test_a_signature_is_of_one_body_and_one_key() -> None:
    header = session.sign(b"body", session=7, key=KEY)
    assert session.signer(header) == 7
    assert session.verify(header, body=b"body", key=KEY)
    assert not session.verify(header, body=b"bodY", key=KEY)
    assert not session.verify(header, body=b"body", key=bytes(32))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Session",
        "Session 7",
        "Session 7:",
        "Session x:ab",
        "Session -7:ab",
        "Session ٧:ab",
        "Session 99999999999999999999:ab",
        "Bearer 7:ab",
    ],
)
def test_what_is_no_signature_is_refused(header: str) -> None:
    with pytest.raises(MessageInvalid):
        session.signer(header)


def test_a_signature_with_other_than_ascii_is_no_crash() -> None:
    assert not session.verify("Session 7:é", body=b"", key=KEY)
